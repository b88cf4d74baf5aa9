// Bytes that no client should send, over a socket: each connection ends with an answer or a close, and the
// server stays as it was. The same seeds in every run.
#include <algorithm>
#include <iterator>
#include <random>

#include "tests/conformance/fixture.hpp"
#include "tests/hardening/framing_cases.hpp"
#include "tests/hardening/scale.hpp"

namespace comet::test {
namespace {

// Good requests that are cut and split: a body by length, one by chunks, a form, a poll, a pipeline.
const std::vector<std::string> kGoodRequests{
    request("POST", "/publish?channel=fuzz", "Content-Type: text/plain\r\n", "whole"),
    request("POST", "/publish?channel=fuzz", "Transfer-Encoding: chunked\r\n") +
        "4;x=y\r\npart\r\n3\r\ned!\r\n0\r\nA: b\r\n\r\n",
    request("POST", "/publish?channel=%66uzz", "Content-Type: application/x-www-form-urlencoded\r\n",
            "a=b&message=%C3%A9+x"),
    get_request("http://localhost/subscribe?channel=none&since=1-2&timeout=0"),
    request("HEAD", "/subscribe?channel=none") + get_request("/publish?channel=fuzz&message=a%20b")};

class Fuzz : public ServerTest {
 protected:
  void SetUp() override {
    ServerTest::SetUp();
    watch_dog(scale().watch_dog);
  }

  // The last byte of a client, and then all that the server still says.
  std::string say(std::string_view bytes) {
    Connection connection = connect();
    connection.send(bytes);
    return rest_of(connection);
  }

  static std::string rest_of(Connection& connection) {
    connection.end_sending();
    return without_dates(connection.read_until_closed());
  }

  void expect_answers_or_close(const std::string& answers) {
    EXPECT_TRUE(answers.empty() || answers.starts_with("HTTP/1.1 ")) << answers;
  }

  void expect_back_at_the_start() {
    wait_for("held", 0);
    wait_for("connections", 1);  // the one that asks
  }

  // What differs from one time to the next.
  static std::string without_dates(std::string answers) {
    for (const std::string name : {"Date: ", "Comet-Cursor: "}) {
      for (auto at = answers.find(name); at != std::string::npos; at = answers.find(name, at)) {
        answers.erase(at, answers.find('\n', at) + 1 - at);
      }
    }
    return answers;
  }

  std::size_t below(std::size_t end) {
    return std::uniform_int_distribution<std::size_t>(0, end - 1)(random_);
  }
  char any_byte() { return static_cast<char>(below(256)); }

  // One to four bytes of it changed, taken out, doubled, or filled up with others.
  std::string mutated(std::string bytes) {
    for (std::size_t changes = 1 + below(4); changes > 0 && !bytes.empty(); --changes) {
      const std::size_t at = below(bytes.size());
      const std::size_t size = 1 + below(8);
      switch (below(4)) {
        case 0:
          bytes[at] = any_byte();
          break;
        case 1:
          bytes.erase(at, size);
          break;
        case 2:
          bytes.insert(at, bytes.substr(at, size));
          break;
        default:
          bytes.insert(at, size, any_byte());
      }
    }
    return bytes;
  }

  std::mt19937 random_{20240607};
};

TEST_F(Fuzz, RandomBytesEndInAnAnswerOrAClose) {
  start();
  for (int round = 0; round < scale().fuzz_rounds; ++round) {
    std::string bytes(1 + below(300), '\0');
    std::generate(bytes.begin(), bytes.end(), [this] { return any_byte(); });
    expect_answers_or_close(say(bytes));
  }
  expect_back_at_the_start();
  EXPECT_EQ(stat("published"), 0);
}

TEST_F(Fuzz, MutatedRequestsEndInAnAnswerOrAClose) {
  start({"--header-timeout", "2", "--hold-timeout", "1"});
  std::vector<std::string> seeds = kGoodRequests;
  for (const auto& part : {request_line_cases(), target_cases(), field_cases(), length_cases(),
                           transfer_coding_cases(), chunk_cases(), connection_cases()}) {
    for (const FramingCase& each : part) {
      if (each.bytes.size() < 1000) seeds.push_back(each.bytes);
    }
  }
  for (int round = 0; round < scale().fuzz_rounds; ++round) {
    expect_answers_or_close(say(mutated(seeds[below(seeds.size())])));
  }
  expect_back_at_the_start();
}

TEST_F(Fuzz, TruncatedRequestsChangeNothing) {
  start();
  for (const std::string& good : kGoodRequests) {
    const std::string_view first = std::string_view(good).substr(0, good.find("GET /publish"));
    for (std::size_t size = 1; size < first.size(); ++size) {
      SCOPED_TRACE("the first " + std::to_string(size) + " bytes of " + good);
      EXPECT_EQ(say(first.substr(0, size)), "") << "an answer to a part of a request";
    }
  }
  expect_back_at_the_start();
  EXPECT_EQ(stat("published"), 0);
}

TEST_F(Fuzz, RequestsSplitAtAnyByteGetTheSameAnswers) {
  start();
  for (const std::string& good : kGoodRequests) {
    const std::string expected = say(good);
    EXPECT_TRUE(expected.starts_with("HTTP/1.1 20")) << expected;
    for (std::size_t size = 1; size < good.size(); ++size) {
      SCOPED_TRACE("split behind byte " + std::to_string(size) + " of " + good);
      Connection connection = connect();
      connection.send(good.substr(0, size));
      connection.wait_until_received();
      connection.send(good.substr(size));
      EXPECT_EQ(rest_of(connection), expected);
    }
  }
  expect_back_at_the_start();
}

TEST_F(Fuzz, ClientsThatLeaveBehindAnyByteLeaveNothing) {
  start();
  const std::string held = get_request("/subscribe") + get_request("/healthz");
  for (std::size_t size = 1; size <= held.size(); ++size) {
    Connection connection = connect();
    connection.send(std::string_view(held).substr(0, size));
    if (size % 2 == 0) connection.reset();
  }
  expect_back_at_the_start();
}

}  // namespace
}  // namespace comet::test
