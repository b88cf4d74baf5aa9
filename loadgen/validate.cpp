// Contradictions between a result's figures: see validate.hpp.
#include "loadgen/validate.hpp"

#include <boost/json.hpp>
#include <cmath>

#include "loadgen/result_schema.hpp"

namespace comet {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr double kLittleTolerance = 0.1;

std::string plain(double number) { return json::serialize(json::value(std::llround(number))); }

// Percentiles that a member has must not fall from one to the next.
void check_percentiles(const json::value& content, const std::string& place,
                       std::vector<std::string>& faults) {
  std::string last_name;
  std::optional<double> last;
  for (const char* name : {"p50_us", "p90_us", "p99_us", "p99_9_us", "max_us"}) {
    const std::optional<double> value = number_at(content, place + "/" + name);
    if (!value) continue;
    if (last && *value < *last)
      faults.push_back(place + "/" + name + ": is less than " + last_name + ": percentiles cannot fall");
    last = value;
    last_name = name;
  }
}

void check_curve(const json::value& content, const std::string& place, std::vector<std::string>& faults) {
  double last_percent = 0;
  double last_us = 0;
  for (const json::value& point : array_at(content, place)) {
    const double percent = *number_at(point, "/0");
    const double us = *number_at(point, "/1");
    if (percent > 100 || percent < last_percent || us < last_us) {
      faults.push_back(place + ": falls, or goes beyond 100 percent, at " + json::serialize(point));
      return;
    }
    last_percent = percent;
    last_us = us;
  }
}

void check_deliveries(const json::value& content, const std::string& place,
                      std::vector<std::string>& faults) {
  const auto expected = number_at(content, place + "/expected");
  const auto delivered = number_at(content, place + "/delivered");
  const auto lost = number_at(content, place + "/lost");
  if (!expected || !delivered || !lost || *delivered + *lost == *expected) return;
  faults.push_back(place + ": delivered " + plain(*delivered) + " and lost " + plain(*lost) +
                   " are not the " + plain(*expected) + " expected");
}

// Little's law: how many are held on average is how many arrive in the time that one is held.
void check_little(const json::value& content, const std::string& repeat, std::vector<std::string>& faults) {
  const auto rate = number_at(content, "/scenario/arrivals_per_second");
  const auto hold = number_at(content, "/scenario/hold_s");
  const auto held = number_at(content, repeat + "/held");
  if (text_at(content, "/scenario/kind") != "churn" || text_at(content, repeat + "/status") != "complete" ||
      !rate || !hold || !held)
    return;
  const double wanted = *rate * *hold;
  if (std::abs(*held - wanted) > kLittleTolerance * wanted)
    faults.push_back(repeat + "/held: " + plain(*held) +
                     " on average, but by Little's law arrivals x hold time are " + plain(wanted));
}

std::string expected_name(const json::value& content) {
  return text_at(content, "/scenario/name") + "-" + text_at(content, "/entry") + "-" +
         plain(number_at(content, "/held_wanted").value_or(0)) + ".json";
}

// The figures of `content`, which keeps the schema, against each other.
std::vector<std::string> contradictions_in(const json::value& content) {
  std::vector<std::string> faults;
  for (std::size_t i = 0; i < array_at(content, "/repeats").size(); ++i) {
    const std::string repeat = "/repeats/" + std::to_string(i);
    for (const char* member : {"/latency", "/skew", "/publish_lag", "/other_latency"})
      check_percentiles(content, repeat + member, faults);
    for (const char* member : {"/latency/curve", "/other_latency/curve"})
      check_curve(content, repeat + member, faults);
    check_deliveries(content, repeat + "/deliveries", faults);
    check_little(content, repeat, faults);
  }
  return faults;
}

// Reads `path` into `content` and says what is wrong with it.
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
  if (faults.empty() && path.filename() != name)
    faults.push_back("/: by its scenario, entry and size its name should be " + name);
  return faults;
}

}  // namespace

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

}  // namespace comet
