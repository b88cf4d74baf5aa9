// Bad input: a server that does not exist, or a wrong manifest. The answer is one clear line, and no
// process is left.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/loadgen/loadgen_process.hpp"

namespace comet::test {
namespace {

void expect_one_line(const Outcome& outcome, int status, const std::string& words) {
  EXPECT_EQ(outcome.status, status) << outcome.errors;
  EXPECT_NE(outcome.errors.find(words), std::string::npos) << outcome.errors;
  EXPECT_EQ(std::count(outcome.errors.begin(), outcome.errors.end(), '\n'), 1) << outcome.errors;
  EXPECT_FALSE(outcome.left_a_child);
}

TEST(BadInput, NoServerAtTheUrlIsOneLine) {
  expect_one_line(run_loadgen({"run", "--url", "http://127.0.0.1:1", "--held", "1"}), 1, "127.0.0.1:1");
}

TEST(BadInput, AManifestWithAWrongKeyIsNamedWithTheKey) {
  const FakeProject project(R"({"nmae": "mine"})");
  expect_one_line(run_loadgen({"doctor", "--root", project.root()}), 64,
                  "patterns/mine/pattern.json: unknown key 'nmae'");
}

TEST(BadInput, AHeldCostThatIsNoNumberIsNamed) {
  const FakeProject project(
      R"({"name": "mine", "model": "m", "command": ["c"], "keeps": "all", "held": {"maps": "two"}})");
  expect_one_line(run_loadgen({"doctor", "--root", project.root()}), 64, "'maps' is no number from 0 to");
}

TEST(BadInput, AHeldCostBeyondAllReasonIsNamed) {
  const FakeProject project(
      R"({"name": "mine", "model": "m", "command": ["c"], "keeps": "all", "held": {"bytes": 1000000001}})");
  expect_one_line(run_loadgen({"doctor", "--root", project.root()}), 64,
                  "'bytes' is no number from 0 to 1000000000");
}

// The children of a server are ended too.
TEST(BadInput, AServerThatIsNeverReadyIsEndedAndSaidToBe) {
  const FakeProject project(R"({"name": "mine", "model": "m", "keeps": ["subscribe", "publish", "stats"],
      "command": ["sh", "-c", "sleep 1000 & sleep 1000"]})");
  const Outcome outcome = run_loadgen({"bench", "--root", project.root(), "--out", project.root() / "runs",
                                       "--held", "10", "--repeats", "1"});
  EXPECT_NE(outcome.output.find("not ready within"), std::string::npos) << outcome.output << outcome.errors;
  EXPECT_FALSE(outcome.left_a_child);
}

}  // namespace
}  // namespace comet::test
