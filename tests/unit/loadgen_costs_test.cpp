// The costs of the timed part, and whether the load generator was the limit.
#include <gtest/gtest.h>

#include "loadgen/clock.hpp"
#include "loadgen/driver/costs.hpp"

namespace comet::loadgen {
namespace {

// On two cores, a client that is at its limit and a server of one thread that is not.
constexpr Load kLimited{.busiest_process = 0.97,
                        .generator = 0.98,
                        .server = 0.6,
                        .busiest_server_thread = 0.6,
                        .machine_cores = 2};

TEST(LoadgenLimit, IsTheGeneratorWhereItsClientIsBusyAndTheServerIsNot) {
  EXPECT_TRUE(limited_by_generator(kLimited));
}

TEST(LoadgenLimit, IsNotTheGeneratorWhereNoneOfItsProcessesIsBusy) {
  Load load = kLimited;
  load.busiest_process = 0.9;
  EXPECT_FALSE(limited_by_generator(load));
}

TEST(LoadgenLimit, IsTheServerWhereOneOfItsThreadsIsBusyWhateverTheOthersDo) {
  Load load = kLimited;
  load.machine_cores = 8;
  load.server = load.busiest_server_thread = 0.99;
  EXPECT_FALSE(limited_by_generator(load));
}

TEST(LoadgenLimit, IsTheMachineWhereSeveralThreadsOfTheServerUseTheRestOfIt) {
  Load load = kLimited;
  load.server = 1.0;
  load.busiest_server_thread = 0.5;
  EXPECT_FALSE(limited_by_generator(load));
}

TEST(LoadgenLimit, IsTheGeneratorWhereSeveralThreadsOfTheServerCouldDoMore) {
  Load load = kLimited;
  load.machine_cores = 8;
  load.server = 3.0;
  load.busiest_server_thread = 0.5;
  EXPECT_TRUE(limited_by_generator(load));
}

TEST(LoadgenLimit, OfAServerElsewhereIsKnownByTheGeneratorAlone) {
  Load load = kLimited;
  load.server.reset();
  load.busiest_server_thread = 0;
  EXPECT_TRUE(limited_by_generator(load));
  load.busiest_process = 0.5;
  EXPECT_FALSE(limited_by_generator(load));
}

// One second, one client that used 0.97 s, a server whose two threads used 0.3 and 0.1 s.
Costs at_start() {
  Costs costs;
  costs.at_ns = 100 * kSecond;
  costs.driver_cpu_ns = 5 * kMillisecond;
  costs.client_cpu_ns = {7 * kMillisecond};
  costs.server = ProcessCost{kSecond, 50, 1, {{11, kSecond}}};
  return costs;
}

Costs at_end() {
  Costs costs = at_start();
  costs.at_ns += kSecond;
  costs.driver_cpu_ns += 10 * kMillisecond;
  costs.client_cpu_ns[0] += 970 * kMillisecond;
  costs.server->cpu_ns += 400 * kMillisecond;
  costs.server->context_switches += 250;
  costs.server->thread_cpu_ns = {{11, kSecond + 300 * kMillisecond}, {12, 100 * kMillisecond}};
  return costs;
}

TEST(LoadgenCosts, ArePerDeliveryAndInCores) {
  Measurement result;
  set_costs(at_start(), at_end(), 1000, 2, result);
  EXPECT_DOUBLE_EQ(*result.server.cores, 0.4);
  EXPECT_DOUBLE_EQ(*result.server.cpu_us, 400);
  EXPECT_DOUBLE_EQ(*result.server.context_switches, 0.25);
  EXPECT_DOUBLE_EQ(*result.generator.cores, 0.98);
  EXPECT_DOUBLE_EQ(*result.generator.cpu_us, 980);
  EXPECT_TRUE(result.generator.limited);
}

TEST(LoadgenCosts, OfAThreadThatBeganMeanwhileCountWhole) {
  Costs end = at_end();
  end.server->thread_cpu_ns[12] = 960 * kMillisecond;
  Measurement result;
  set_costs(at_start(), end, 1000, 2, result);
  EXPECT_FALSE(result.generator.limited);
}

TEST(LoadgenCosts, ThatFellAreNotKnown) {
  Costs end = at_end();
  end.server->cpu_ns = 0;
  end.server->context_switches = 0;
  Measurement result;
  set_costs(at_start(), end, 1000, 2, result);
  EXPECT_FALSE(result.server.cores);
  EXPECT_FALSE(result.server.cpu_us);
  EXPECT_FALSE(result.server.context_switches);
}

}  // namespace
}  // namespace comet::loadgen
