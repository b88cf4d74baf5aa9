// libFuzzer's target: the path of a request through core/. Whatever the bytes, the decisions are the same
// when they come at once, one by one, or while another request is held; each is within its bounds, and
// nothing follows a refusal.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "tests/unit/core_requests.hpp"

namespace comet::test {
using namespace core;
namespace {

// Above it a request may be refused for its size or for its form, whichever is seen first.
constexpr std::size_t kLongestCompared = 8000;
constexpr std::size_t kMostDecisions = 100'000;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "request-fuzzer: %s\n", what);
  std::abort();
}

void check_bounds(const Decision& decision, const Options& options) {
  if (const auto* reply = std::get_if<Reply>(&decision)) {
    const int status = status_of(reply->response);
    require(status == 100 || status == 200 || (status >= 400 && status <= 505), "a status that no page has");
  } else if (const auto* subscribe = std::get_if<Subscribe>(&decision)) {
    require(!subscribe->channel.empty() && subscribe->channel.size() <= 64, "a channel name out of bounds");
    require(subscribe->hold >= Milliseconds{0} && subscribe->hold <= options.hold_timeout,
            "a hold out of bounds");
  } else if (const auto* publish = std::get_if<Publish>(&decision)) {
    require(!publish->channel.empty() && publish->channel.size() <= 64, "a channel name out of bounds");
    require(publish->body.size() <= options.max_message, "a message over the largest");
  }
}

class Decisions {
 public:
  explicit Decisions(const Service& service) : service_(service) {}

  // What `decision` and those behind it say. 100 Continue is sent only where the body has not come
  // with the head.
  void take(RequestReader& reader, Decision decision) {
    for (; !std::holds_alternative<NeedsInput>(decision); decision = reader.next()) {
      check_bounds(decision, service_.options);
      const std::string text = described(decision);
      require(all_.size() < kMostDecisions, "the reader goes on without input");
      if (text != "reply 100") all_.push_back(text);
    }
  }

  std::vector<std::string> all() const { return all_; }

 private:
  const Service& service_;
  std::vector<std::string> all_;
};

std::vector<std::string> at_once(const Service& service, std::string_view bytes) {
  RequestReader reader(service);
  Decisions decisions(service);
  decisions.take(reader, reader.feed(bytes));
  require(status_of(reader.timeout_response()) == 408, "no answer when the time is over");
  return decisions.all();
}

std::vector<std::string> one_by_one(const Service& service, std::string_view bytes) {
  RequestReader reader(service);
  Decisions decisions(service);
  for (const char byte : bytes) decisions.take(reader, reader.feed({&byte, 1}));
  return decisions.all();
}

// The second half comes while the last request of the first one is held.
std::vector<std::string> stored(const Service& service, std::string_view bytes) {
  RequestReader reader(service);
  Decisions decisions(service);
  decisions.take(reader, reader.feed(bytes.substr(0, bytes.size() / 2)));
  require(reader.store(bytes.substr(bytes.size() / 2)), "no room for early bytes");
  decisions.take(reader, reader.next());
  return decisions.all();
}

}  // namespace
}  // namespace comet::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace comet::test;
  static const Service service = test_service({.max_message = 64});
  static const Service on_loopback{{.max_message = 64, .publish_token = "token"}, [] { return Stats{}; }};
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto expected = at_once(service, bytes);
  const auto expected_on_loopback = at_once(on_loopback, bytes);
  if (size > kLongestCompared) return 0;
  require(one_by_one(on_loopback, bytes) == expected_on_loopback,
          "another sender when the bytes come one by one");
  require(one_by_one(service, bytes) == expected, "other decisions when the bytes come one by one");
  require(stored(service, bytes) == expected, "other decisions when half of the bytes come early");
  return 0;
}
