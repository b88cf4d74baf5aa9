// The text table and the JSON of results.
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "loadgen/driver/progress.hpp"
#include "loadgen/results/report_json.hpp"
#include "loadgen/results/report_table.hpp"

namespace comet::loadgen {
namespace {

Scenario broadcast() {
  Scenario scenario;
  scenario.name = "broadcast";
  scenario.held = {1000, 4000};
  scenario.duration_seconds = 1;
  return scenario;
}

Measurement complete(std::int64_t held, double per_second) {
  Measurement measurement;
  measurement.held = held;
  measurement.deliveries.expected = measurement.deliveries.delivered = held;
  measurement.deliveries.per_second = per_second;
  std::vector<std::int64_t> latencies{1'500'000};
  measurement.latency = measurement.socket_latency = distribution_of(latencies);
  return measurement;
}

Series series_of(const std::string& entry, std::int64_t held, const std::vector<double>& rates) {
  Series series{entry, "model", entry == "floor" ? "floor" : "pattern", held, {}};
  for (const double rate : rates) {
    series.repeats.push_back(complete(held, rate));
    series.repeats.back().repeat = static_cast<int>(series.repeats.size());
  }
  return series;
}

// The words of the first line that starts with `start`.
std::vector<std::string> row(const std::string& table, const std::string& start) {
  std::istringstream lines(table);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(start)) continue;
    std::istringstream words(line);
    return {std::istream_iterator<std::string>(words), {}};
  }
  return {};
}

TEST(LoadgenTable, ShowsTheMedianOfTheRepeatsAndItsRatioToTheFloorOfTheSameSize) {
  const std::string table = results_table(
      broadcast(),
      {series_of("async", 1000, {40'000, 50'000, 90'000}), series_of("async", 4000, {80'000}),
       series_of("floor", 1000, {100'000, 100'000, 100'000}), series_of("floor", 4000, {100'000})});
  const auto at_1000 = row(table, "async");
  ASSERT_GT(at_1000.size(), 6u);
  EXPECT_EQ(at_1000[2], "50,000");
  EXPECT_EQ(at_1000[3], "40,000..90,000");
  EXPECT_EQ(at_1000[4], "0.50");
  EXPECT_EQ(at_1000[5], "1.50");
  const auto at_4000 = row(table.substr(table.find("broadcast, 4,000 held requests")), "async");
  EXPECT_EQ(at_4000[4], "0.80");
}

