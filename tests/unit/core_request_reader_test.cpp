// The request reader as a stream: any split of the bytes gives the same decisions, and bytes that
// come early wait.
#include <gtest/gtest.h>

#include "core/request_reader.hpp"
#include "tests/unit/core_requests.hpp"

namespace comet::core {
namespace {

using Strings = std::vector<std::string>;

const std::string kSubscribeA = get("/subscribe?channel=a&since=5-1&timeout=2");
const std::string kChunked =
    "POST /publish?channel=c HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nTransfer-Encoding: "
    "chunked\r\n\r\n"
    "3;name=value\r\nabc\r\nA;q=\"a b\"\r\n0123456789\r\n0;last\r\nTrailer: x\r\nOther: y\r\n\r\n";

class RequestReaderTest : public testing::Test {
 protected:
  Options options_;
  Service service_ = test_service(options_);
  RequestReader reader_{service_};
};

TEST_F(RequestReaderTest, WholeRequestIsOneDecision) {
  EXPECT_EQ(described(reader_.feed(kSubscribeA)), "subscribe a since 5-1 for 2000 ms");
  EXPECT_EQ(described(reader_.next()), "needs input");
}

TEST_F(RequestReaderTest, SplitAtAnyByteDecidesTheSame) {
  const std::string all =
      "\r\n" + kSubscribeA +
      post("/publish", "Content-Type: application/x-www-form-urlencoded\r\n", "message=x+y%21") + kChunked +
      get("/nowhere") + "\r\n\r\n" + get("/healthz", "HEAD") + "GET / HTTP/3.0\r\n\r\n";
  const Strings expected{"subscribe a since 5-1 for 2000 ms",
                         "publish all x y!",
                         "publish c abc0123456789",
                         "reply 404",
                         "reply 200",
                         "reply 505 close"};
  ASSERT_EQ(decisions_of(all), expected);
  for (std::size_t first = 0; first <= all.size(); ++first) {
    RequestReader reader(service_);
    Strings seen = decisions_of(reader, std::string_view(all).substr(0, first));
    for (auto& later : decisions_of(reader, std::string_view(all).substr(first))) seen.push_back(later);
    ASSERT_EQ(seen, expected) << "split after " << first << " bytes";
  }
  Strings seen;
  for (const char byte : all) {
    for (auto& decision : decisions_of(reader_, {&byte, 1})) seen.push_back(decision);
  }
  EXPECT_EQ(seen, expected) << "byte by byte";
}

TEST_F(RequestReaderTest, PipelinedRequestsComeOneByOneInOrder) {
  std::string all;
  Strings expected;
  for (int i = 0; i < 3000; ++i) {
    const std::string number = std::to_string(i);
    all += i % 2 == 0 ? get("/publish?message=" + number)
                      : post("/publish", "Content-Type: text/plain\r\n", number);
    expected.push_back("publish all " + number);
  }
  EXPECT_EQ(decisions_of(reader_, all), expected);
  EXPECT_FALSE(reader_.mid_request());
}

TEST_F(RequestReaderTest, StoredBytesWaitTheirTurn) {
  EXPECT_EQ(described(reader_.feed(get("/subscribe"))), "subscribe all since now for 30000 ms");
  const std::string early = get("/publish?message=1") + get("/publish?message=2");
  EXPECT_TRUE(reader_.store(std::string_view(early).substr(0, 30)));
  EXPECT_TRUE(reader_.store(std::string_view(early).substr(30)));
  EXPECT_EQ(described(reader_.next()), "publish all 1");
  EXPECT_TRUE(reader_.store(get("/publish?message=3")));
  EXPECT_EQ(decisions_of(reader_, get("/publish?message=4")),
            (Strings{"publish all 2", "publish all 3", "publish all 4"}));
}

TEST_F(RequestReaderTest, StoreRefusesWhatPassesTheBound) {
  const std::string block(4096, 'x');
  std::size_t taken = 0;
  while (taken < (1U << 30) && reader_.store(block)) taken += block.size();
  EXPECT_GE(taken, options_.max_message) << "one whole message must fit";
  EXPECT_LE(taken, options_.max_message + 65536);
}

TEST_F(RequestReaderTest, BytesOfAnsweredRequestsDoNotCountAgainstTheBound) {
  const std::string request = get("/publish?message=x");
  std::string early;
  while (reader_.store(request)) early += request;
  const auto count = early.size() / request.size();
  for (std::size_t i = 0; i < count; ++i) {
    ASSERT_EQ(described(reader_.next()), "publish all x") << i;
    ASSERT_TRUE(reader_.store(request)) << "one was answered, so one fits";
  }
}

TEST_F(RequestReaderTest, MidRequestFromTheFirstByteToTheLast) {
  EXPECT_FALSE(reader_.mid_request());
  reader_.feed("\r\n");
  EXPECT_FALSE(reader_.mid_request()) << "empty lines are no request";
  for (const char* half : {"\r", "\n", "\r"}) {
    reader_.feed(half);
    EXPECT_FALSE(reader_.mid_request()) << "nor is the half of one";
  }
  reader_.feed("\n");
  const std::string request = post("/publish", "Content-Type: text/plain\r\n", "abc");
  for (std::size_t i = 0; i + 1 < request.size(); ++i) {
    reader_.feed({&request[i], 1});
    EXPECT_TRUE(reader_.mid_request()) << i;
  }
  reader_.feed({&request.back(), 1});
  EXPECT_FALSE(reader_.mid_request());
}

TEST_F(RequestReaderTest, TimeoutIs408AndEndsTheConnection) {
  reader_.feed("GET /subscr");
  const Response response = reader_.timeout_response();
  EXPECT_EQ(status_of(response), 408);
  EXPECT_TRUE(response.close);
  EXPECT_FALSE(reader_.mid_request());
  EXPECT_EQ(described(reader_.feed("ibe HTTP/1.1\r\nHost: a\r\n\r\n")), "needs input");
}

TEST_F(RequestReaderTest, NothingIsReadAfterAFramingError) {
  EXPECT_EQ(decisions_of(reader_, "NO GOOD\r\n\r\n" + get("/publish?message=smuggled")),
            Strings{"reply 400 close"});
  EXPECT_FALSE(reader_.mid_request());
  EXPECT_EQ(described(reader_.feed(get("/healthz"))), "needs input");
}

TEST_F(RequestReaderTest, RefusedRequestsBodyIsNotTheNextRequest) {
  const std::string hidden = get("/publish?message=smuggled");
  EXPECT_EQ(decisions_of(post("/nowhere", "", hidden) + get("/healthz")),
            (Strings{"reply 404", "reply 200"}));
  EXPECT_EQ(decisions_of(post("/stats", "", hidden) + get("/healthz")), (Strings{"reply 405", "reply 200"}));
  EXPECT_EQ(
      decisions_of("GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" + get("/nowhere")),
      (Strings{"reply 200", "reply 404"}));
}

TEST_F(RequestReaderTest, ChunksAreJoinedAndTrailersSayNothing) {
  EXPECT_EQ(decisions_of(kChunked), Strings{"publish c abc0123456789"});
  EXPECT_EQ(decisions_of("POST /publish HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
                         "1\r\na\r\n0\r\nHost: b\r\nContent-Type: image/png\r\nExpect: wonders\r\n\r\n"),
            Strings{"publish all a"});
}

TEST_F(RequestReaderTest, ContinueIsSentOnceBeforeTheBody) {
  const std::string head =
      "POST /publish HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nExpect: "
      "100-Continue\r\nContent-Length: 2\r\n\r\n";
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(decisions_of(reader_, head), Strings{"reply 100"});
    EXPECT_EQ(decisions_of(reader_, "o"), Strings{});
    EXPECT_EQ(decisions_of(reader_, "k"), Strings{"publish all ok"});
  }
}

TEST_F(RequestReaderTest, NoContinueWhereTheBodyIsThereOrThereIsNone) {
  const std::string expect = "Content-Type: text/plain\r\nExpect: 100-continue\r\n";
  EXPECT_EQ(decisions_of(post("/publish", expect, "ok")), Strings{"publish all ok"});
  EXPECT_EQ(decisions_of("GET /healthz HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n"),
            Strings{"reply 200"});
  EXPECT_EQ(decisions_of("POST /publish HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"),
            Strings{})
      << "HTTP/1.0 knows no 100";
  EXPECT_EQ(
      decisions_of(
          "POST /publish HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9999999\r\n\r\n"),
      Strings{"reply 413 close"});
}

TEST_F(RequestReaderTest, LongestRequestLineAndHeadAreTaken) {
  const auto line_of = [](std::size_t size) {
    const std::string start = "GET /healthz?x=", end = " HTTP/1.1";
    return start + std::string(size - start.size() - end.size(), 'a') + end + "\r\n";
  };
  EXPECT_EQ(decisions_of(line_of(8000) + "Host: a\r\n\r\n"), Strings{"reply 200"});
  EXPECT_EQ(decisions_of(line_of(kLongestRequestLine + 1) + "Host: a\r\n\r\n"), Strings{"reply 414 close"});
  const std::string begin = "GET /healthz HTTP/1.1\r\nHost: a\r\nX: ";
  const auto head_of = [&](std::size_t size) {
    return begin + std::string(size - begin.size() - 4, 'a') + "\r\n\r\n";
  };
  EXPECT_EQ(decisions_of(head_of(kLongestHead)), Strings{"reply 200"});
  EXPECT_EQ(decisions_of(head_of(kLongestHead + 4)), Strings{"reply 431 close"});
}

TEST_F(RequestReaderTest, EndlessInputWithoutALineEndIsRefusedAtItsBound) {
  const auto fed_until_refused = [this](std::string_view start, std::string_view repeated) {
    RequestReader reader(service_);
    Decision decision = reader.feed(start);
    std::size_t fed = start.size();
    while (std::holds_alternative<NeedsInput>(decision) && fed < (1U << 20)) {
      decision = reader.feed(repeated);
      fed += repeated.size();
    }
    EXPECT_LT(fed, 40000U) << start;
    return described(decision);
  };
  const std::string chunks = "POST /publish HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(fed_until_refused("GET /", "a"), "reply 414 close");
  EXPECT_EQ(fed_until_refused("GET / HTTP/1.1\r\nX: ", "a"), "reply 431 close");
  EXPECT_EQ(fed_until_refused("GET / HTTP/1.1\r\n", "X: a\r\n"), "reply 431 close");
  EXPECT_EQ(fed_until_refused(chunks + "1;", "a"), "reply 400 close");
  EXPECT_EQ(fed_until_refused(chunks, "0"), "reply 400 close");
  EXPECT_EQ(fed_until_refused(chunks + "0\r\n", "X: a\r\n"), "reply 400 close");
}

}  // namespace
}  // namespace comet::core
