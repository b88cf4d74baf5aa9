// See front.hpp.
#include "nodes/relay/front.hpp"

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <utility>
#include <variant>

#include "core/request_reader.hpp"
#include "nodes/relay/time_limit.hpp"
#include "patterns/common/startup.hpp"

namespace comet::relay {
namespace {

using asio::use_awaitable;
using asio::ip::tcp;

constexpr std::size_t kOwnDescriptors =
    16;  // both connections to Redis, all of the node, and some to make them anew
constexpr core::Refusal kNoPolls{421, "a relay holds no polls: subscribe at its node"};

tcp::acceptor listen(asio::io_context& loop, const core::Options& options) {
  const bool is_v6 = asio::ip::make_address(options.address).is_v6();
  return {loop, is_v6 ? tcp::v6() : tcp::v4(), common::open_listener(options)};
}

}  // namespace

Front::Front(asio::io_context& loop, const core::Options& options, Relay& relay)
    : loop_(loop),
      relay_(relay),
      connection_limit_(common::connection_limit(kOwnDescriptors)),
      started_(core::unix_milliseconds()),
      service_{options, [this] { return core::read_stats(counters_, "relay", started_); }, &counters_},
      acceptor_(listen(loop, options)) {
  service_.is_ready = [this] { return relay_.is_ready(); };
}

void Front::start() {
  asio::co_spawn(loop_, accept(), asio::detached);
  common::announce_ready(acceptor_.native_handle(), service_.options);
}

void Front::stop() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
}

asio::awaitable<void> Front::accept() {
  while (acceptor_.is_open()) {
    bool out_of_descriptors = false;
    try {
      tcp::socket socket = co_await acceptor_.async_accept(use_awaitable);
      asio::co_spawn(loop_, serve(std::move(socket)), asio::detached);
    } catch (const boost::system::system_error&) {
      out_of_descriptors = true;
    }
    if (!out_of_descriptors) continue;
    asio::steady_timer timer(loop_, common::kAcceptPause);
    co_await timer.async_wait(use_awaitable);
  }
}

// One connection. Its time limits close the socket, and then the read or the write that waits fails.
asio::awaitable<void> Front::serve(tcp::socket socket) {
  core::add(counters_.connections);
  try {
    socket.set_option(tcp::no_delay(true));
    core::RequestReader reader(service_);
    std::array<char, 16384> input;
    TimeLimit limit(socket);
    bool open = counters_.connections <= connection_limit_;
    limit.allow(service_.idle_time());
    if (!open) {
      const core::Response full = service_.unavailable("too many connections", {.keep_alive = false});
      co_await asio::async_write(socket, asio::buffer(*full.bytes), use_awaitable);
    }
    while (open) {
      bool had_begun = reader.mid_request();
      const std::size_t size = co_await socket.async_read_some(asio::buffer(input), use_awaitable);
      core::Decision decision = reader.feed({input.data(), size});
      for (; open && !std::holds_alternative<core::NeedsInput>(decision); decision = reader.next()) {
        limit.lift();
        had_begun = false;
        const core::Response response = co_await answer(decision);
        limit.allow(service_.options.idle_timeout);
        co_await asio::async_write(socket, asio::buffer(*response.bytes), use_awaitable);
        open = !response.close;
      }
      if (!had_begun && reader.mid_request()) limit.allow(service_.options.header_timeout);
    }
    socket.shutdown(tcp::socket::shutdown_send);
    limit.allow(common::kLingerTimeout);
    while (true) co_await socket.async_read_some(asio::buffer(input), use_awaitable);
  } catch (const boost::system::system_error&) {  // the client has gone, or its time is over
  }
  core::subtract(counters_.connections);
}

asio::awaitable<core::Response> Front::answer(const core::Decision& decision) {
  if (const auto* reply = std::get_if<core::Reply>(&decision)) co_return reply->response;
  if (const auto* poll = std::get_if<core::Subscribe>(&decision))
    co_return service_.refuse(kNoPolls, poll->form);
  const auto& message = std::get<core::Publish>(decision);
  const bus::Publisher::Outcome outcome = co_await relay_.publish(message);
  if (!outcome.cursor) co_return service_.refuse(outcome.refusal, message.form);
  core::add(counters_.published);
  co_return core::published_response(*outcome.cursor, 0, message.form);
}

}  // namespace comet::relay
