// comet-loadgen doctor: its exit status, the limit that binds first, the command that lifts it.
#include <gtest/gtest.h>

#include "tests/loadgen/loadgen_process.hpp"

namespace comet {
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

// The open-file limit of the doctor is that of the servers which the same shell starts.
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

// Nothing is started for it.
TEST(Doctor, ABenchSkipsWhatCannotBeHeldAndSaysWhy) {
  const FakeProject project(R"({"name": "mine", "model": "m", "command": ["false"],
      "keeps": ["subscribe", "publish", "stats"], "held": {"most": 5}})");
  const Outcome outcome =
      run_loadgen({"bench", "--root", project.root(), "--out", project.root() / "runs", "--held", "10"});
  EXPECT_EQ(outcome.status, 0) << outcome.errors;
  EXPECT_NE((outcome.output + outcome.errors).find("can hold 5 here: the server's own cap 5"),
            std::string::npos)
      << outcome.output << outcome.errors;
}

TEST(Doctor, AnUnknownPatternIsOneLine) {
  const Outcome outcome = doctor({"--held", "10", "--pattern", "asink"});
  EXPECT_EQ(outcome.status, 64);
  EXPECT_NE(outcome.errors.find("unknown entry 'asink'"), std::string::npos) << outcome.errors;
}

}  // namespace
}  // namespace comet