TEST(LoadgenTable, EachRateHasItsRowsAndIsNamedInTheNotes) {
  Scenario scenario = broadcast();
  scenario.kind = Kind::kSteady;
  scenario.name = "steady";
  Series slow = series_of("async", 1000, {40'000});
  Series fast = series_of("async", 1000, {90'000});
  slow.rate = 40;
  fast.rate = 160;
  fast.repeats[0].note = "late";
  const std::string table = results_table(scenario, {slow, fast});
  const auto row_at = [&table](const std::string& title) {
    return row(table.substr(table.find(title)), "async");
  };
  EXPECT_EQ(row_at("steady, 1,000 held requests, 40 publishes/s")[2], "40");
  EXPECT_EQ(row_at("steady, 1,000 held requests, 160 publishes/s")[3], "160");
  EXPECT_NE(table.find("! async at 1,000, 160/s, repeat 1: late\n"), std::string::npos);
}

TEST(LoadgenTable, WithoutTheFloorThereIsNoRatio) {
  EXPECT_EQ(row(results_table(broadcast(), {series_of("async", 1000, {20'000})}), "async")[4], "-");
}

TEST(LoadgenTable, ARepeatThatIsNotCompleteIsExplainedAndNotInTheMedian) {
  Series series = series_of("threaded", 4000, {40'000, 40'000, 1});
  series.repeats[2].status = Status::kCeiling;
  series.repeats[2].note = "held 1,000 of 4,000";
  const std::string table = results_table(broadcast(), {series});
  EXPECT_EQ(row(table, "threaded")[1], "!");
  EXPECT_EQ(row(table, "threaded")[3], "40,000");
  EXPECT_NE(table.find("! threaded at 4,000, repeat 3: held 1,000 of 4,000\n"), std::string::npos);
}

TEST(LoadgenTable, ALossIsExplained) {
  Series series = series_of("leaky", 1000, {10'000});
  series.repeats[0].deliveries.lost = 7;
  const std::string table = results_table(broadcast(), {series});
  EXPECT_NE(table.find("! leaky at 1,000, repeat 1: 7 lost, 0 duplicate, 0 wrong of 1,000 deliveries\n"),
            std::string::npos);
}

TEST(LoadgenTable, NothingMeasuredIsNoTable) { EXPECT_EQ(results_table(broadcast(), {}), ""); }

TEST(LoadgenJson, WhatIsMissingIsNull) {
  Series series = series_of("threaded", 4000, {1});
  series.repeats[0] = Measurement();
  series.repeats[0].status = Status::kCeiling;
  const auto json = to_json(broadcast(), series);
  const auto& repeat = json.at("repeats").at(0);
  EXPECT_EQ(repeat.at("status"), "ceiling");
  EXPECT_TRUE(repeat.at("deliveries").at("per_second").is_null());
  EXPECT_TRUE(repeat.at("latency").is_null());
  EXPECT_TRUE(repeat.at("server").at("system_calls_per_delivery").is_null());
  EXPECT_TRUE(repeat.at("user_memory").at("per_held_bytes").is_null());
  EXPECT_TRUE(repeat.at("points").is_null());
}

TEST(LoadgenJson, AFileIsReplacedAsAWholeAndNothingElseIsLeftBehind) {
  const auto folder = std::filesystem::temp_directory_path() / ("loadgen-report-" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  write_series(folder, {}, broadcast(), series_of("async", 4000, {1}));
  write_series(folder, {}, broadcast(), series_of("async", 4000, {1, 2}));
  std::ostringstream text;
  text << std::ifstream(folder / "broadcast-async-4000.json").rdbuf();
  EXPECT_EQ(boost::json::parse(text.str()).at("repeats").as_array().size(), 2u);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 1);
  std::filesystem::remove_all(folder);
}

TEST(LoadgenJson, EachOfSeveralRatesHasAFileOfItsOwn) {
  const auto folder = std::filesystem::temp_directory_path() / ("loadgen-rates-" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  Series series = series_of("async", 4000, {1});
  for (const double rate : {0.5, 160.0}) {
    series.rate = rate;
    write_series(folder, {}, broadcast(), series);
  }
  EXPECT_TRUE(std::filesystem::exists(folder / "broadcast-async-4000-at-0.5.json"));
  EXPECT_TRUE(std::filesystem::exists(folder / "broadcast-async-4000-at-160.json"));
  std::filesystem::remove_all(folder);
}

TEST(LoadgenJson, AFolderThatTakesNothingIsAnsweredWithTheFile) {
  try {
    write_series("/proc", {}, broadcast(), series_of("async", 4000, {1}));
    FAIL() << "no error";
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("cannot write /proc/broadcast-async-4000.json"),
              std::string::npos);
  }
}

TEST(LoadgenJson, PrettyTextParsesToTheSameValue) {
  const auto value = boost::json::parse(
      R"({"a": [1, 2.5, null], "b": {"c": "t\"ext", "d": []}, "e": [{"f": true}], "g": {}})");
  EXPECT_EQ(boost::json::parse(pretty(value)), value);
  EXPECT_NE(pretty(value).find("[1, 2.5, null]"), std::string::npos);
}

TEST(LoadgenProgress, DurationsAreInMinutesAndSeconds) {
  EXPECT_EQ(duration_text(9.4), "9 s");
  EXPECT_EQ(duration_text(125), "2 min 5 s");
}

}  // namespace
}  // namespace comet::loadgen
