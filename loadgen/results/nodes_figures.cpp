// The figures of many nodes: see nodes_figures.hpp.
#include "loadgen/results/nodes_figures.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <vector>

#include "loadgen/errors.hpp"
#include "loadgen/results/result_files.hpp"
#include "loadgen/results/statistics.hpp"

namespace comet::loadgen {

namespace json = boost::json;

json::object nodes_json(const json::value& nodes) {
  json::error_code missing;
  if (nodes.find_pointer("/run/machine", missing) == nullptr)
    throw UsageError("the file of --nodes is not one that nodes/bench writes");
  json::array figures;
  for (const json::value& figure : array_at(nodes, "/figures")) {
    std::vector<double> values;
    for (const json::value& value : array_at(figure, "/values")) values.push_back(value.to_number<double>());
    json::object shown{{"part", text_at(figure, "/part")}, {"what", text_at(figure, "/what")},
                       {"unit", text_at(figure, "/unit")}, {"notes", array_at(figure, "/notes")},
                       {"repeats", values.size()},         {"value", nullptr}};
    if (!values.empty()) {
      const auto [low, high] = std::minmax_element(values.begin(), values.end());
      shown["value"] = {median(values), *low, *high};
    }
    figures.push_back(std::move(shown));
  }
  return {{"run", nodes.at("run")}, {"figures", std::move(figures)}};
}

}  // namespace comet::loadgen
