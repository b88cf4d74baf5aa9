// The budget of one delivery: see budget.hpp.
#include "loadgen/results/budget.hpp"

#include <algorithm>
#include <boost/algorithm/string/erase.hpp>
#include <boost/json.hpp>
#include <map>
#include <vector>

#include "loadgen/results/result_files.hpp"
#include "loadgen/results/statistics.hpp"

namespace comet::loadgen {
namespace {

namespace json = boost::json;

double nanoseconds_of(const json::value& benchmark, double time) {
  const std::string unit = text_at(benchmark, "/time_unit");
  return time * (unit == "us" ? 1e3 : unit == "ms" ? 1e6 : unit == "s" ? 1e9 : 1);
}

using Values = std::map<std::string, std::vector<double>>;

void add_values(const json::value& benchmark, bool memory, Values& values) {
  const auto add = [&](const char* member, std::optional<double> value) {
    if (value) values[member].push_back(*value);
  };
  add("user_bytes", number_at(benchmark, "/user_bytes"));
  add("kernel_bytes", number_at(benchmark, "/kernel_bytes"));
  if (memory) return;  // the time of a memory benchmark is that of its preparation
  const auto cpu = number_at(benchmark, "/cpu_time");
  const auto clock = number_at(benchmark, "/real_time");
  const auto of_all = number_at(benchmark, "/cpu_ns");
  if (cpu || of_all) add("cpu_ns", of_all ? of_all : nanoseconds_of(benchmark, *cpu));
  if (clock) add("clock_ns", nanoseconds_of(benchmark, *clock));
}

}  // namespace

json::object mechanisms_json(const json::value& microbench) {
  std::map<std::string, Values> by_name;
  for (const json::value& benchmark : array_at(microbench, "/benchmarks")) {
    json::error_code missing;
    if (text_at(benchmark, "/run_type") != "iteration" ||
        benchmark.find_pointer("/error_occurred", missing) != nullptr)
      continue;
    std::string name = text_at(benchmark, "/name");
    boost::algorithm::erase_all(name, "/real_time");
    boost::algorithm::erase_all(name, "/iterations:1");
    add_values(benchmark, name.rfind("memory/", 0) == 0, by_name[name]);
  }
  json::object costs;
  for (const auto& [name, values] : by_name) {
    json::object cost;
    for (const auto& [member, of] : values) {
      const auto [low, high] = std::minmax_element(of.begin(), of.end());
      cost[member] = {median(of), *low, *high};
    }
    costs[name] = std::move(cost);
  }
  const auto cores = number_at(microbench, "/context/num_cpus");
  const auto mhz = number_at(microbench, "/context/mhz_per_cpu");
  return {{"date", text_at(microbench, "/context/date")},
          {"cores", cores ? json::value(*cores) : json::value(nullptr)},
          {"mhz", mhz ? json::value(*mhz) : json::value(nullptr)},
          {"costs", std::move(costs)}};
}

json::value budget_json(const Budget& budget, std::optional<double> cpu_us, std::optional<double> floor_us,
                        const json::object& mechanisms) {
  if (!cpu_us || !floor_us) return nullptr;
  if (budget.mechanisms.empty()) return {{"left_out", budget.left_out}};
  json::array parts;
  double sum = 0;
  for (const auto& [benchmark, times] : budget.mechanisms) {
    const json::value* cost = mechanisms.at("costs").as_object().if_contains(benchmark);
    const auto ns = cost == nullptr ? std::nullopt : number_at(*cost, "/cpu_ns/0");
    if (!ns) return {{"left_out", benchmark + " is not in microbench.json"}};
    const double us = *ns * static_cast<double>(times) / 1e3;
    parts.push_back({{"benchmark", benchmark}, {"times", times}, {"us", us}});
    sum += us;
  }
  // What the parts do not explain is first taken for the floor's work. If less is left than the floor needs,
  // the parts cost less inside the server than alone, or the server sends at a lower cost than the floor.
  const double remaining = std::max(0.0, *cpu_us - sum);
  const double as_floor = std::min(*floor_us, remaining);
  return {{"whole_us", *cpu_us},
          {"floor_us", *floor_us},
          {"parts", std::move(parts)},
          {"as_floor_us", as_floor},
          {"unexplained_us", remaining - as_floor}};
}

}  // namespace comet::loadgen
