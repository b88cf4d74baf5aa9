// Compares two runs: which figures differ by more than their repeats do.
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "loadgen/results/figures.hpp"
#include "loadgen/results/result_files.hpp"

namespace comet::loadgen {

struct ComparedFigure {
  std::string scenario;
  std::string entry;
  std::int64_t held;
  std::optional<double> rate;  // publishes per second, where the scenario has several rates
  const Figure* figure;
  FigureValue a, b;
  // What B is compared with A: the figure's own word, "not distinguishable" if the intervals overlap, or "too
  // few repeats".
  std::string verdict;
};

// When A or B was measured and from which commits, as far as that is known. Several if A or B consists of
// several runs.
struct Origin {
  std::set<std::string> started_at;
  std::set<std::string> commits;
};

struct Comparison {
  Origin a, b;
  std::vector<std::string> notes;  // what makes figures doubtful, what failed, what could not be compared
  std::vector<ComparedFigure> figures;
  std::size_t decided = 0;  // figures with enough repeats
  std::size_t differ = 0;
};

// Throws UsageError if A or B contains an entry twice.
Comparison compare(const std::vector<ResultFile>& a, const std::vector<ResultFile>& b);

std::string to_table(const Comparison& comparison);
boost::json::object to_json(const Comparison& comparison);

}  // namespace comet::loadgen
