// Subscribe again and again with the last cursor while others publish: nothing lost, nothing
// repeated, in order.
#include <atomic>
#include <future>
#include <map>

#include "tests/conformance/fixture.hpp"

namespace comet::test {
namespace {

constexpr int kMessages = 150;  // of each publisher

class Stream : public ServerTest {
 protected:
  // Messages NAME:0, NAME:1, ... as fast as they are answered.
  static void publish_all(std::uint16_t port, const std::string& name) {
    Connection connection(port);
    for (int i = 0; i < kMessages; ++i) {
      connection.send(request("POST", "/publish", "", name + ":" + std::to_string(i)));
      if (connection.read_response().status != 200) throw ClientError("a publish of the stream was refused");
    }
  }

  // Polls with the last cursor until `count` messages have come. Each poll on a new connection
  // if `reconnecting`.
  std::vector<std::string> subscribe_all(std::uint16_t port, int count, bool reconnecting) const {
    std::vector<std::string> messages;
    std::string since = "0";
    Connection connection(port);
    while (static_cast<int>(messages.size()) < count) {
      if (reconnecting) connection = Connection(port);
      const bool ended = all_published_;
      connection.send(get_request("/subscribe?timeout=2&since=" + since));
      const Response response = connection.read_response();
      if (response.status == 204) {
        if (ended) break;  // something is lost
        continue;
      }
      if (response.status != 200) throw ClientError("a poll got " + std::to_string(response.status));
      EXPECT_FALSE(response.has("Comet-Missed")) << "a gap is announced, and there is none";
      EXPECT_GT(cursor(cursor_of(response)), cursor(since)) << "the cursor does not grow";
      since = cursor_of(response);
      messages.push_back(response.body);
    }
    return messages;
  }

  static void expect_whole(const std::vector<std::string>& messages, int publishers) {
    std::map<std::string, int> next;
    for (const std::string& message : messages) {
      const auto colon = message.find(':');
      const std::string name = message.substr(0, colon);
      const int number = std::stoi(message.substr(colon + 1));
      ASSERT_GE(number, next[name]) << "a message is repeated or out of order: " << message;
      ASSERT_EQ(number, next[name]) << "a message is lost before " << message;
      ++next[name];
    }
    EXPECT_EQ(messages.size(), static_cast<std::size_t>(publishers * kMessages)) << "messages are lost";
  }

  void run_stream(int publishers, int subscribers, bool reconnecting) {
    start({"--history", "1000"});
    std::vector<std::future<std::vector<std::string>>> receiving;
    for (int i = 0; i < subscribers; ++i) {
      receiving.push_back(std::async(std::launch::async, &Stream::subscribe_all, this, server().port(),
                                     publishers * kMessages, reconnecting));
    }
    std::vector<std::future<void>> sending;
    for (int i = 0; i < publishers; ++i) {
      sending.push_back(
          std::async(std::launch::async, publish_all, server().port(), "publisher" + std::to_string(i)));
    }
    for (auto& publisher : sending) publisher.wait();
    all_published_ = true;
    for (auto& publisher : sending) publisher.get();
    for (auto& subscriber : receiving) expect_whole(subscriber.get(), publishers);
  }

  std::atomic<bool> all_published_ = false;
};

CONTRACT_TEST(Stream, OnePublisherOneSubscriberOnOneConnection, "cursors, subscribe, publish, timeout, http",
              "gets every retained message once, in order") {
  run_stream(1, 1, false);
}
CONTRACT_TEST(Stream, TwoPublishersOneSubscriberOnOneConnection, "cursors, subscribe, publish, timeout, http",
              "gets every retained message once, in order") {
  run_stream(2, 1, false);
}
CONTRACT_TEST(Stream, TwoPublishersThreeSubscribers, "cursors, subscribe, publish, timeout, http",
              "gets every retained message once, in order") {
  run_stream(2, 3, false);
}
CONTRACT_TEST(Stream, TwoPublishersTwoSubscribersThatReconnect, "cursors, subscribe, publish, timeout, http",
              "gets every retained message once, in order") {
  run_stream(2, 2, true);
}

// More answers than the socket takes at once: the rest follows when the client reads, and the
// connection goes on.
CONTRACT_TEST(Stream, ClientThatReadsLateGetsEverythingAndKeepsItsConnection,
              "http, publish, cursors, timeout, health", "Keep-alive and pipelining work") {
  start();
  const std::string message(65'536, 'x');
  publish(message);
  Connection client = connect(4096);
  const int kRequests = 200;
  std::string requests;
  for (int i = 0; i < kRequests; ++i) requests += get_request("/subscribe?since=0&timeout=0");
  client.send(requests);
  for (int i = 0; i < kRequests; ++i) expect_message(client.read_response(), message);
  client.send(get_request("/healthz"));
  EXPECT_EQ(client.read_response().status, 200);
}

}  // namespace
}  // namespace comet::test
