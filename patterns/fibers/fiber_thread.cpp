// Model: fibers. Setting up a thread and its listening socket.
// Owner of a connection: nothing here.
// Runs on: that thread, before its first connection.
// Wakes a held request: nothing here.
#include "patterns/fibers/fiber_thread.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "patterns/common/startup.hpp"

namespace comet::fibers {
using namespace common;
namespace {

std::vector<int> open_listeners(const Options& options, unsigned threads) {
  std::vector<int> listeners{open_listener(options)};
  if (threads > 1) {
    // Not before it was bound: it could then share its address with another server. From here on it
    // shares its own.
    const int on = 1;
    if (setsockopt(listeners.front(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0)
      fail("sharing the port among threads", errno);
    Options shared = options;
    shared.port = static_cast<std::uint16_t>(port_of(listeners.front()));
    while (listeners.size() < threads) listeners.push_back(open_listener(shared, true));
  }
  for (const int listener : listeners) {
    // Accepted sockets inherit TCP_NODELAY.
    if (fcntl(listener, F_SETFL, O_NONBLOCK) != 0 || !set_no_delay(listener))
      fail("preparing to listen", errno);
  }
  return listeners;
}

}  // namespace

FiberThread::FiberThread(const FiberOptions& options, int listening, std::function<void(Connection&)> serve)
    : hibernate(options.hibernate),
      scheduler(new EpollScheduler),
      inbox(*scheduler),
      fibers(*scheduler, options.stack_size,
             [serve = std::move(serve)](Sleeper& sleeper) { serve(static_cast<Connection&>(sleeper)); }),
      listener(listening),
      acceptor(*scheduler),
      orders(inbox, acceptor) {
  scheduler->on_woken_without_fiber = [this](Sleeper& sleeper) { fibers.run(sleeper); };
  if (!scheduler->watch(listener, acceptor)) fail("watching the listening socket", errno);
}

FiberThreads make_threads(const Options& options, const FiberOptions& fiber_options,
                          const std::function<void(Connection&)>& serve) {
  FiberThreads threads;
  for (const int listener : open_listeners(options, fiber_options.threads)) {
    threads.push_back(std::make_unique<FiberThread>(fiber_options, listener, serve));
  }
  return threads;
}

std::thread start_thread(std::function<void()> run) {
  try {
    return std::thread(std::move(run));
  } catch (const std::system_error& error) {
    fail("starting a thread (fewer --threads or --publish-work-threads?)", error.code().value());
  }
}

}  // namespace comet::fibers
