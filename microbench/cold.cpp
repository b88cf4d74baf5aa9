// What a delivery and the next poll cost beside the floor's work in a server that holds thousands: HTTP, libuv,
// and Boost.Asio.
#include <arpa/inet.h>
#include <benchmark/benchmark.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/intrusive/list.hpp>
#include <cerrno>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "core/channels.hpp"
#include "core/deadlines.hpp"
#include "core/lookup.hpp"
#include "core/request_reader.hpp"
#include "microbench/costs.hpp"
#include "microbench/samples.hpp"
#include "patterns/async/hardening/libuv_call.hpp"
#include "patterns/common/minimal_start.hpp"
#include "patterns/common/startup.hpp"

namespace comet::microbench {
using namespace core;
using namespace common;
using async::require;
using boost::asio::ip::tcp;
namespace {

// One held request, both ends of its connection, and what any server keeps for it.
struct Held : Deadline, boost::intrusive::list_base_hook<boost::intrusive::tag<struct Waiting>> {
  Held(int listener, const sockaddr_in& address, const Service& service)
      : client(check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "making a socket")), reader(service) {
    check(connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address), "connecting");
    server = check(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC), "accepting");
    constexpr linger kAtOnce{1, 0};  // leaves no port behind that waits
    check(setsockopt(client, SOL_SOCKET, SO_LINGER, &kAtOnce, sizeof kAtOnce), "setting SO_LINGER");
  }
  ~Held() {
    ::close(client);
    if (handle.loop == nullptr && !stream) ::close(server);  // else libuv or Asio has it
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

  int client;
  int server = -1;
  RequestReader reader;
  ReplyForm form;
  uv_tcp_t handle{};                  // of the server's end, where libuv serves it
  std::optional<tcp::socket> stream;  // the same with Asio
};

void send_all(int socket, std::string_view bytes) {
  if (check(static_cast<int>(send(socket, bytes.data(), bytes.size(), 0)), "sending") !=
      static_cast<int>(bytes.size()))
    fail("sending a whole message", EMSGSIZE);
}

std::string_view receive(int socket, std::array<char, 4096>& input) {
  const int size = check(static_cast<int>(recv(socket, input.data(), input.size(), 0)), "receiving");
  if (size == 0) fail("receiving", ECONNRESET);
  return {input.data(), static_cast<std::size_t>(size)};
}

// Who receives the polls and sends the messages: raw epoll as the floor, the same with HTTP, or libuv or Asio
// without HTTP.
enum class Kind { floor, http, loop, pool };

