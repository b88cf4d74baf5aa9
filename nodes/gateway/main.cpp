// comet-gateway: the command line, then the gateway until it is told to stop.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdlib>

#include "nodes/common/wait_for_stop.hpp"
#include "nodes/gateway/front.hpp"
#include "patterns/common/startup.hpp"

namespace comet::gateway {
namespace {

constexpr std::chrono::milliseconds kTick{20};

// Clients that wait are sent away, and come back to another gateway with their cursors.
asio::awaitable<void> run_until_stopped(common::StopSignals& signals, Front& front, Bayeux& bayeux,
                                        Gateway& gateway) {
  co_await nodes::wait_for_stop(gateway.loop, signals);
  front.stop();
  bayeux.stop();
  for (Outbox* outbox : gateway.outboxes) outbox->close();
  const auto until = Outbox::Clock::now() + common::kDrainTimeout;
  asio::steady_timer timer(gateway.loop);
  while (!gateway.outboxes.empty() && Outbox::Clock::now() < until) {
    timer.expires_after(kTick);
    co_await timer.async_wait(asio::use_awaitable);
  }
  // Those whose clients do not close their end, too: they may come back elsewhere under their names.
  for (const auto& [user, outbox] : gateway.users) gateway.registry.release(user);
  co_await gateway.registry.finish();
  co_await gateway.bus.stop();
  gateway.loop.stop();
}

}  // namespace
}  // namespace comet::gateway

int main(int argc, char** argv) {
  using namespace comet;
  const gateway::GatewayOptions options = gateway::parse_gateway_options(argc, argv);
  common::prepare_process();
  common::StopSignals signals;
  boost::asio::io_context loop(1);
  gateway::Gateway gateway(loop, options);
  gateway::Bayeux bayeux(gateway);
  gateway::Front front(gateway, bayeux);
  boost::asio::co_spawn(loop, gateway::run_until_stopped(signals, front, bayeux, gateway),
                        nodes::fail_if_any);
  gateway.bus.start();
  gateway.registry.start();
  bayeux.start();
  front.start();
  loop.run();
  std::exit(0);  // destroys nothing of the above: connections that are still open refer to all of it
}
