// A server as a child process: what it prints after READY, and which of its processes are told to stop.
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "loadgen/driver/server_process.hpp"

namespace comet::loadgen {
namespace {

using std::chrono::steady_clock;

// Waits for its end.
std::string death_of(ServerProcess& server) {
  const auto until = steady_clock::now() + std::chrono::seconds(30);
  for (auto death = server.death();; death = server.death()) {
    if (death) return *death;
    if (steady_clock::now() > until) return "lives on";
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

TEST(LoadgenServerProcess, ThatPrintsMuchAfterReadyDoesNotWaitForAReader) {
  ServerProcess server({"sh", "-c", "echo READY port=1 pid=1; head -c 5000000 /dev/zero; exit 7"}, ".", ".");
  EXPECT_EQ(server.wait_until_ready(30), 1);
  EXPECT_EQ(death_of(server), "ended with status 7");
}

// The inner shell is the server: it prints a line when it gets the signal.
TEST(LoadgenServerProcess, BehindAShellIsToldToStop) {
  adopt_orphans();
  const std::string server = "trap 'exit 0' TERM; echo READY port=1 pid=1; while :; do sleep 0.05; done";
  ServerProcess process({"sh", "-c", "sh -c \"$0\"; true", server}, ".", ".");
  EXPECT_EQ(process.wait_until_ready(30), 1);
  const ServerExit exit = process.stop();
  EXPECT_FALSE(exit.killed);
  EXPECT_LT(exit.seconds, 9);
}

}  // namespace
}  // namespace comet::loadgen
