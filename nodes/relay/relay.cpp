// See relay.hpp.
#include "nodes/relay/relay.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdio>
#include <exception>
#include <variant>

#include "nodes/relay/names.hpp"

namespace comet::relay {
namespace {

using asio::use_awaitable;
using std::chrono::milliseconds;

constexpr std::uint64_t kBlockMilliseconds = 1000;  // so Redis is heard of that often
constexpr milliseconds kSilence{2500};              // after which it is taken for lost
constexpr milliseconds kPublishTime{3000};          // to a publish's deadline
constexpr milliseconds kNodeTime{500};              // for the relay's own node to get what was published
constexpr milliseconds kTick{100};

// Ends the program if the coroutine fails in a way that it does not handle.
void fail_if_any(const std::exception_ptr& error) {
  if (error) std::rethrow_exception(error);
}

}  // namespace

Relay::Relay(asio::io_context& loop, const RelayOptions& options)
    : loop_(loop),
      options_(options),
      reading_(loop, options.redis),
      publishing_(loop, options.redis),
      reader_(options.most, kBlockMilliseconds),
      publisher_(random_name()),
      node_(loop, options.node,
            [this] {
              say("the node has ended");
              caught_up_ = false;
              reader_.forget();
              reading_.close();  // reading begins anew, and so does the node
            }),
      random_(std::random_device{}()),
      brought_(loop, Clock::time_point::max()) {}

void Relay::start() {
  asio::co_spawn(loop_, keep_reading(), fail_if_any);
  asio::co_spawn(loop_, keep_publishing(), fail_if_any);
  asio::co_spawn(loop_, watch_the_time(), fail_if_any);
}

asio::awaitable<void> Relay::stop() {
  stopping_ = true;
  caught_up_ = false;
  asio::steady_timer timer(loop_);
  while (publisher_.pending() > 0) {  // their deadline ends them
    timer.expires_after(kTick);
    co_await timer.async_wait(use_awaitable);
  }
  reading_.close();
  publishing_.close();
  co_await node_.stop();
}

bool Relay::is_ready() const {
  return caught_up_ && node_.is_running() && publisher_.is_connected() &&
         Clock::now() - reading_.silent_since() < kSilence;
}

// Whatever fails, a lost Redis or a node that does not work: begin anew, and go on where that was.
asio::awaitable<void> Relay::keep_reading() {
  bus::Backoff backoff;
  while (!stopping_) {
    try {
      co_await read_stream();
    } catch (const NodeError& error) {
      reader_.forget();  // what it did not take must not be left out: it begins anew
      say(error.what());
    } catch (const std::exception& error) {
      say_of_redis(error);
    }
    if (caught_up_) backoff.succeed();
    caught_up_ = false;
    reading_.close();
    co_await pause(backoff);
  }
}

asio::awaitable<void> Relay::read_stream() {
  co_await reading_.connect();
  reading_.send(reader_.connect(random_name()));
  while (true) {
    const bus::Reply reply = co_await reading_.receive();
    const bus::StreamReader::Step step = reader_.take(reply);
    for (const bus::Event& event : step.events) co_await handle(event);
    reading_.send(step.command);
  }
}

asio::awaitable<void> Relay::handle(const bus::Event& event) {
  if (const auto* begins = std::get_if<bus::Begins>(&event)) {
    caught_up_ = false;
    co_await node_.stop();
    co_await node_.start(begins->cursor);
    node_has_ = begins->cursor;
  } else if (const auto* entry = std::get_if<bus::Entry>(&event)) {
    publisher_.note(*entry);
    co_await node_.publish(*entry);
    node_has_ = entry->cursor;
    brought_.cancel();
  } else {
    if (!caught_up_) said_.clear();
    caught_up_ = true;
  }
}

asio::awaitable<void> Relay::keep_publishing() {
  bus::Backoff backoff;
  while (!stopping_) {
    try {
      co_await publishing_.connect();
      publishing_.send(publisher_.connect());
      while (true) {
        const bus::Reply reply = co_await publishing_.receive();
        publisher_.take(reply, Clock::now());
        backoff.succeed();
      }
    } catch (const std::exception& error) {
      say_of_redis(error);
    }
    publisher_.lose_connection();
    publishing_.close();
    co_await pause(backoff);
  }
}

// A silent Redis may be stopped, or cut off, and then no call fails by itself.
asio::awaitable<void> Relay::watch_the_time() {
  asio::steady_timer timer(loop_);
  while (true) {
    timer.expires_after(kTick);
    co_await timer.async_wait(use_awaitable);
    publisher_.give_up(Clock::now());
    brought_.cancel();
    if (reading_.waits() && Clock::now() - reading_.silent_since() > kSilence) {
      say("Redis does not answer");
      reading_.close();
      publishing_.close();
    }
  }
}

asio::awaitable<bus::Publisher::Outcome> Relay::publish(const core::Publish& message) {
  if (!publisher_.is_connected() || stopping_) {
    co_return bus::Publisher::Outcome{std::nullopt, {503, "not published: Redis is not reached"}};
  }
  asio::steady_timer done(loop_, Clock::time_point::max());
  bus::Publisher::Outcome outcome;
  const bus::LogState state{reader_.seen(), random_name(), options_.most};
  publishing_.send(publisher_.publish(message.channel, message.body, state, Clock::now() + kPublishTime,
                                      [&](const bus::Publisher::Outcome& ended) {
                                        outcome = ended;
                                        done.cancel();
                                      }));
  boost::system::error_code cancelled;
  co_await done.async_wait(asio::redirect_error(use_awaitable, cancelled));
  if (outcome.cursor) co_await wait_for_node(*outcome.cursor);
  co_return outcome;
}

// So that a poll at this relay's node sees what was published here before. A node that does not work costs the
// publisher kNodeTime, and nothing else: the message is in the stream.
asio::awaitable<void> Relay::wait_for_node(core::Cursor cursor) {
  const auto until = Clock::now() + kNodeTime;
  while (caught_up_ && node_has_ < cursor && Clock::now() < until) {
    boost::system::error_code cancelled;  // by a message, or by a tick
    co_await brought_.async_wait(asio::redirect_error(use_awaitable, cancelled));
  }
}

asio::awaitable<void> Relay::pause(bus::Backoff& backoff) {
  asio::steady_timer timer(loop_, backoff.next(random_));
  co_await timer.async_wait(use_awaitable);
}

void Relay::say_of_redis(const std::exception& error) {
  const auto* of_system = dynamic_cast<const boost::system::system_error*>(&error);
  if (!of_system) return say(std::string("Redis: ") + error.what());
  if (of_system->code() == asio::error::operation_aborted) return;  // whoever closed it has said why
  say("Redis: " + of_system->code().message());
}

// Once, however often it is tried.
void Relay::say(const std::string& what) {
  if (stopping_ || what == said_) return;
  said_ = what;
  std::fprintf(stderr, "comet-relay: %s; trying again\n", what.c_str());
}

}  // namespace comet::relay