class Server {
 public:
  Server(std::size_t count, Kind kind) : kind_(kind) {
    const int listener = open_minimal_listener({.port = 0});
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<in_port_t>(port_of(listener)));
    require(uv_loop_init(&loop_), "uv_loop_init");
    while (held_.size() < count) {
      held_.push_back(std::make_unique<Held>(listener, address, service_));
      watch(*held_.back());
      if (kind == Kind::http) take_poll(*held_.back(), kPoll);
    }
    ::close(listener);
  }
  ~Server() {
    channel_.waiters.clear();
    for (const auto& held : held_) {
      if (kind_ == Kind::loop) uv_close(reinterpret_cast<uv_handle_t*>(&held->handle), nullptr);
    }
    uv_run(&loop_, UV_RUN_DEFAULT);
    require(uv_loop_close(&loop_), "uv_loop_close");
    ::close(epoll_);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // A message to all and the next poll of all: CPU nanoseconds of the server's part, for all.
  std::int64_t round() {
    const std::int64_t before_delivery = thread_cpu_ns();
    for (const auto& held : held_) deliver(*held);
    const std::int64_t before_clients = thread_cpu_ns();
    for (const auto& held : held_) {
      receive(held->client, input_);
      send_all(held->client, kPoll);
    }
    const std::int64_t before_return = thread_cpu_ns();
    for (returned_ = 0; returned_ < held_.size();) {
      wait();
    }
    return thread_cpu_ns() - before_return + before_clients - before_delivery;
  }

 private:
  void watch(Held& held) {
    if (kind_ == Kind::loop) return watch_by_loop(held);
    if (kind_ != Kind::pool) return watch_by_epoll(held);
    held.stream.emplace(pool_, tcp::v4(), held.server);
    held.stream->non_blocking(true);
    wait_in_pool(held);
  }
  void watch_by_epoll(Held& held) {
    epoll_event event{EPOLLIN, {.ptr = &held}};
    check(epoll_ctl(epoll_, EPOLL_CTL_ADD, held.server, &event), "epoll_ctl");
  }
  void watch_by_loop(Held& held) {
    require(uv_tcp_init(&loop_, &held.handle), "uv_tcp_init");
    require(uv_tcp_open(&held.handle, held.server), "uv_tcp_open");
    held.handle.data = this;
    const auto give_buffer = [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
      auto& input = static_cast<Server*>(handle->data)->input_;
      *buffer = uv_buf_init(input.data(), static_cast<unsigned>(input.size()));
    };
    const auto on_read = [](uv_stream_t* stream, ssize_t size, const uv_buf_t*) {
      require(static_cast<int>(size), "receiving");
      static_cast<Server*>(stream->data)->returned_ += size > 0 ? 1 : 0;
    };
    require(uv_read_start(reinterpret_cast<uv_stream_t*>(&held.handle), give_buffer, on_read),
            "uv_read_start");
  }

  // As comet-continuations waits: for readiness, and then it reads.
  void wait_in_pool(Held& held) {
    held.stream->async_wait(tcp::socket::wait_read, [this, &held](const boost::system::error_code& ended) {
      if (ended) return;
      if (held.stream->read_some(boost::asio::buffer(input_)) == 0) fail("receiving", ECONNRESET);
      ++returned_;
      wait_in_pool(held);
    });
  }

  void deliver(Held& held) {
    const Response response = kind_ == Kind::http ? end_hold(held) : same_;
    if (kind_ == Kind::pool) return send_by_pool(held, *response.bytes);
    if (kind_ != Kind::loop) return send_all(held.server, *response.bytes);
    const uv_buf_t buffer =
        uv_buf_init(const_cast<char*>(response.bytes->data()), static_cast<unsigned>(response.bytes->size()));
    require(uv_try_write(reinterpret_cast<uv_stream_t*>(&held.handle), &buffer, 1), "uv_try_write");
  }

  void send_by_pool(Held& held, std::string_view bytes) {
    if (held.stream->write_some(boost::asio::buffer(bytes)) != bytes.size()) fail("sending", EMSGSIZE);
  }

  void wait() {
    if (kind_ == Kind::loop) {
      uv_run(&loop_, UV_RUN_NOWAIT);
    } else if (kind_ == Kind::pool) {
      pool_.poll();
    } else {
      wait_by_epoll();
    }
  }

  Response end_hold(Held& held) {
    channel_.waiters.erase(channel_.waiters.iterator_to(held));
    deadlines_.set(held, Clock::now(), service_.idle_time());
    return message_response(message_, held.form);
  }

  void wait_by_epoll() {
    std::array<epoll_event, 256> events;
    const int count = check(epoll_wait(epoll_, events.data(), events.size(), -1), "epoll_wait");
    for (int i = 0; i < count; ++i) {
      Held& held = *static_cast<Held*>(events[static_cast<std::size_t>(i)].data.ptr);
      const std::string_view bytes = receive(held.server, input_);
      if (kind_ == Kind::http) take_poll(held, bytes);
      ++returned_;
    }
  }

  void take_poll(Held& held, std::string_view bytes) {
    const Decision decision = held.reader.feed(bytes);
    const auto* poll = std::get_if<Subscribe>(&decision);
    if (poll == nullptr) fail("reading a poll", EPROTO);
    auto& channel = channels_.open(poll->channel);
    held.form = look_up(channel.log, *poll).form;
    deadlines_.set(held, Clock::now(), poll->hold);
    channel.waiters.push_back(held);
  }

  const Kind kind_;
  const int epoll_ = check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  uv_loop_t loop_{};
  boost::asio::io_context pool_;
  const Service service_;
  using Waiters = boost::intrusive::list<
      Held,
      boost::intrusive::base_hook<boost::intrusive::list_base_hook<boost::intrusive::tag<struct Waiting>>>>;
  Channels<Waiters> channels_{Options{}, Cursor{1, 0}};
  Channels<Waiters>::Channel& channel_ = channels_.open("bench");  // that of kPoll
  Deadlines deadlines_;
  const Message message_ = make_message({1, 0}, kMessage);
  const Response same_ = message_response(message_, {});
  std::vector<std::unique_ptr<Held>> held_;
  std::array<char, 4096> input_;
  std::size_t returned_ = 0;
};

// An iteration is one delivery and the poll that follows, each as the first thing that happens to this
// connection after thousands of others: what `kind` costs more than the floor. Rounds of both are in turn.
void more_than_floor(benchmark::State& state, Kind kind) {
  const auto waiting = static_cast<std::size_t>(state.range(0));
  Server floor(waiting, Kind::floor);
  Server other(waiting, kind);
  floor.round();
  other.round();
  constexpr int kRounds = 5;  // one alone may meet something else that runs
  std::int64_t difference = 0;
  while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(kRounds * waiting))) {
    for (int i = 0; i < kRounds; ++i) {
      difference += other.round();
      difference -= floor.round();
    }
  }
  state.counters["cpu_ns"] = static_cast<double>(difference) / static_cast<double>(state.iterations());
}
BENCHMARK_CAPTURE(more_than_floor, http, Kind::http)
    ->Name("http/cold")
    ->ArgName("waiting")
    ->Arg(64)
    ->Arg(4000)
    ->UseRealTime();
BENCHMARK_CAPTURE(more_than_floor, loop, Kind::loop)
    ->Name("loop/cold")
    ->ArgName("waiting")
    ->Arg(64)
    ->Arg(4000)
    ->UseRealTime();
BENCHMARK_CAPTURE(more_than_floor, pool, Kind::pool)
    ->Name("asio/cold")
    ->ArgName("waiting")
    ->Arg(64)
    ->Arg(4000)
    ->UseRealTime();

}  // namespace
}  // namespace comet::microbench
