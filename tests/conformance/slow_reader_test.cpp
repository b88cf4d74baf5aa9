// A client has --idle-timeout to take something of its answer: one that reads slowly gets all of it, one that
// does not read is closed.
#include "tests/conformance/fixture.hpp"

namespace comet {
namespace {

class SlowReader : public ServerTest {
 protected:
  // Asks for a message that is larger than the socket's buffers, and reads nothing of it yet.
  Connection ask_for_big_message() {
    EXPECT_EQ(publish(big_).status, 200);
    Connection reader = connect(1 << 18);
    reader.send(request("GET", "/subscribe?since=0", "Connection: close\r\n"));
    EXPECT_TRUE(reader.readable_within(patience()));
    return reader;
  }

  const std::string big_ = std::string(std::size_t{16} << 20, 'b');
  const std::vector<std::string> options_{"--idle-timeout", "2.5", "--max-message",
                                          std::to_string(big_.size())};
};

TEST_F(SlowReader, GetsAllOfAnAnswerThatTakesLongerThanTheIdleTime) {
  start(options_);
  Connection reader = ask_for_big_message();
  std::string answer;
  const std::size_t part = big_.size() / 10;
  for (std::string bytes = reader.read_bytes(part); !bytes.empty(); bytes = reader.read_bytes(part)) {
    answer += bytes;
    if (answer.size() < big_.size()) get("/subscribe?timeout=0.5");  // the clock of this test
  }
  EXPECT_TRUE(answer.ends_with(big_)) << "cut after " << answer.size() << " bytes";
  wait_for("delivered", 1);
}

TEST_F(SlowReader, IsClosedOnceItReadsNothing) {
  start(options_);
  Connection reader = ask_for_big_message();
  wait_for("connections", 1);  // the one that asks
  EXPECT_EQ(stat("delivered"), 0);
  EXPECT_FALSE(reader.read_until_closed().ends_with(big_));
}

}  // namespace
}  // namespace comet
