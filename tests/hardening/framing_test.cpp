// The framing cases, on every server: each gets its answers, and then the connection closes or serves on.
#include <algorithm>

#include "tests/conformance/fixture.hpp"
#include "tests/hardening/framing_cases.hpp"

namespace comet::test {
namespace {

constexpr std::size_t kLongestSentInParts = 1000;

class Framing : public ServerTest {
 protected:
  enum class Sent { at_once, in_two_parts };

  void expect_answers(const std::vector<FramingCase>& cases, Sent sent = Sent::at_once) {
    for (const FramingCase& each : cases) {
      SCOPED_TRACE(each.name + ", section " + each.section);
      if (each.bytes.starts_with("POST /publish")) {
        published_ += std::count(each.statuses.begin(), each.statuses.end(), 200);
      }
      try {
        expect_answers(each, sent);
      } catch (const ClientError& error) {
        ADD_FAILURE() << error.what();
      }
    }
    EXPECT_EQ(stat("published"), published_) << "a request was taken for more or fewer than it is";
  }

 private:
  void expect_answers(const FramingCase& each, Sent sent) {
    const bool closes = each.after == After::closes;
    const std::string follower =
        closes ? get_request("/publish?channel=smuggled&message=m") : get_request("/nowhere");
    Connection connection = connect();
    const std::string bytes = each.bytes + follower;
    const std::size_t first = sent == Sent::at_once ? bytes.size() : each.bytes.size() / 2;
    connection.send(std::string_view(bytes).substr(0, first));
    if (first < bytes.size()) {
      connection.wait_until_received();
      connection.send(std::string_view(bytes).substr(first));
    }
    for (const int& status : each.statuses) {
      const Response response = read_final_response(connection);
      EXPECT_EQ(response.status, status);
      if (response.status >= 400) expect_error(response, response.status);
      const bool is_last = &status == &each.statuses.back();
      EXPECT_EQ(response.header("Connection") == "close", closes && is_last);
    }
    if (closes) {
      EXPECT_EQ(connection.read_until_closed(), "") << "bytes behind the last answer";
    } else {
      EXPECT_EQ(connection.read_response().status, 404) << "answer to the request that follows";
    }
  }

  static Response read_final_response(Connection& connection) {
    Response response = connection.read_response();
    while (response.status == 100) response = connection.read_response();
    return response;
  }

  std::int64_t published_ = 0;
};

TEST_F(Framing, OfTheRequestLine) {
  start();
  expect_answers(request_line_cases());
}

TEST_F(Framing, OfTheTarget) {
  start();
  expect_answers(target_cases());
}

TEST_F(Framing, OfTheFields) {
  start();
  expect_answers(field_cases());
}

TEST_F(Framing, OfTheLength) {
  start();
  expect_answers(length_cases());
}

TEST_F(Framing, OfTheTransferCoding) {
  start();
  expect_answers(transfer_coding_cases());
}

TEST_F(Framing, OfTheChunks) {
  start();
  expect_answers(chunk_cases());
}

TEST_F(Framing, OfRequestsThatShareAConnection) {
  start();
  expect_answers(connection_cases());
}

TEST_F(Framing, IsTheSameInTwoParts) {
  start();
  std::vector<FramingCase> all;
  for (const auto& part : {request_line_cases(), target_cases(), field_cases(), length_cases(),
                           transfer_coding_cases(), chunk_cases(), connection_cases()}) {
    std::copy_if(part.begin(), part.end(), std::back_inserter(all),
                 [](const FramingCase& each) { return each.bytes.size() <= kLongestSentInParts; });
  }
  expect_answers(all, Sent::in_two_parts);
}

}  // namespace
}  // namespace comet::test
