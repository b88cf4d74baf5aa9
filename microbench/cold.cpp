// What a delivery and the next poll cost beside the floor's work in a server that holds thousands: HTTP, and
// libuv.
#include <arpa/inet.h>
#include <benchmark/benchmark.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <array>
#include <cerrno>
#include <memory>
#include <string_view>
#include <vector>

#include "core/channel_log.hpp"
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
namespace {

// One held request, both ends of its connection, and what any server keeps for it.
struct Held {
  Held(int listener, const sockaddr_in& address, const Service& service)
      : client(check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "making a socket")), reader(service) {
    check(connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address), "connecting");
    server = check(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC), "accepting");
    constexpr linger kAtOnce{1, 0};  // leaves no port behind that waits
    check(setsockopt(client, SOL_SOCKET, SO_LINGER, &kAtOnce, sizeof kAtOnce), "setting SO_LINGER");
  }
  ~Held() {
    ::close(client);
    if (handle.loop == nullptr) ::close(server);  // else libuv has closed it
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

  int client;
  int server = -1;
  RequestReader reader;
  ReplyForm form;
  uv_tcp_t handle{};  // of the server's end, where libuv serves it
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

// Who receives the polls and sends the messages: raw epoll as the floor, the same with HTTP, or libuv without
// HTTP.
enum class Kind { floor, http, loop };

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
      kind == Kind::loop ? watch_by_loop(*held_.back()) : watch_by_epoll(*held_.back());
    }
    ::close(listener);
  }
  ~Server() {
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
      kind_ == Kind::loop ? static_cast<void>(uv_run(&loop_, UV_RUN_NOWAIT)) : wait_by_epoll();
    }
    return thread_cpu_ns() - before_return + before_clients - before_delivery;
  }

 private:
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

  void deliver(Held& held) {
    const Response response = kind_ == Kind::http ? message_response(message_, held.form) : same_;
    if (kind_ != Kind::loop) return send_all(held.server, *response.bytes);
    const uv_buf_t buffer =
        uv_buf_init(const_cast<char*>(response.bytes->data()), static_cast<unsigned>(response.bytes->size()));
    require(uv_try_write(reinterpret_cast<uv_stream_t*>(&held.handle), &buffer, 1), "uv_try_write");
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
    held.form = look_up(log_, *poll).form;
  }

  const Kind kind_;
  const int epoll_ = check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  uv_loop_t loop_{};
  const Service service_;
  const Message message_ = make_message({1, 0}, kMessage);
  const Response same_ = message_response(message_, {});
  ChannelLog log_{Cursor{1, 0}};
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

}  // namespace
}  // namespace comet::microbench
