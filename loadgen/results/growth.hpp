// How the costs of an entry grow with the number of held requests, over the sizes of one broadcast scenario.
#pragma once

#include <boost/json/array.hpp>
#include <optional>
#include <string>
#include <vector>

#include "loadgen/results/figures.hpp"
#include "loadgen/results/result_files.hpp"

namespace comet::loadgen {

// A slope over sizes: the median of those of the single repeats, with its interval.
struct Slope {
  FigureValue value;
  double from, to;  // smallest and largest number of held requests
};

struct GrowthFigure {
  const char* key;      // in the page's data
  const char* pointer;  // JSON pointer in a repeat
  const char* label;
  // By logarithms: 0 is a cost for each that stays the same, 1 one that doubles with the number. Otherwise by
  // least squares: bytes that each further request adds.
  bool exponent;
};

const std::vector<GrowthFigure>& growth_figures();

struct Growth {
  std::string scenario;
  std::string entry;
  std::vector<std::optional<Slope>> slopes;  // as growth_figures()
};

// In the order of `results`. Entries with one size have none.
std::vector<Growth> growth_of(const std::vector<ResultFile>& results);

// As plain text with a legend; empty if there is nothing to say.
std::string growth_table(const std::vector<Growth>& all);

// For the page: one object for each entry.
boost::json::array growth_json(const std::vector<Growth>& all);

}  // namespace comet::loadgen
