// Scenario files: what they may contain, and the message for a mistake.
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <filesystem>

#include "loadgen/driver/scenario.hpp"
#include "loadgen/errors.hpp"

namespace comet::loadgen {
namespace {

const std::filesystem::path kFolder = std::filesystem::path(COMET_SOURCE_FOLDER) / "loadgen" / "scenarios";

std::string complaint_about(const std::string& json) {
  try {
    parse_scenario(json, "mine.json");
  } catch (const UsageError& error) {
    return error.what();
  }
  return "none";
}

TEST(LoadgenScenario, EveryFileOfTheFolderIsOne) {
  int files = 0;
  for (const auto& file : std::filesystem::directory_iterator(kFolder)) {
    const Scenario scenario = find_scenario(kFolder, file.path().stem().string());
    EXPECT_EQ(scenario.name, file.path().stem().string());
    EXPECT_FALSE(scenario.about.empty()) << file.path();
    ++files;
  }
  EXPECT_GE(files, 8);
}

TEST(LoadgenScenario, AFileOfOnesOwnIsNamedByItsPath) {
  EXPECT_EQ(find_scenario("/nowhere", (kFolder / "churn.json").string()).kind, Kind::kChurn);
}

TEST(LoadgenScenario, TakesWhatTheFileSays) {
  const Scenario scenario = parse_scenario(R"({"kind": "steady", "held": [50, 10, 50], "duration_s": 1.5,
      "publishes_per_second": 40, "cursors": true, "server_options": ["--history", "8"]})",
                                           "folder/mine.json");
  EXPECT_EQ(scenario.name, "mine");
  EXPECT_EQ(scenario.held, (std::vector<std::int64_t>{10, 50}));
  EXPECT_DOUBLE_EQ(scenario.duration_seconds, 1.5);
  EXPECT_DOUBLE_EQ(scenario.publishes_per_second, 40);
  EXPECT_EQ(scenario.server_options, (std::vector<std::string>{"--history", "8"}));
  EXPECT_EQ(scenario.needs(), (std::vector<std::string>{"cursors"}));
}

TEST(LoadgenScenario, EachRateOfAListIsMeasuredByItself) {
  const auto scenarios = parse_scenario(R"({"kind": "steady", "held": [10], "duration_s": 1,
      "publishes_per_second": [160, 0.5, 160], "cursors": true})",
                                        "mine.json")
                             .by_rate();
  ASSERT_EQ(scenarios.size(), 2u);
  EXPECT_DOUBLE_EQ(scenarios[0].to_json(10).at("publishes_per_second").as_double(), 0.5);
  EXPECT_DOUBLE_EQ(scenarios[1].to_json(10).at("publishes_per_second").as_double(), 160);
}

TEST(LoadgenScenario, WithoutRatesThereIsOneToMeasure) {
  EXPECT_EQ(parse_scenario(R"({"kind": "hold", "held": [1]})", "mine.json").by_rate().size(), 1u);
}

TEST(LoadgenScenario, ChurnIsRecordedWithItsRateOfArrivals) {
  const Scenario scenario =
      parse_scenario(R"({"kind": "churn", "held": [500], "duration_s": 3, "hold_s": 2})", "churn.json");
  EXPECT_DOUBLE_EQ(scenario.to_json(500).at("arrivals_per_second").as_double(), 250);
  EXPECT_EQ(scenario.to_json(500).at("kind"), "churn");
}

TEST(LoadgenScenario, AMistakeIsAnsweredWithTheFileAndTheKey) {
  EXPECT_NE(complaint_about("{").find("mine.json: is not JSON"), std::string::npos);
  EXPECT_NE(complaint_about("[]").find("mine.json: is not an object"), std::string::npos);
  EXPECT_NE(complaint_about(R"({"kind": "broadcats"})").find("unknown kind 'broadcats': use one of hold"),
            std::string::npos);
  EXPECT_NE(complaint_about(R"({"kind": "hold", "held": [1], "rate": 3})").find("unknown key 'rate'"),
            std::string::npos);
  EXPECT_NE(complaint_about(R"({"kind": "broadcast", "held": [1]})").find("'duration_s' is missing"),
            std::string::npos);
  EXPECT_NE(
      complaint_about(R"({"kind": "broadcast", "held": [1], "duration_s": "1"})").find("'duration_s' is no"),
      std::string::npos);
  EXPECT_NE(
      complaint_about(R"({"kind": "broadcast", "held": [1], "duration_s": -1})").find("'duration_s' is no"),
      std::string::npos);
  const std::string steady = R"({"kind": "steady", "held": [1], "duration_s": 1, "cursors": true, )";
  EXPECT_NE(
      complaint_about(steady + R"("publishes_per_second": []})").find("'publishes_per_second' is empty"),
      std::string::npos);
  EXPECT_NE(
      complaint_about(steady + R"("publishes_per_second": [5, "x"]})").find("'publishes_per_second' is no"),
      std::string::npos);
  EXPECT_NE(complaint_about(R"({"kind": "channels", "held": [1], "duration_s": 1, "channels": 1,
                                "publishes_per_second": [5, 6]})")
                .find("'publishes_per_second' is no number"),
            std::string::npos);
  EXPECT_NE(complaint_about(R"({"kind": "hold", "held": []})").find("'held' is empty"), std::string::npos);
  EXPECT_NE(complaint_about(R"({"kind": "hold", "held": [0]})").find("'held' takes whole numbers"),
            std::string::npos);
  EXPECT_NE(complaint_about(R"({"kind": "hold", "held": 7})").find("'held' is no list"), std::string::npos);
  EXPECT_NE(
      complaint_about(R"({"kind": "hold", "held": [7], "server_options": [1]})").find("'server_options'"),
      std::string::npos);
}

TEST(LoadgenScenario, AnUnknownNameIsAnsweredWithTheKnownOnes) {
  try {
    find_scenario(kFolder, "broadcats");
    FAIL() << "no error";
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("unknown scenario 'broadcats'"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("steady-no-cursors"), std::string::npos);
  }
}

}  // namespace
}  // namespace comet::loadgen
