// The text table and the JSON of results.
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <sstream>

#include "loadgen/progress.hpp"
#include "loadgen/report_json.hpp"
#include "loadgen/report_table.hpp"

namespace comet {
namespace {

Result result_of(const std::string& entry, std::int64_t held, std::int64_t duration_ns) {
  Measurement measurement;
  measurement.entry = entry;
  measurement.held_wanted = measurement.held = held;
  Round round;
  round.expected = round.delivered = held;
  round.duration_ns = duration_ns;
  measurement.rounds = {round, round, round};
  measurement.latencies_ns = std::vector<std::int64_t>(static_cast<std::size_t>(held) * 2, 1'500'000);
  return Result(std::move(measurement));
}

Result ceiling_of(const std::string& entry, std::int64_t held_wanted, const std::string& note) {
  Measurement measurement;
  measurement.entry = entry;
  measurement.held_wanted = held_wanted;
  measurement.status = Status::kCeiling;
  measurement.note = note;
  return Result(std::move(measurement));
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

TEST(LoadgenTable, RatesAreComparedWithTheFloorOfTheSameSize) {
  const std::string table =
      results_table({result_of("async", 1000, 20'000'000), result_of("async", 4000, 50'000'000),
                     result_of("floor", 1000, 10'000'000), result_of("floor", 4000, 40'000'000)});
  EXPECT_NE(table.find("1,000 held requests\n"), std::string::npos);
  const auto async_at_1000 = row(table, "async");
  ASSERT_GT(async_at_1000.size(), 5u);
  EXPECT_EQ(async_at_1000[2], "50,000");
  EXPECT_EQ(async_at_1000[4], "0.50");
  EXPECT_EQ(async_at_1000[5], "1.50");
  const auto async_at_4000 = row(table.substr(table.find("4,000 held requests")), "async");
  EXPECT_EQ(async_at_4000[4], "0.80");
}

TEST(LoadgenTable, WithoutTheFloorThereIsNoRatio) {
  EXPECT_EQ(row(results_table({result_of("async", 1000, 20'000'000)}), "async")[4], "-");
}

TEST(LoadgenTable, ACeilingIsARowThatIsExplained) {
  const std::string table = results_table(
      {ceiling_of("threaded", 4000, "held 1,000 of 4,000"), result_of("floor", 4000, 10'000'000)});
  EXPECT_EQ(row(table, "threaded")[1], "!");
  EXPECT_NE(table.find("! threaded at 4,000: held 1,000 of 4,000\n"), std::string::npos);
}

TEST(LoadgenTable, ALossIsARowThatIsExplained) {
  Result result = result_of("leaky", 1000, 10'000'000);
  result.summary.lost = 7;
  const std::string table = results_table({result});
  EXPECT_EQ(row(table, "leaky")[1], "!");
  EXPECT_NE(table.find("! leaky at 1,000: 7 lost, 0 duplicate, 0 wrong of 3,000 deliveries\n"),
            std::string::npos);
}

TEST(LoadgenTable, NothingMeasuredIsNoTable) { EXPECT_EQ(results_table({}), ""); }

TEST(LoadgenJson, WhatIsMissingIsNull) {
  const auto json = to_json(ceiling_of("threaded", 4000, "held 1,000 of 4,000"));
  EXPECT_EQ(json.at("status"), "ceiling");
  EXPECT_TRUE(json.at("deliveries").at("per_second_total").is_null());
  EXPECT_TRUE(json.at("latency").at("p50_us").is_null());
  EXPECT_TRUE(json.at("user_memory").at("per_held_after_rounds_bytes").is_null());
}

TEST(LoadgenJson, PrettyTextParsesToTheSameValue) {
  const auto value = boost::json::parse(
      R"({"a": [1, 2.5, null], "b": {"c": "t\"ext", "d": []}, "e": [{"f": true}], "g": {}})");
  EXPECT_EQ(boost::json::parse(pretty(value)), value);
  EXPECT_NE(pretty(value).find("[1, 2.5, null]"), std::string::npos);
}

TEST(LoadgenProgress, NumbersHaveCommasByThousands) {
  EXPECT_EQ(with_commas(0), "0");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(1000), "1,000");
  EXPECT_EQ(with_commas(-1234567), "-1,234,567");
}

}  // namespace
}  // namespace comet
