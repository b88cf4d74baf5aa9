// Model: fibers. What the fibers of one thread share: scheduler, inbox, listening socket, connections.
// Owner of a connection: the fiber that serves it; while it hibernates, its thread's list of connections.
// Runs on: that thread; only the inbox is for other threads.
// Wakes a held request: a letter from the room in its mailbox.
#pragma once

#include <boost/intrusive/list.hpp>
#include <boost/intrusive_ptr.hpp>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "patterns/fibers/connection.hpp"
#include "patterns/fibers/epoll_scheduler.hpp"
#include "patterns/fibers/footprint/fiber_pool.hpp"
#include "patterns/fibers/footprint/shared_stack.hpp"
#include "patterns/fibers/mailbox.hpp"

namespace comet::fibers {

struct FiberOptions {
  unsigned threads = 1;
  std::size_t stack_size = 65536;  // bytes of address space per fiber; what it has touched is its cost
  bool hibernate = false;          // no stack while a request is held, nor between requests
};

struct FiberThread {
  // `serve` runs on a fiber for each connection that is new or woken from hibernation.
  FiberThread(const FiberOptions& options, int listening, std::function<void(Connection&)> serve);

  const bool hibernate;
  const boost::intrusive_ptr<EpollScheduler> scheduler;
  Inbox inbox;
  FiberPool fibers;
  SharedStack deep_stack;
  boost::intrusive::list<Connection, boost::intrusive::base_hook<ConnectionHook>> connections;
  const int listener;
  Sleeper acceptor;   // woken by the listening socket, and in the drain by each connection that ends
  Mailbox orders;     // of the acceptor; the only order is to drain
  char input[65536];  // read into, then fed to a reader, before the fiber waits again
};

// As many as the options say. Each has a listening socket of its own on the one port, between which
// the kernel spreads the connections. Exits with one line on standard error if the address is in use
// or not allowed.
using FiberThreads = std::vector<std::unique_ptr<FiberThread>>;
FiberThreads make_threads(const Options& options, const FiberOptions& fiber_options,
                          const std::function<void(Connection&)>& serve);

// Exits with one line on standard error if the system allows no more threads.
std::thread start_thread(std::function<void()> run);

}  // namespace comet::fibers
