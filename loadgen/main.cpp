// comet-loadgen: the command line. What it does is in bench.hpp, run.hpp and
// results_commands.hpp.
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <limits>
#include <optional>
#include <stdexcept>

#include "core/number_options.hpp"
#include "loadgen/driver/bench.hpp"
#include "loadgen/machine/doctor.hpp"
#include "loadgen/errors.hpp"
#include "loadgen/results/results_commands.hpp"
#include "loadgen/driver/run.hpp"
#include "loadgen/driver/server_process.hpp"
#include "loadgen/signals.hpp"

namespace comet::loadgen {
namespace {

namespace fs = std::filesystem;
using core::whole_number;

constexpr int kUsage = 64;

constexpr char kExamples[] =
    "Examples:\n"
    "  comet-loadgen bench                                  every entry at 100, 1,000 and 4,000 held "
    "requests\n"
    "  comet-loadgen bench --entries async,floor --held 15000 --seconds 5\n"
    "  comet-loadgen bench --scenario steady-no-cursors --entries async,threaded --repeats 3\n"
    "  comet-loadgen run --url http://127.0.0.1:8001 --held 1000 --rounds 20\n"
    "  comet-loadgen report                                 the latest run as a page: results/index.html\n"
    "  comet-loadgen compare results/runs/A results/runs/B  what differs by more than its repeats do\n"
    "  comet-loadgen doctor --held 100000 --pattern threaded   can it be held here, and if not, why\n"
    "Scenarios are small JSON files in loadgen/scenarios: copy one, change it, and name the copy with "
    "--scenario.\n"
    "What the columns mean: loadgen/README.md. SUBCOMMAND --help shows its options.";

// Not by CLI11's delimiter, which drops an empty name: that is an unknown entry like any other.
void add_names(CLI::App& command, const std::string& option, std::vector<std::string>& names) {
  command.add_option_function<std::string>(
      option,
      [&names](const std::string& list) {
        for (std::size_t start = 0, end = 0; end != std::string::npos; start = end + 1) {
          end = list.find(',', start);
          names.push_back(list.substr(start, end - start));
        }
      },
      "entries or folders, separated by commas; default: all");
}

fs::path scenarios_of(const fs::path& root) { return root / "loadgen" / "scenarios"; }

// The nearest folder upwards of `start` that has patterns/ and scenarios (a build folder has only the
// former); empty when there is none.
fs::path find_root(fs::path start) {
  for (;; start = start.parent_path()) {
    if (fs::is_directory(start / "patterns") && fs::is_directory(scenarios_of(start))) return start;
    if (start == start.parent_path()) return {};
  }
}

fs::path program_folder() { return fs::read_symlink("/proc/self/exe").parent_path(); }

// From the working directory, or else from where this program is; empty where neither is in one.
fs::path find_project_root() {
  const fs::path root = find_root(fs::current_path());
  return root.empty() ? find_root(program_folder()) : root;
}

// What both commands take; each value given replaces the scenario file's.
struct ScenarioOptions {
  std::string name = "broadcast";
  std::vector<std::int64_t> held;
  std::optional<int> rounds;
  std::optional<double> seconds;
};

void add_scenario(CLI::App& command, ScenarioOptions& scenario, std::optional<int>& client_processes) {
  command
      .add_option("--scenario", scenario.name,
                  "a file, or one of " + scenario_names(scenarios_of(find_project_root())))
      ->capture_default_str();
  command
      .add_option("--held", scenario.held,
                  "numbers of held requests, separated by commas; default: the scenario's")
      ->delimiter(',')
      ->check(whole_number(1, 1'000'000));
  auto* rounds =
      command
          .add_option("--rounds", scenario.rounds, "broadcast: rounds that count (one more is the warm-up)")
          ->check(whole_number(1, 1'000'000));
  command
      .add_option("--seconds", scenario.seconds,
                  "time of the measured part; broadcast makes at least 3 rounds")
      ->check(core::decimal_seconds(0, 3600))
      ->excludes(rounds);
  command
      .add_option("--client-processes", client_processes,
                  "processes that hold the connections; default: as few as the open-file limit allows")
      ->check(whole_number(1, 64));
}

void add_bench(CLI::App& command, BenchOptions& bench) {
  add_names(command, "--entries", bench.entries);
  command.add_option("--repeats", bench.repeats, "how often everything is measured")
      ->check(whole_number(1, 1000))
      ->capture_default_str();
  command
      .add_option("--seed", bench.seed, "order of the entries; default: a new one, recorded in the results")
      ->check(whole_number(0, std::numeric_limits<std::int64_t>::max()));
  command.add_option("--root", bench.root,
                     "project folder with patterns/ and peers/; default: found upwards from here");
  command.add_option("--bin-dir", bench.program_folder,
                     "where the servers' programs are; default: beside this program");
  command.add_option("--out", bench.results, "folder for the results; each run makes one in it")
      ->default_str("ROOT/results/runs");
}

void add_run(CLI::App& command, RunOptions& run) {
  command.add_option("--url", run.url, "the server, as in http://127.0.0.1:8001 or http://[::1]:8001")->required();
  command.add_option("--repeats", run.repeats, "how often it is measured")
      ->check(whole_number(1, 1000))
      ->capture_default_str();
  command.add_flag("--json", run.json, "print the result as JSON");
}

struct DoctorOptions {
  std::vector<std::string> entries;
  std::int64_t held = 15'000;
  fs::path root;
};

void add_doctor(CLI::App& command, DoctorOptions& doctor) {
  command.add_option("--held", doctor.held, "number of held requests")
      ->check(whole_number(1, 10'000'000))
      ->capture_default_str();
  add_names(command, "--pattern", doctor.entries);
  command.add_option("--root", doctor.root,
                     "project folder with patterns/ and peers/; default: found upwards from here");
}

fs::path project_root() {
  fs::path root = find_project_root();
  if (root.empty())
    throw UsageError(
        "no folder with patterns/ found upwards from here: name the project's folder with --root");
  return root;
}

void complete(BenchOptions& bench) {
  bench.root = bench.root.empty() ? project_root() : fs::absolute(bench.root);
  if (bench.program_folder.empty()) bench.program_folder = program_folder();
  if (bench.results.empty()) bench.results = bench.root / "results" / "runs";
}

int examine(const DoctorOptions& doctor) {
  const fs::path root = doctor.root.empty() ? project_root() : doctor.root;
  const auto entries = select_entries(find_entries(root), doctor.entries);
  return run_doctor(entries, read_limits("/", geteuid()), doctor.held);
}

// `root`: a tree of the reader's own may have entries and no scenarios.
Scenario chosen(const ScenarioOptions& options, const fs::path& root) {
  const fs::path folder = scenarios_of(root);
  Scenario scenario =
      find_scenario(fs::is_directory(folder) ? folder : scenarios_of(project_root()), options.name);
  if (!options.held.empty()) scenario.held = options.held;
  std::sort(scenario.held.begin(), scenario.held.end());
  scenario.held.erase(std::unique(scenario.held.begin(), scenario.held.end()), scenario.held.end());
  if (options.rounds && scenario.kind != Kind::kBroadcast)
    throw UsageError("--rounds is for the broadcast scenario: use --seconds");
  scenario.rounds = options.rounds;
  if (options.seconds) scenario.duration_seconds = *options.seconds;
  if (scenario.kind == Kind::kChurn && scenario.duration_seconds < scenario.hold_seconds + 0.5)
    throw UsageError("churn is measured once hold_s is over: give it --seconds of at least hold_s + 0.5");
  return scenario;
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return;  // the limit as it is then holds, and is checked before use
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// A table that nobody can read is a failure.
int with_output_checked(int status) {
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    throw std::runtime_error("cannot write to standard output: is the disk full?");
  return status;
}

int run_program(int argc, char** argv) {
  BenchOptions bench;
  RunOptions run;
  ResultsOptions results;
  ScenarioOptions scenario;
  CLI::App app("Measures servers that hold requests: memory, latency and CPU of delivering messages to them.",
               "comet-loadgen");
  app.footer(kExamples);
  app.require_subcommand(1);
  CLI::App& bench_command =
      *app.add_subcommand("bench", "start, verify, measure and stop entries of this project");
  CLI::App& run_command = *app.add_subcommand("run", "measure a server that is already running");
  CLI::App& doctor_command =
      *app.add_subcommand("doctor", "say how many requests can be held here, what binds, and what lifts it");
  DoctorOptions doctor;
  add_doctor(doctor_command, doctor);
  add_bench(bench_command, bench);
  add_scenario(bench_command, scenario, bench.client_processes);
  add_run(run_command, run);
  add_results_commands(app, results);
  add_scenario(run_command, scenario, run.client_processes);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    const auto rest = app.remaining();
    const std::string what = app.get_subcommands().empty() && !rest.empty()
                                 ? "unknown command '" + rest.front() + "'"
                                 : error.what();
    std::fprintf(stderr, "comet-loadgen: %s (comet-loadgen --help shows commands and options)\n",
                 what.c_str());
    return kUsage;
  }
  if (doctor_command.parsed()) return examine(doctor);
  if (!bench_command.parsed() && !run_command.parsed()) {
    if (results.root.empty()) results.root = project_root();
    if (app.got_subcommand("validate")) return run_validate(results);
    return app.got_subcommand("compare") ? run_compare(results) : run_report(results);
  }
  raise_descriptor_limit();
  install_signal_handlers();
  if (run_command.parsed()) {
    run.scenario = chosen(scenario, project_root());
    return run_against(run);
  }
  adopt_orphans();
  bench.command_line.assign(argv, argv + argc);
  complete(bench);
  bench.scenario = chosen(scenario, bench.root);
  return run_bench(bench);
}

}  // namespace
}  // namespace comet::loadgen

int main(int argc, char** argv) {
  using namespace comet;
  try {
    return loadgen::with_output_checked(loadgen::run_program(argc, argv));
  } catch (const loadgen::UsageError& error) {
    std::fprintf(stderr, "comet-loadgen: %s\n", error.what());
    return loadgen::kUsage;
  } catch (const loadgen::Interrupted&) {
    return 128 + loadgen::last_stop_signal();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "comet-loadgen: %s\n", error.what());
    return 1;
  }
}
