// /ready, which relays have and servers do not.
#include <gtest/gtest.h>

#include "tests/unit/core_requests.hpp"

namespace comet::core {
namespace {

TEST(Ready, IsNoPageOfAServer) { EXPECT_EQ(described(decide(get("/ready"))), "reply 404"); }

TEST(Ready, OfARelaySaysWhetherItIs) {
  bool is_ready = false;
  Counters counters;
  Service service = test_service();
  service.counters = &counters;
  service.is_ready = [&is_ready] { return is_ready; };
  const auto ask = [&service](const std::string& request) {
    return described(RequestReader(service).feed(request));
  };
  EXPECT_EQ(ask(get("/ready")), "reply 503");
  is_ready = true;
  EXPECT_EQ(ask(get("/ready")), "reply 200");
  EXPECT_EQ(ask(get("/ready", "HEAD")), "reply 200");
  EXPECT_EQ(ask(post("/ready", "", "")), "reply 405");
}

}  // namespace
}  // namespace comet::core
