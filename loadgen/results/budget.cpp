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

struct Part {
  const char* label;
  const char* benchmark;
  int times = 1;  // in one delivery
};

struct Recipe {
  std::vector<Part> wakes;  // async has none: its loop calls one held request's code after the other
  const char* left_out = nullptr;
};

const Recipe& recipe_of(const std::string& entry) {
  static const Recipe kUnknown{{}, "none of its mechanisms is measured alone"};
  static const std::map<std::string, Recipe> kRecipes{
      {"prefork", {{{"wake", "wake/process/waiting:64/one_core:0"}}}},
      {"threaded", {{{"wake", "wake/thread/waiting:64/one_core:0"}}}},
      {"async", {}},
      {"continuations-redispatch", {{{"wake", "wake/continuation/redispatch"}}}},
      {"continuations-direct", {{{"wake", "wake/continuation/direct"}}}},
      {"continuations-stackful", {{{"wake", "wake/continuation/stackful"}}}},
      // The request's letter to the room, the room's answer, and the message.
      {"fibers", {{{"3 wakes", "wake/fiber/own_thread", 3}}}},
      {"fibers-hibernate",
       {{}, "no fiber waits there, and what stands in for its wake is not measured alone"}},
      {"fibers-2-threads", {{}, "it wakes between two busy threads, which is not measured alone"}}};
  const auto found = kRecipes.find(entry);
  return found == kRecipes.end() ? kUnknown : found->second;
}

// Per delivery a client's next request is parsed, the log is read, the response is shared out, and its
// receiver is woken. Prefork's wake ends when the message is copied out of the log.
std::vector<Part> parts_of(const std::string& entry) {
  std::vector<Part> parts{{"parse", "parse/poll"}, {"response", "encode/response/shared"}};
  if (entry != "prefork") parts.push_back({"log read", "log/read"});
  const auto& wakes = recipe_of(entry).wakes;
  parts.insert(parts.end(), wakes.begin(), wakes.end());
  return parts;
}

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
  if (memory) return;  // the time of those is the time to make them all
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

json::value budget_json(const std::string& entry, std::optional<double> cpu_us,
                        std::optional<double> floor_us, const json::object& mechanisms) {
  if (!cpu_us || !floor_us) return nullptr;
  if (const char* why = recipe_of(entry).left_out) return {{"left_out", why}};
  json::array parts;
  double sum = 0;
  for (const auto& [label, benchmark, times] : parts_of(entry)) {
    const auto found = mechanisms.at("costs").as_object().find(benchmark);
    const auto ns = found == mechanisms.at("costs").as_object().end()
                        ? std::nullopt
                        : number_at(found->value(), "/cpu_ns/0");
    if (!ns) return {{"left_out", std::string(benchmark) + " is not in microbench.json"}};
    parts.push_back({label, *ns * times / 1e3});
    sum += *ns * times / 1e3;
  }
  // What the parts leave, the floor's work first: where that is less than the floor's, the parts cost less
  // inside the server than alone, or it sends more cheaply than the floor.
  const double rest = std::max(0.0, *cpu_us - sum);
  return {{"whole_us", *cpu_us},
          {"floor_us", *floor_us},
          {"parts", std::move(parts)},
          {"as_floor_us", std::min(*floor_us, rest)},
          {"unexplained_us", rest - std::min(*floor_us, rest)}};
}

}  // namespace comet::loadgen
