// The facts of the machine that are recorded in every result.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <fstream>
#include <regex>

#include "loadgen/machine/core_times.hpp"
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

TEST(LoadgenCoreTimes, AreReadForEachCoreAndNeverFall) {
  const auto before = core_times();
  ASSERT_EQ(before.size(), static_cast<std::size_t>(sysconf(_SC_NPROCESSORS_ONLN)));
  const auto after = core_times();
  for (std::size_t i = 0; i < before.size(); ++i) EXPECT_GE(after[i].busy, before[i].busy);
}

TEST(LoadgenCoreTimes, UseIsASharePerCoreAndWhatWasStolenIsOfAllTogether) {
  const std::vector<CoreTimes> before{{100, 100, 0}, {100, 100, 0}};
  const auto use = core_use(before, {{190, 100, 10}, {100, 200, 0}});
  ASSERT_TRUE(use);
  EXPECT_DOUBLE_EQ(use->busy[0], 0.9);
  EXPECT_DOUBLE_EQ(use->busy[1], 0);
  EXPECT_DOUBLE_EQ(use->stolen_percent, 5);
}

TEST(LoadgenCoreTimes, UseIsNotKnownIfNoTickHasPassedOrACoreHasGone) {
  EXPECT_FALSE(core_use({{1, 1, 1}}, {{1, 1, 1}}));
  EXPECT_FALSE(core_use({{1, 1, 1}, {1, 1, 1}}, {{9, 9, 9}}));
}

}  // namespace
}  // namespace comet::loadgen
