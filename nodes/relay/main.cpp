// comet-relay: the command line, then the relay until it is told to stop.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "nodes/common/wait_for_stop.hpp"
#include "nodes/relay/front.hpp"
#include "patterns/common/startup.hpp"

namespace comet::relay {
namespace {

asio::awaitable<void> run_until_stopped(asio::io_context& loop, common::StopSignals& signals, Front& front,
                                        Relay& relay) {
  co_await nodes::wait_for_stop(loop, signals);
  front.stop();
  co_await relay.stop();
  loop.stop();
}

}  // namespace
}  // namespace comet::relay

int main(int argc, char** argv) {
  using namespace comet;
  const relay::RelayOptions options = relay::parse_relay_options(argc, argv);
  common::prepare_process();
  common::StopSignals signals;
  boost::asio::io_context loop(1);
  relay::Relay relay(loop, options);
  relay::Front front(loop, options.http, relay);
  boost::asio::co_spawn(loop, relay::run_until_stopped(loop, signals, front, relay), boost::asio::detached);
  relay.start();
  front.start();
  loop.run();
}
