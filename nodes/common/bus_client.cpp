// See bus_client.hpp.
#include "nodes/common/bus_client.hpp"

#include <errno.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdio>
#include <utility>

#include "nodes/common/names.hpp"

namespace comet::nodes {
namespace {

using asio::use_awaitable;
using std::chrono::milliseconds;

constexpr std::uint64_t kBlockMilliseconds = 1000;  // so Redis is heard of that often
constexpr milliseconds kSilence{2500};              // after which it is taken for lost
constexpr milliseconds kPublishTime{3000};          // to a publish's deadline
constexpr milliseconds kTick{100};

std::string said;  // last, on standard error

}  // namespace

void fail_if_any(const std::exception_ptr& error) {
  if (error) std::rethrow_exception(error);
}

void say(const std::string& what) {
  if (what == std::exchange(said, what)) return;
  std::fprintf(stderr, "%s: %s; trying again\n", program_invocation_short_name, what.c_str());
}

void say_why(const std::exception& error) {
  const auto* of_system = dynamic_cast<const boost::system::system_error*>(&error);
  if (of_system && of_system->code() == asio::error::operation_aborted)
    return;  // whoever closed it has said why
  if (of_system) return say("Redis: " + of_system->code().message());
  say((dynamic_cast<const bus::WireError*>(&error) ? "Redis: " : "") + std::string(error.what()));
}

asio::awaitable<void> pause(asio::io_context& loop, bus::Backoff& backoff, std::minstd_rand& random) {
  asio::steady_timer timer(loop, backoff.next(random));
  co_await timer.async_wait(use_awaitable);
}

BusClient::BusClient(asio::io_context& loop, const RedisAddress& redis, std::size_t most,
                     const std::string& name, Handle handle)
    : loop_(loop),
      most_(most),
      handle_(std::move(handle)),
      reading_(loop, redis),
      publishing_(loop, redis),
      reader_(most, kBlockMilliseconds),
      publisher_(name),
      random_(std::random_device{}()) {}

void BusClient::start() {
  asio::co_spawn(loop_, keep_reading(), fail_if_any);
  asio::co_spawn(loop_, keep_publishing(), fail_if_any);
  asio::co_spawn(loop_, watch_the_time(), fail_if_any);
}

asio::awaitable<void> BusClient::stop() {
  stopping_ = true;
  asio::steady_timer timer(loop_);
  while (publisher_.pending() > 0) {  // their deadline ends them
    timer.expires_after(kTick);
    co_await timer.async_wait(use_awaitable);
  }
  reading_.close();
  publishing_.close();
}

bool BusClient::is_ready() const {
  return !stopping_ && caught_up_ && publisher_.is_connected() &&
         Clock::now() - reading_.silent_since() < kSilence;
}

// Whatever fails, a lost Redis or what handles the events: begin anew, and go on where that was.
asio::awaitable<void> BusClient::keep_reading() {
  bus::Backoff backoff;
  while (!stopping_) {
    try {
      co_await reading_.connect();
      reading_.send(reader_.connect(random_name()));
      while (true) {
        const bus::Reply reply = co_await reading_.receive();
        const bus::StreamReader::Step step = reader_.take(reply);
        for (const bus::Event& event : step.events) co_await bring(event);
        reading_.send(step.command);
      }
    } catch (const std::exception& error) {
      if (!stopping_) say_why(error);
    }
    if (caught_up_) backoff.succeed();
    caught_up_ = false;
    reading_.close();
    co_await pause(loop_, backoff, random_);
  }
}

asio::awaitable<void> BusClient::bring(const bus::Event& event) {
  if (const auto* entry = std::get_if<bus::Entry>(&event)) publisher_.note(*entry);
  if (std::holds_alternative<bus::Begins>(event)) caught_up_ = false;
  try {
    co_await handle_(event);
  } catch (...) {
    reader_.forget();  // what was not taken must not be left out
    throw;
  }
  if (std::holds_alternative<bus::CaughtUp>(event) && !std::exchange(caught_up_, true)) said.clear();
}

void BusClient::begin_anew() {
  caught_up_ = false;
  reader_.forget();
  reading_.close();
}

asio::awaitable<void> BusClient::keep_publishing() {
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
      say_why(error);
    }
    publisher_.lose_connection();
    publishing_.close();
    co_await pause(loop_, backoff, random_);
  }
}

// A silent Redis may be stopped, or cut off, and then no call fails by itself.
asio::awaitable<void> BusClient::watch_the_time() {
  asio::steady_timer timer(loop_);
  while (true) {
    timer.expires_after(kTick);
    co_await timer.async_wait(use_awaitable);
    publisher_.give_up(Clock::now());
    if (reading_.waits() && Clock::now() - reading_.silent_since() > kSilence) {
      say("Redis does not answer");
      reading_.close();
      publishing_.close();
    }
  }
}

asio::awaitable<bus::Publisher::Outcome> BusClient::publish(std::string channel, std::string body) {
  if (!publisher_.is_connected() || stopping_) {
    co_return bus::Publisher::Outcome{std::nullopt, {503, "not published: Redis is not reached"}};
  }
  asio::steady_timer done(loop_, Clock::time_point::max());
  bus::Publisher::Outcome outcome;
  const bus::LogState state{reader_.seen(), random_name(), most_};
  const auto end = [&](const bus::Publisher::Outcome& ended) {
    outcome = ended;
    done.cancel();
  };
  publishing_.send(
      publisher_.publish(std::move(channel), std::move(body), state, Clock::now() + kPublishTime, end));
  boost::system::error_code cancelled;
  co_await done.async_wait(asio::redirect_error(use_awaitable, cancelled));
  co_return outcome;
}

}  // namespace comet::nodes
