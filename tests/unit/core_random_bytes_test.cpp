// Robustness: whatever bytes come, the reader answers, waits for more within its bounds, or ends
// the connection.
#include <gtest/gtest.h>

#include <random>

#include "tests/unit/core_requests.hpp"

namespace comet::core {
namespace {

constexpr int kRounds = 20000;

// Pieces from which nearly correct requests come about.
const std::vector<std::string> kPieces{"GET ",
                                       "POST ",
                                       "HEAD ",
                                       "/subscribe",
                                       "/publish",
                                       "/stats",
                                       "/healthz",
                                       "http://a:99999/",
                                       "?",
                                       "channel=",
                                       "&",
                                       "message=",
                                       "since=",
                                       "1-2",
                                       "timeout=",
                                       "1e9",
                                       "nan",
                                       "%",
                                       "%00",
                                       "%zz",
                                       "+",
                                       "#",
                                       "[",
                                       "//",
                                       " HTTP/1.1",
                                       " HTTP/1.0",
                                       "\r\n",
                                       "\r\n",
                                       "\r\n",
                                       "\r\n\r\n",
                                       "\r",
                                       "\n",
                                       "\t",
                                       " ",
                                       ":",
                                       "Host: a\r\n",
                                       "Content-Length: ",
                                       "3",
                                       "0",
                                       "99999999999999999999",
                                       "-",
                                       "Transfer-Encoding: chunked\r\n",
                                       "Expect: 100-continue\r\n",
                                       "Connection: close\r\n",
                                       "Origin: http://a\r\n",
                                       "Origin: ",
                                       "Sec-Fetch-Site: cross-site\r\n",
                                       "Content-Encoding: gzip\r\n",
                                       "; charset=",
                                       "Content-Type: application/x-www-form-urlencoded\r\n",
                                       "Content-Type: text/plain\r\n",
                                       "0\r\n\r\n",
                                       "3\r\nabc\r\n",
                                       "ffffffffffffffff",
                                       ";a=\"",
                                       "\"",
                                       std::string(1, '\0'),
                                       "\x7f",
                                       "\xff",
                                       std::string(300, 'a')};

class RandomBytes : public testing::Test {
 protected:
  std::size_t below(std::size_t end) {
    return std::uniform_int_distribution<std::size_t>(0, end - 1)(random_);
  }

  // Feeds pieces of any size; decisions in all must end, and nothing follows a closing reply to a
  // framing error.
  void feed_in_pieces(std::string_view bytes) {
    RequestReader reader(service_);
    std::size_t decisions = 0;
    while (!bytes.empty()) {
      // A block of its own size, so that the address sanitizer sees any read beyond it.
      const std::vector<char> piece(bytes.begin(),
                                    bytes.begin() + 1 + static_cast<std::ptrdiff_t>(below(bytes.size())));
      bytes.remove_prefix(piece.size());
      for (Decision decision = reader.feed({piece.data(), piece.size()});
           !std::holds_alternative<NeedsInput>(decision); decision = reader.next()) {
        ASSERT_LE(++decisions, 10000U) << "the reader goes on without input";
        if (const auto* reply = std::get_if<Reply>(&decision)) {
          const int status = status_of(reply->response);
          ASSERT_TRUE(status == 100 || status == 200 || (status >= 400 && status <= 505))
              << *reply->response.bytes;
        } else if (const auto* request = std::get_if<Subscribe>(&decision)) {
          ASSERT_LE(request->channel.size(), 64U);
          ASSERT_GE(request->hold, Milliseconds{0});
          ASSERT_LE(request->hold, service_.options.hold_timeout);
        } else {
          ASSERT_LE(std::get<Publish>(decision).body.size(), service_.options.max_message);
        }
      }
    }
    ASSERT_EQ(status_of(reader.timeout_response()), 408);
  }

  std::mt19937 random_{20240607};
  const Service service_ = test_service({.max_message = 64});
};

TEST_F(RandomBytes, OfAnyValueNeverBreakTheReader) {
  for (int round = 0; round < kRounds && !HasFatalFailure(); ++round) {
    std::string bytes(1 + below(200), '\0');
    for (char& byte : bytes) byte = static_cast<char>(below(256));
    feed_in_pieces(bytes);
  }
}

TEST_F(RandomBytes, OfHttpPiecesNeverBreakTheReader) {
  for (int round = 0; round < kRounds && !HasFatalFailure(); ++round) {
    std::string bytes;
    for (std::size_t pieces = 1 + below(30); pieces > 0; --pieces) bytes += kPieces[below(kPieces.size())];
    feed_in_pieces(bytes);
  }
}

TEST_F(RandomBytes, InAGoodRequestNeverBreakTheReader) {
  const std::string good =
      get("/subscribe?channel=a&since=1-2&timeout=0.5") +
      "POST /publish?channel=%61 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Type: "
      "application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5;a=\"b\"\r\nmessa\r\n7\r\nge=a+b%\r\n2\r\n20\r\n0\r\nTrailer: x\r\n\r\n" +
      post("/publish", "Content-Type: text/plain\r\nConnection: keep-alive\r\n", "abc") +
      get("http://host:80/publish?message=%00");
  for (int round = 0; round < kRounds && !HasFatalFailure(); ++round) {
    std::string bytes = good;
    for (std::size_t changes = 1 + below(4); changes > 0; --changes) {
      const std::size_t at = below(bytes.size());
      switch (below(3)) {
        case 0:
          bytes[at] = static_cast<char>(below(256));
          break;
        case 1:
          bytes.erase(at, 1 + below(8));
          break;
        default:
          bytes.insert(at, kPieces[below(kPieces.size())]);
      }
    }
    feed_in_pieces(bytes);
  }
}

}  // namespace
}  // namespace comet::core
