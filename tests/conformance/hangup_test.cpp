// SIGHUP, which a server gets when its terminal closes.
#include <signal.h>

#include "tests/conformance/fixture.hpp"

namespace comet::test {
namespace {

class Hangup : public ServerTest {
 protected:
  // The server inherits the action: SIG_DFL, or SIG_IGN as by nohup.
  void start_with(sighandler_t action) {
    const sighandler_t own = signal(SIGHUP, action);
    start();
    signal(SIGHUP, own);
  }
};

CONTRACT_TEST(Hangup, DrainsAsSigtermDoes, "drain, subscribe, publish", "SIGTERM, SIGINT or SIGHUP drains") {
  start_with(SIG_DFL);
  Connection subscriber = hold();
  server().signal(SIGHUP);
  const Response response = subscriber.read_response();
  expect_error(response, 503);
  expect_retry_after(response);
  finish();
}

CONTRACT_TEST(Hangup, ToTheWholeGroupAsATerminalSendsIt, "drain, subscribe, publish",
              "SIGTERM, SIGINT or SIGHUP drains") {
  start_with(SIG_DFL);
  Connection subscriber = hold();
  server().signal_group(SIGHUP);
  expect_error(subscriber.read_response(), 503);
  finish();
}

// nohup starts a program with SIGHUP ignored, so that it outlives its terminal.
CONTRACT_TEST(Hangup, IsIgnoredIfTheServerWasStartedToIgnoreIt, "drain, subscribe, publish",
              "SIGHUP is ignored if the server was started to ignore it, as `nohup` does") {
  start_with(SIG_IGN);
  Connection subscriber = hold();
  server().signal_group(SIGHUP);
  EXPECT_FALSE(subscriber.readable_within(std::chrono::milliseconds(300)))
      << "drained though started by nohup";
  publish("m");
  expect_message(subscriber.read_response(), "m");
}

}  // namespace
}  // namespace comet::test
