// Two runs beside each other: which figures differ by more than their repeats do.
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
  // Of B against A: the figure's word, "not distinguishable" when the intervals overlap, "too few repeats".
  std::string verdict;
};

// When A or B was measured, and what, where that is known: one of each, unless it is several runs.
struct Origin {
  std::set<std::string> started_at;
  std::set<std::string> commits;
};

struct Comparison {
  Origin a, b;
  std::vector<std::string> notes;  // what makes the figures doubtful, what failed, what could not be compared
  std::vector<ComparedFigure> figures;
  std::size_t decided = 0;  // of the figures: those with repeats enough
  std::size_t differ = 0;
};

// Throws UsageError when A or B has an entry twice.
Comparison compare(const std::vector<ResultFile>& a, const std::vector<ResultFile>& b);

std::string to_table(const Comparison& comparison);
boost::json::object to_json(const Comparison& comparison);

}  // namespace comet::loadgen
