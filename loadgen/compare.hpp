// Two runs beside each other: which figures differ by more than their repeats do.
#pragma once

#include <boost/json/array.hpp>
#include <string>
#include <vector>

#include "loadgen/figures.hpp"
#include "loadgen/result_files.hpp"

namespace comet {

struct ComparedFigure {
  std::string scenario;
  std::string entry;
  std::int64_t held;
  const Figure* figure;
  FigureValue a, b;
  // Of B against A: the figure's word, "not distinguishable" when the intervals overlap, "too few repeats".
  std::string verdict;
};

struct Comparison {
  std::vector<ComparedFigure> figures;
  std::vector<std::string> notes;  // what could not be compared, and what makes the rest doubtful
};

Comparison compare(const std::vector<ResultFile>& a, const std::vector<ResultFile>& b);

std::string to_table(const Comparison& comparison);
boost::json::object to_json(const Comparison& comparison);

}  // namespace comet
