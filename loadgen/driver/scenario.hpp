// A scenario: what the bench does with every entry. One small JSON file each, in loadgen/scenarios/.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace comet::loadgen {

enum class Kind { kHold, kBroadcast, kSteady, kChurn, kChannels, kBlocking };

struct Scenario {
  std::string name;  // the file's, without .json
  std::string about;
  Kind kind = Kind::kBroadcast;
  std::vector<std::int64_t> held;  // sizes, ascending
  double duration_seconds = 0;     // of the measured part
  std::optional<int> rounds;       // broadcast: at least this many
  bool ask_at_once = false;        // broadcast: subscribers ask again as soon as they have a message
  double publishes_per_second = 0;
  std::vector<double> rates;  // all that a steady scenario's file lists, ascending
  double other_requests_per_second = 0;
  double hold_seconds = 0;
  std::int64_t channels = 1;
  bool cursors = false;  // subscribers send the last cursor back
  std::vector<std::string> server_options;

  // The parts of the contract that a server must keep for it, in addition to subscribe, publish and stats.
  std::vector<std::string> needs() const;
  // One scenario for each of its rates, because each is measured by itself; this one if there are none.
  std::vector<Scenario> by_rate() const;
  // The sizes that are measured one by one: of hold only the largest, because one measurement goes
  // through all.
  std::vector<std::int64_t> measured_sizes() const;
  // As the results record it, for one size.
  boost::json::object to_json(std::int64_t size) const;
};

// Throws UsageError that names the file and the key.
Scenario parse_scenario(const std::string& json, const std::filesystem::path& file);

// The names of `folder`'s files, separated by commas; empty if there are none.
std::string scenario_names(const std::filesystem::path& folder);

// `name`: a file (with '/' or .json), or one of `folder`'s without .json. Throws UsageError.
Scenario find_scenario(const std::filesystem::path& folder, const std::string& name);

}  // namespace comet::loadgen
