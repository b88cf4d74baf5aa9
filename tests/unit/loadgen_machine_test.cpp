// The facts of the machine that are recorded in every result.
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <fstream>
#include <regex>

#include "loadgen/machine/machine.hpp"

namespace comet::loadgen {
namespace {

// If one of two runs was made on a tuned machine, the results must show it.
TEST(LoadgenMachine, RecordsEverySettingThatTuningKnows) {
  const boost::json::object facts = machine_facts();
  const boost::json::object& settings = facts.at("settings").as_object();
  std::ifstream table(COMET_SOURCE_FOLDER "/tuning/settings.sh");
  const std::regex row(R"(^  "\$1" ([a-z0-9_-]+\.[a-z0-9_.-]+) .*)");
  int keys = 0;
  for (std::string line; std::getline(table, line);) {
    std::smatch match;
    if (!std::regex_match(line, match, row)) continue;
    std::string key = match[1];
    std::replace(key.begin(), key.end(), '.', '/');
    EXPECT_TRUE(settings.contains(key)) << key;
    ++keys;
  }
  EXPECT_EQ(keys, 17);
}

}  // namespace
}  // namespace comet::loadgen
