// Memory runs out under a running server: what comes new is refused with 503 or kept waiting, what is held
// stays held, nothing that was accepted is lost, and with room again all is as before.
#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string>
#include <vector>

#include "tests/hardening/exhaustion.hpp"
#include "tests/hardening/poller.hpp"

namespace comet::test {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kBigMessage = std::size_t{16} << 20;
constexpr std::size_t kRoomForSmallOnes = std::size_t{6}
                                          << 20;  // far less than kBigMessage, plenty for the rest

class Memory : public ExhaustionTest {
 protected:
  // What may be written to. Not the address space: of that a thread's heap has reserved its own before.
  void limit_memory() {
    limit_all(RLIMIT_DATA, [](pid_t process) { return writable_memory(process) + kRoomForSmallOnes; });
  }

  // A request on a connection that was accepted is refused, or its connection ends.
  bool is_refused(Connection& known) {
    known.send(get_request("/healthz"));
    return known.at_end() || known.read_response().status == 503;
  }

  // Holds on channels of their own, until memory is out and somebody is refused, and some more.
  std::vector<Connection> use_up_memory() {
    limit_all(RLIMIT_DATA, writable_memory);
    Connection known = connect();
    bool refused = false;
    std::vector<Connection> subscribers;
    for (int more = 50; more > 0 && subscribers.size() < 8'000; more -= refused ? 1 : 0) {
      const std::string number = std::to_string(subscribers.size());
      subscribers.push_back(connect());
      subscribers.back().send(get_request("/subscribe?channel=" + number + std::string(50, 'c')));
      subscribers.back().readable_within(milliseconds(1));
      // An answer may take a while: prefork's last free worker gives them one by one.
      const auto latest = subscribers.end() - std::min<std::ptrdiff_t>(200, std::ssize(subscribers));
      refused =
          refused || is_refused(known) || std::any_of(latest, subscribers.end(), [](Connection& subscriber) {
            return subscriber.readable_within(milliseconds(0));
          });
    }
    EXPECT_TRUE(refused) << "the server has taken more than its memory";
    return subscribers;
  }

  // Publishes a message for which there is no memory: it is refused, or the connection ends. True if refused.
  bool expect_no_memory_for_a_publish() {
    Connection publisher = connect();
    publisher.send(
        request("POST", "/publish", "Content-Type: text/plain\r\n", std::string(kBigMessage, 'b')));
    const std::string answer = publisher.read_until_closed();
    EXPECT_TRUE(answer.empty() || answer.starts_with("HTTP/1.1 503 ")) << answer.substr(0, 200);
    return !answer.empty();
  }
};

TEST_F(Memory, WithoutMemoryNewConnectionsAndChannelsAreRefusedAndTheOthersGoOn) {
  start();
  std::vector<Connection> subscribers;
  subscribers.push_back(hold());
  std::vector<Connection> publishers;
  for (int i = 0; i < 8; ++i) {
    publishers.push_back(connect());
    publishers.back().send(get_request("/healthz"));
    EXPECT_EQ(publishers.back().read_response().status, 200);
  }
  Connection early = hold("/subscribe?channel=early");
  std::vector<Connection> late;
  {
    const std::vector<Connection> others = use_up_memory();
    early.send(get_request("/healthz"));
    for (int i = 0; i < 3; ++i) {
      late.push_back(connect());
      late.back().send(get_request("/healthz"));
    }
    for (std::size_t i = 0; i < publishers.size(); ++i) {
      publishers[i].send(
          request("GET", "/publish?message=a&channel=" + std::to_string(i), "Connection: close\r\n"));
      const std::string answer = publishers[i].read_until_closed();
      EXPECT_TRUE(answer.empty() || answer.starts_with("HTTP/1.1 503 ") ||
                  answer.starts_with("HTTP/1.1 200 "))
          << answer;
    }
    if (early.readable_within(milliseconds(0))) {
      EXPECT_EQ(early.read_response().status, 503) << "for what came behind a held request";
    }
    early.leave();
    lift(RLIMIT_DATA);
  }
  for (Connection& connection : late) {
    const int status = connection.read_response().status;
    EXPECT_TRUE(status == 200 || status == 503) << status;
  }
  late.clear();
  wait_for("held", 1);
  expect_publish_reaches(subscribers, "after");
}

TEST_F(Memory, WithoutMemoryItDrains) {
  start();
  const Connection subscriber = hold();
  const std::vector<Connection> others = use_up_memory();
  drain();
}

TEST_F(Memory, WithoutMemoryForAMessageItIsRefusedAndTheOthersGoOn) {
  start({"--max-message", std::to_string(kBigMessage)});
  Poller reader(server().port(), "all");
  publish("before");
  EXPECT_EQ(reader.poll(), "before");
  std::vector<Connection> subscribers;
  subscribers.push_back(hold());
  limit_memory();
  int refused = 0;
  for (int i = 0; i < 5; ++i) refused += expect_no_memory_for_a_publish();
  EXPECT_GE(stat("rejected"), refused);
  EXPECT_EQ(stat("published"), 1);
  expect_publish_reaches(subscribers, "during");
  subscribers.clear();

  lift(RLIMIT_DATA);
  const std::string big(kBigMessage, 'b');
  EXPECT_EQ(publish(big).status, 200);
  EXPECT_EQ(reader.poll(), "during");
  EXPECT_TRUE(reader.poll() == big);
}

TEST_F(Memory, WithoutMemoryForACopyOfAMessageItsReaderIsRefusedAndCanComeBack) {
  start({"--max-message", std::to_string(kBigMessage)});
  const std::string big(kBigMessage, 'b');
  EXPECT_EQ(publish(big).status, 200);
  limit_memory();
  std::vector<Connection> readers;  // nothing is read yet, so that a copy once made is not free for the next
  for (int i = 0; i < 6; ++i) {
    readers.push_back(connect());
    readers.back().send("GET /subscribe?since=0 HTTP/1.0\r\n\r\n");  // HTTP/1.0 needs a framing of its own
    EXPECT_TRUE(readers.back().readable_within(patience()));
  }
  lift(RLIMIT_DATA);
  int refused = 0;
  int delivered = 0;
  for (Connection& reader : readers) {
    const std::string answer = reader.read_until_closed();
    const bool is_refusal = answer.starts_with("HTTP/1.1 503 ");
    const bool is_whole = answer.ends_with(big);
    EXPECT_TRUE(answer.empty() || is_refusal || is_whole) << answer.substr(0, 200);
    refused += is_refusal;
    delivered += is_whole;
  }
  EXPECT_GE(refused, 1) << "memory was there for all copies";
  wait_for("delivered", delivered);
  EXPECT_EQ(stat("rejected"), refused);
  EXPECT_TRUE(get("/subscribe?since=0").body == big);
}

}  // namespace
}  // namespace comet::test
