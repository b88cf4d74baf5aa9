// When a program is told to stop.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "patterns/common/stop_signals.hpp"

namespace comet::nodes {
namespace asio = boost::asio;

// Returns when a signal that stops has come; a second one ends the process at once.
inline asio::awaitable<void> wait_for_stop(asio::io_context& loop, common::StopSignals& signals) {
  asio::posix::stream_descriptor watch(loop, signals.descriptor());
  while (!signals.come()) {
    co_await watch.async_wait(asio::posix::stream_descriptor::wait_read, asio::use_awaitable);
  }
  watch.release();
  signals.restore();
}

}  // namespace comet::nodes
