// The command line of comet-loadgen: what the person asks for. The only part of the program that knows CLI11.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "loadgen/driver/bench.hpp"
#include "loadgen/driver/doctor.hpp"
#include "loadgen/driver/run.hpp"
#include "loadgen/results/results_commands.hpp"
#include "loadgen/trace/trace_command.hpp"

namespace comet::loadgen {

constexpr int kUsageStatus = 64;  // EX_USAGE of <sysexits.h>

struct CommandLine {
  std::string command;  // bench, run, doctor, trace, validate, compare or report
  // The options of that command; the others are as they were.
  BenchOptions bench;
  RunOptions run;
  DoctorOptions doctor;
  TraceOptions trace;
  ResultsOptions results;
};

// Fills `line` in, the scenario and the folders that were left out included. Returns the exit status if there
// is nothing to do: after --help, and after a mistake, which it prints in one line. Throws UsageError.
std::optional<int> parse_command_line(int argc, char** argv, CommandLine& line);

}  // namespace comet::loadgen
