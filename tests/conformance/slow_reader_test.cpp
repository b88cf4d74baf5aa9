// A client has --idle-timeout to take something of its answer: one that reads slowly gets all of it, one that
// does not read is closed.
#include "tests/conformance/fixture.hpp"

namespace comet::test {
namespace {

class SlowReader : public ServerTest {
 protected:
  Connection ask() {
    return ask_for_big_message(request("GET", "/subscribe?since=0", "Connection: close\r\n"));
  }

  const std::vector<std::string> options_{"--idle-timeout", "2.5", "--max-message",
                                          std::to_string(big_message().size())};
};

CONTRACT_TEST(SlowReader, GetsAllOfAnAnswerThatTakesLongerThanTheIdleTime,
              "slow, publish, cursors, timeout, refusals",
              "how long a client may read nothing of its answer") {
  start(options_);
  Connection reader = ask();
  std::string answer;
  const std::size_t part = big_message().size() / 10;
  for (std::string bytes = reader.read_bytes(part); !bytes.empty(); bytes = reader.read_bytes(part)) {
    answer += bytes;
    if (answer.size() < big_message().size()) get("/subscribe?timeout=0.5");  // the clock of this test
  }
  EXPECT_TRUE(answer.ends_with(big_message())) << "cut after " << answer.size() << " bytes";
  if (keeps("counters")) wait_for("delivered", 1);
}

CONTRACT_TEST(SlowReader, IsClosedOnceItReadsNothing, "slow, publish, cursors, refusals, counters",
              "how long a client may read nothing of its answer") {
  start(options_);
  Connection reader = ask();
  wait_for("connections", 1);  // the one that asks
  EXPECT_EQ(stat("delivered"), 0);
  EXPECT_FALSE(reader.read_until_closed().ends_with(big_message()));
}

}  // namespace
}  // namespace comet::test
