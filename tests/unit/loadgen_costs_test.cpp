// The costs of the timed part, and the rule for what the load generator bounds.
#include <gtest/gtest.h>

#include "loadgen/clock.hpp"
#include "loadgen/driver/costs.hpp"

namespace comet::loadgen {
namespace {

// One second: a server that used 0.4 s, a client that used 0.5 s.
CpuUse use() { return {kSecond, 400 * kMillisecond, 510 * kMillisecond, 500 * kMillisecond}; }

TEST(LoadgenBound, IsNotThereWhereTheClientsAndTheMachineHaveTimeLeft) { EXPECT_FALSE(is_bounded(use(), 2)); }

TEST(LoadgenBound, IsTheClientAboveNineTenthsOfACoreHoweverBusyTheServerIs) {
  CpuUse busy = use();
  busy.busiest_client_ns = 910 * kMillisecond;
  busy.server_ns = kSecond;
  EXPECT_TRUE(is_bounded(busy, 8));
  busy.busiest_client_ns = 890 * kMillisecond;
  EXPECT_FALSE(is_bounded(busy, 8));
}

TEST(LoadgenBound, IsTheMachineWhereAllItsCoresAreUsed) {
  CpuUse busy = use();
  busy.server_ns = 1400 * kMillisecond;
  EXPECT_TRUE(is_bounded(busy, 2));
  EXPECT_FALSE(is_bounded(busy, 4));
}

TEST(LoadgenBound, OfAServerElsewhereIsKnownByTheGeneratorAlone) {
  CpuUse elsewhere = use();
  elsewhere.server_ns.reset();
  EXPECT_FALSE(is_bounded(elsewhere, 2));
  elsewhere.busiest_client_ns = 950 * kMillisecond;
  EXPECT_TRUE(is_bounded(elsewhere, 2));
}

CpuReading reading(std::int64_t at_ns, std::int64_t server_ns) {
  return {at_ns, at_ns + kMillisecond, server_ns, 5 * kMillisecond, {7 * kMillisecond, 9 * kMillisecond}};
}

// What reading takes belongs to the time: CPU time of that while may be in it.
TEST(LoadgenCpuUse, IsTheDifferenceOfTwoReadings) {
  CpuReading after = reading(101 * kSecond, 3 * kSecond);
  after.driver_ns += 10;
  after.clients_ns[1] += 30;
  const CpuUse used = used_between(reading(100 * kSecond, 2 * kSecond), after);
  EXPECT_EQ(used.wall_ns, kSecond + kMillisecond);
  EXPECT_EQ(used.server_ns, kSecond);
  EXPECT_EQ(used.generator_ns, 40);
  EXPECT_EQ(used.busiest_client_ns, 30);
}

TEST(LoadgenCpuUse, OfAServerWhoseTimeFellIsNotKnown) {
  EXPECT_FALSE(used_between(reading(100 * kSecond, 2 * kSecond), reading(101 * kSecond, 1)).server_ns);
}

TEST(LoadgenCpuUse, OfSeveralPartsAddsUpAndIsUnknownIfOneIs) {
  CpuUse sum;
  sum += use();
  sum += use();
  EXPECT_EQ(sum.wall_ns, 2 * kSecond);
  EXPECT_EQ(sum.server_ns, 800 * kMillisecond);
  CpuUse unknown = use();
  unknown.server_ns.reset();
  sum += unknown;
  EXPECT_FALSE(sum.server_ns);
}

TEST(LoadgenCosts, ArePerDeliveryAndInCores) {
  Measurement result;
  set_cpu(use(), 1000, 2, result);
  EXPECT_DOUBLE_EQ(*result.server.cores, 0.4);
  EXPECT_DOUBLE_EQ(*result.server.cpu_us, 400);
  EXPECT_DOUBLE_EQ(*result.generator.cores, 0.51);
  EXPECT_DOUBLE_EQ(*result.generator.busiest_client_cores, 0.5);
  EXPECT_DOUBLE_EQ(*result.generator.cpu_us, 510);
  EXPECT_FALSE(result.generator.limited);
}

TEST(LoadgenCosts, SwitchesArePerDeliveryAndUnknownWhereTheyFell) {
  Measurement result;
  set_counts({ThreadCounts{1, 50}, {}}, {ThreadCounts{1, 300}, {}}, 1000, result);
  EXPECT_DOUBLE_EQ(*result.server.context_switches, 0.25);
  Measurement fallen;
  set_counts({ThreadCounts{1, 50}, {}}, {ThreadCounts{1, 0}, {}}, 1000, fallen);
  EXPECT_FALSE(fallen.server.context_switches);
}

}  // namespace
}  // namespace comet::loadgen
