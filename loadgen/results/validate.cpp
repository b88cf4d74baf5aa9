// Checks that figures agree: see validate.hpp.
#include "loadgen/results/validate.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cmath>

#include "loadgen/numbers.hpp"
#include "loadgen/results/result_schema.hpp"

namespace comet::loadgen {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr double kLittleTolerance = 0.1;
constexpr double kCoresTolerance = 0.02;  // clocks are not read all at one moment
constexpr double kSumTolerance = 0.01;
constexpr double kOlderForm = 2;  // without phases; wall time and CPU time were not taken together

constexpr std::array<std::pair<double, const char*>, 5> kPercentiles{
    {{50, "p50_us"}, {90, "p90_us"}, {99, "p99_us"}, {99.9, "p99_9_us"}, {100, "max_us"}}};

// A distribution without a curve: each percentile is at least the one before.
void check_spread(const json::value& content, const std::string& place, std::vector<std::string>& faults) {
  const auto p50 = number_at(content, place + "/p50_us");
  const auto p99 = number_at(content, place + "/p99_us");
  const auto max = number_at(content, place + "/max_us");
  if (p99 < p50) faults.push_back(place + "/p99_us: is less than p50_us: percentiles cannot fall");
  if (max < p99) faults.push_back(place + "/max_us: is less than p99_us: percentiles cannot fall");
}

std::optional<double> curve_at(const json::array& curve, double percent) {
  for (const json::value& point : curve)
    if (number_at(point, "/0") == percent) return number_at(point, "/1");
  return std::nullopt;
}

// A distribution with a curve: it does not fall, and the percentiles are points of it.
void check_curve(const json::value& content, const std::string& place, std::vector<std::string>& faults) {
  double last_percent = 0;
  double last_us = 0;
  const json::array& curve = array_at(content, place + "/curve");
  for (const json::value& point : curve) {
    const double percent = *number_at(point, "/0");
    const double us = *number_at(point, "/1");
    if (percent > 100 || percent < last_percent || us < last_us) {
      faults.push_back(place + "/curve: falls, or goes beyond 100 percent, at " + json::serialize(point));
      return;
    }
    last_percent = percent;
    last_us = us;
  }
  for (const auto& [percent, name] : kPercentiles)
    if (curve_at(curve, percent) != number_at(content, place + "/" + name))
      faults.push_back(place + "/" + name + ": is not what the curve has there");
}

void check_deliveries(const json::value& content, const std::string& place,
                      std::vector<std::string>& faults) {
  const double expected = *number_at(content, place + "/expected");
  const double delivered = *number_at(content, place + "/delivered");
  const double lost = *number_at(content, place + "/lost");
  if (delivered + lost == expected) return;
  faults.push_back(place + ": delivered " + plain_number(delivered) + " and lost " + plain_number(lost) +
                   " are not the " + plain_number(expected) + " expected");
}

// Little's law: the mean number of held requests is the number that arrive in the time that one is held.
void check_little(const json::value& content, const std::string& repeat, std::vector<std::string>& faults) {
  const auto rate = number_at(content, "/scenario/arrivals_per_second");
  const auto hold = number_at(content, "/scenario/hold_s");
  if (text_at(content, "/scenario/kind") != "churn" || text_at(content, repeat + "/status") != "complete" ||
      !rate || !hold)
    return;
  const double held = *number_at(content, repeat + "/held");
  const double wanted = *rate * *hold;
  if (std::abs(held - wanted) > kLittleTolerance * wanted)
    faults.push_back(repeat + "/held: " + plain_number(held) +
                     " on average, but by Little's law arrivals x hold time are " + plain_number(wanted));
}

// Nobody can use more cores than there are, and CPU time is of some time.
void check_cores(const json::value& content, const std::string& repeat, std::vector<std::string>& faults) {
  const double cores = *number_at(content, "/run/machine/cores");
  const double server = number_at(content, repeat + "/server/cores_used").value_or(0);
  const double used = server + number_at(content, repeat + "/generator/cores_used").value_or(0);
  if (used > cores * (1 + kCoresTolerance))
    faults.push_back(repeat + "/server/cores_used: with the load generator's these are " +
                     plain_number(used) + " cores of " + plain_number(cores));
  // Null is for check_complete() to find.
  const bool without_wall = number_at(content, repeat + "/server/cores_used") == 0.0 ||
                            number_at(content, repeat + "/duration_s") == 0.0;
  if (number_at(content, repeat + "/server/cpu_us_per_delivery").value_or(0) > 0 && without_wall)
    faults.push_back(repeat + "/server/cpu_us_per_delivery: is CPU time of no wall time");
}

// Each phase by itself, and the cycle, which is both together.
void check_phases(const json::value& content, const std::string& place, std::vector<std::string>& faults) {
  const auto of = [&](const std::string& member) { return number_at(content, place + member); };
  const double cores = *number_at(content, "/run/machine/cores");
  for (const char* phase : {"/delivery", "/return", "/cycle"}) {
    const std::string name = phase;
    if (of(name + "/longest_ms") < of(name + "/time_ms"))
      faults.push_back(place + name + "/longest_ms: is less than the median time_ms");
    if (of(name + "/server_cores").value_or(0) > cores * (1 + kCoresTolerance))
      faults.push_back(place + name + "/server_cores: is more than the machine's " + plain_number(cores) +
                       " cores");
    if (of("/cycle/time_ms") < of(name + "/time_ms"))
      faults.push_back(place + "/cycle/time_ms: is less than that of " + (name.c_str() + 1) +
                       ", a part of it");
  }
  const auto delivery = of("/delivery/server_cpu_us_per_delivery");
  const auto back = of("/return/server_cpu_us_per_delivery");
  const auto cycle = of("/cycle/server_cpu_us_per_delivery");
  if (delivery && back && cycle && std::abs(*delivery + *back - *cycle) > kSumTolerance * *cycle)
    faults.push_back(place + "/cycle/server_cpu_us_per_delivery: is not the sum of delivery and return");
}

bool is_one_of(const std::string& text, std::initializer_list<const char*> texts) {
  return std::find(texts.begin(), texts.end(), text) != texts.end();
}

// The members that a complete repeat of each kind must have. Some machines cannot measure system calls, or
// memory in most kinds, so these are not among them.
std::vector<std::string> measured_by(const std::string& kind, bool delivered, bool older_form) {
  std::vector<std::string> members{"/duration_s", "/hold_rate_per_second", "/server/cores_used",
                                   "/generator/cores_used"};
  const auto add = [&members](std::initializer_list<const char*> more) {
    members.insert(members.end(), more.begin(), more.end());
  };
  if (is_one_of(kind, {"hold", "churn"})) add({"/points", "/user_memory/held_bytes"});
  if (!is_one_of(kind, {"hold", "churn"})) add({"/deliveries/per_second"});
  if (!is_one_of(kind, {"hold", "broadcast"})) add({"/deliveries/offered_per_second", "/publish_lag"});
  if (is_one_of(kind, {"hold", "broadcast"}) && !older_form) add({"/phases"});
  if (kind == "blocking") add({"/other_latency"});
  if (delivered) add({"/latency", "/skew", "/server/cpu_us_per_delivery"});
  return members;
}

bool is_null_at(const json::value& content, const std::string& pointer) {
  json::error_code missing;
  const json::value* found = content.find_pointer(pointer, missing);
  return found == nullptr || found->is_null();
}

void check_complete(const json::value& content, const std::string& repeat, std::vector<std::string>& faults) {
  if (text_at(content, repeat + "/status") != "complete") return;
  const std::string kind = text_at(content, "/scenario/kind");
  // Deliveries of the timed part: if all were lost, there is no latency. hold delivers one message and
  // has no rate.
  const auto rate = number_at(content, repeat + "/deliveries/per_second");
  const double delivered = rate ? *rate : *number_at(content, repeat + "/deliveries/delivered");
  for (const std::string& member : measured_by(kind, delivered > 0, is_of_older_form(content)))
    if (is_null_at(content, repeat + member))
      faults.push_back(repeat + member + ": is null, but a complete repeat of " + kind + " has it");
  const double wanted = *number_at(content, "/held_wanted");
  if (kind != "churn" && *number_at(content, repeat + "/held") != wanted)
    faults.push_back(repeat + "/held: a complete repeat holds the " + plain_number(wanted) + " wanted");
}

// Nobody reads a message before it is at the socket. If the clock was set meanwhile, some arrivals
// are not known.
void check_socket_latency(const json::value& content, const std::string& repeat,
                          std::vector<std::string>& faults) {
  if (number_at(content, repeat + "/errors/clock_set")) return;
  for (const auto& [percent, name] : kPercentiles) {
    const auto socket = number_at(content, repeat + "/socket_latency/" + name);
    const auto read = number_at(content, repeat + "/latency/" + name);
    if (socket && read && *socket > *read)
      faults.push_back(repeat + "/socket_latency/" + name +
                       ": is more than that of /latency, which is read later");
  }
}

// The file's name without its end, which is ".json", or "-at-RATE.json" if the scenario has several rates.
std::string expected_name(const json::value& content) {
  return text_at(content, "/scenario/name") + "-" + text_at(content, "/entry") + "-" +
         plain_number(*number_at(content, "/held_wanted"));
}

// Which figures of `content` do not agree. It has been checked against the schema.
std::vector<std::string> contradictions_in(const json::value& content) {
  std::vector<std::string> faults;
  for (std::size_t i = 0; i < array_at(content, "/repeats").size(); ++i) {
    const std::string repeat = "/repeats/" + std::to_string(i);
    for (const char* member : {"/skew", "/publish_lag"}) check_spread(content, repeat + member, faults);
    for (const char* member : {"/latency", "/socket_latency", "/other_latency"})
      check_curve(content, repeat + member, faults);
    check_socket_latency(content, repeat, faults);
    check_complete(content, repeat, faults);
    check_deliveries(content, repeat + "/deliveries", faults);
    check_little(content, repeat, faults);
    if (is_of_older_form(content)) continue;
    check_cores(content, repeat, faults);
    check_phases(content, repeat + "/phases", faults);
  }
  return faults;
}

// Reads `path` into `content`. Returns its faults.
std::vector<std::string> faults_of(const fs::path& path, const std::string& schema, json::value& content) {
  const std::string text = file_text(path);
  json::parser parser;
  json::error_code error;
  const std::size_t end = parser.write(text, error);
  if (error) return {"/: is no JSON: " + error.message() + " at byte " + std::to_string(end)};
  content = parser.release();
  if (const auto fault = schema_fault(text, schema)) return {*fault};
  std::vector<std::string> faults = contradictions_in(content);
  const std::string name = expected_name(content);
  const std::string rate = plain_number(number_at(content, "/scenario/publishes_per_second").value_or(0));
  if (faults.empty() && path.filename() != name + ".json" &&
      path.filename() != name + "-at-" + rate + ".json")
    faults.push_back("/: by its scenario, entry and size its name should be " + name + ".json");
  return faults;
}

}  // namespace

bool is_of_older_form(const json::value& content) { return *number_at(content, "/schema") <= kOlderForm; }

Validated validate(const std::vector<fs::path>& runs, const fs::path& schema_file) {
  const std::string schema = file_text(schema_file);
  Validated validated;
  for (const fs::path& path : result_paths(runs)) {
    ResultFile result{path, nullptr};
    const std::vector<std::string> faults = faults_of(path, schema, result.content);
    for (const std::string& fault : faults) validated.faults.push_back(path.string() + ": " + fault);
    if (faults.empty()) validated.results.push_back(std::move(result));
  }
  return validated;
}

}  // namespace comet::loadgen
