// comet-loadgen doctor: its exit status, the limit that is reached first, the command that raises it.
#include <gtest/gtest.h>

#include "tests/loadgen/loadgen_process.hpp"

namespace comet::test {
namespace {

Outcome doctor(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"doctor", "--root", SOURCE_ROOT});
  return run_loadgen(std::move(arguments));
}

TEST(Doctor, IsContentWhereAllCanBeHeld) {
  const Outcome outcome = doctor({"--held", "10"});
  EXPECT_EQ(outcome.status, 0) << outcome.output;
  EXPECT_NE(outcome.output.find("10 can be held by each of them"), std::string::npos) << outcome.output;
}

// The doctor has the same open-file limit as servers that the same shell starts.
TEST(Doctor, NamesTheLimitThatBindsAndTheCommandThatLiftsIt) {
  const Outcome outcome =
      LoadgenProcess({"-c", "ulimit -n 300; exec \"$0\" doctor --root \"$1\" --held 1000 --pattern async",
                      LOADGEN_PROGRAM, SOURCE_ROOT},
                     "sh")
          .wait();
  EXPECT_EQ(outcome.status, 1) << outcome.errors;
  EXPECT_NE(outcome.output.find("open files of one process, hard limit 300"), std::string::npos)
      << outcome.output;
  EXPECT_NE(outcome.output.find("ulimit -n 1064"), std::string::npos) << outcome.output;
}

// A server that takes 27 connections: 5 that are held and 22 others.
constexpr char kSmallServer[] = R"({"name": "mine", "model": "m", "command": ["false"],
    "keeps": ["subscribe", "publish", "leaving", "stats"], "held": {"most": 27}})";

// It is said before the first measurement, so that nobody waits for a long bench to find out what
// it leaves out.
TEST(Doctor, ABenchSkipsWhatCannotBeHeldAndSaysWhy) {
  const FakeProject project(kSmallServer);
  const Outcome outcome = run_loadgen({"bench", "--root", project.root(), "--out", project.root() / "runs",
                                       "--held", "3,10", "--repeats", "1"});
  EXPECT_EQ(outcome.status, 1) << outcome.errors;
  const auto skipped =
      outcome.errors.find("mine at 10 is skipped: can hold 5 of 10 here: the server's own cap 27");
  ASSERT_NE(skipped, std::string::npos) << outcome.errors;
  EXPECT_LT(skipped, outcome.errors.find("[1/1] mine at 3")) << outcome.errors;
}

// More connections are needed than are held, because those that leave may not be closed yet.
TEST(Doctor, ABenchAsksForWhatChurnConnectsAtATime) {
  const FakeProject project(kSmallServer);
  const Outcome outcome = run_loadgen({"bench", "--root", project.root(), "--out", project.root() / "runs",
                                       "--held", "4", "--scenario", "churn"});
  EXPECT_NE(outcome.errors.find("mine at 4 is skipped: can hold 5 of 7 here"), std::string::npos)
      << outcome.errors;
}

TEST(Doctor, TuningApplyIsNamedOnlyWhereASettingOfTheKernelBinds) {
  const FakeProject project(kSmallServer);
  const Outcome outcome = run_loadgen({"doctor", "--root", project.root(), "--held", "10"});
  EXPECT_EQ(outcome.status, 1) << outcome.errors;
  EXPECT_NE(outcome.output.find("an option for 32 connections"), std::string::npos) << outcome.output;
  EXPECT_EQ(outcome.output.find("tuning/apply"), std::string::npos) << outcome.output;
}

TEST(Doctor, AFolderThatHasNoEntriesIsOneLine) {
  const Outcome outcome = run_loadgen({"doctor", "--root", "/nonexistent"});
  EXPECT_EQ(outcome.status, 64);
  EXPECT_NE(outcome.errors.find("under /nonexistent: name the project's folder with --root"),
            std::string::npos)
      << outcome.errors;
}

TEST(Doctor, APatternMayBeNamedByItsFolder) {
  const Outcome outcome =
      doctor({"--held", "10", "--pattern", std::string(SOURCE_ROOT) + "/patterns/async/"});
  EXPECT_EQ(outcome.status, 0) << outcome.errors;
  EXPECT_NE(outcome.output.find("\nasync "), std::string::npos) << outcome.output;
  EXPECT_EQ(outcome.output.find("\nthreaded "), std::string::npos) << outcome.output;
}

TEST(Doctor, ANumberThatWouldBeOctalIsRefused) {
  const Outcome outcome = doctor({"--held", "010"});
  EXPECT_EQ(outcome.status, 64);
  EXPECT_NE(outcome.errors.find("'010' begins with 0: leave that out"), std::string::npos) << outcome.errors;
}

TEST(Doctor, AnUnknownPatternIsOneLine) {
  const Outcome outcome = doctor({"--held", "10", "--pattern", "asink"});
  EXPECT_EQ(outcome.status, 64);
  EXPECT_NE(outcome.errors.find("unknown entry 'asink'"), std::string::npos) << outcome.errors;
}

}  // namespace
}  // namespace comet::test
