// What a delivery and the next poll cost beside the kernel's work in a server that holds thousands, without any model.
#include <arpa/inet.h>
#include <benchmark/benchmark.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <memory>
#include <string_view>
#include <vector>

#include "core/channel_log.hpp"
#include "core/lookup.hpp"
#include "core/request_reader.hpp"
#include "patterns/common/startup.hpp"

namespace comet::microbench {
using namespace core;
namespace {

constexpr std::string_view kPoll = "GET /subscribe?channel=bench HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n";
constexpr std::string_view kMessage = "a message of a usual length, which is to say 64 bytes of payload";

int checked(int result, const char* what) {
  if (result < 0) common::fail(what, errno);
  return result;
}

std::int64_t thread_cpu_ns() {
  timespec time{};
  checked(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time), "reading the CPU time");
  return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

// One held request, both ends of its connection, and what any server keeps for it.
struct Held {
  Held(int listener, const sockaddr_in& address, const Service& service)
      : client(checked(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "making a socket")), reader(service) {
    checked(connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address), "connecting");
    server = checked(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC), "accepting");
    constexpr linger kAtOnce{1, 0};  // leaves no port behind that waits
    checked(setsockopt(client, SOL_SOCKET, SO_LINGER, &kAtOnce, sizeof kAtOnce), "setting SO_LINGER");
  }
  ~Held() {
    ::close(client);
    ::close(server);
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

  int client;
  int server = -1;
  RequestReader reader;
  ReplyForm form;
};

void send_all(int socket, std::string_view bytes) {
  if (checked(static_cast<int>(send(socket, bytes.data(), bytes.size(), 0)), "sending") !=
      static_cast<int>(bytes.size()))
    common::fail("sending a whole message", EMSGSIZE);
}

std::string_view receive(int socket, std::array<char, 4096>& input) {
  const int size = checked(static_cast<int>(recv(socket, input.data(), input.size(), 0)), "receiving");
  if (size == 0) common::fail("receiving", ECONNRESET);
  return {input.data(), static_cast<std::size_t>(size)};
}

class Server {
 public:
  explicit Server(std::size_t count) {
    const int listener = checked(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "making a socket");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    checked(bind(listener, reinterpret_cast<sockaddr*>(&address), size), "binding");
    checked(listen(listener, 16), "listening");
    checked(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
    while (held_.size() < count) held_.push_back(std::make_unique<Held>(listener, address, service_));
    ::close(listener);
  }

  // A message to all and the next poll of all: CPU nanoseconds of the server's part, for all. Without HTTP it only
  // sends and receives the same bytes.
  std::int64_t round(bool with_http) {
    const std::int64_t before_delivery = thread_cpu_ns();
    for (const auto& held : held_) {
      send_all(held->server, with_http ? *message_response(message_, held->form).bytes : *same_.bytes);
    }
    const std::int64_t before_clients = thread_cpu_ns();
    for (const auto& held : held_) {
      receive(held->client, input_);
      send_all(held->client, kPoll);
    }
    const std::int64_t before_return = thread_cpu_ns();
    for (const auto& held : held_) {
      const std::string_view bytes = receive(held->server, input_);
      if (with_http) take_poll(*held, bytes);
    }
    return thread_cpu_ns() - before_return + before_clients - before_delivery;
  }

 private:
  void take_poll(Held& held, std::string_view bytes) {
    const Decision decision = held.reader.feed(bytes);
    const auto* poll = std::get_if<Subscribe>(&decision);
    if (poll == nullptr) common::fail("reading a poll", EPROTO);
    held.form = look_up(log_, *poll).form;
  }

  const Service service_;
  const Message message_ = make_message({1, 0}, kMessage);
  const Response same_ = message_response(message_, {});
  ChannelLog log_{Cursor{1, 0}};
  std::vector<std::unique_ptr<Held>> held_;
  std::array<char, 4096> input_;
};

// An iteration is one delivery and the poll that follows: its parsing, its look at the log and its answer's form, each
// as the first thing that happens to this connection after thousands of others. The kernel's part is taken off: the
// same round without HTTP, before and after in turn.
void http_cold(benchmark::State& state) {
  const auto waiting = static_cast<std::size_t>(state.range(0));
  Server server(waiting);
  server.round(true);
  std::int64_t with = 0;
  std::int64_t without = 0;
  while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(waiting))) {
    with += server.round(true);
    without += server.round(false);
  }
  state.counters["cpu_ns"] = static_cast<double>(with - without) /
                             static_cast<double>(std::max<std::int64_t>(1, state.iterations()));
}
BENCHMARK(http_cold)->Name("http/cold")->ArgName("waiting")->Arg(64)->Arg(4000)->UseRealTime();

}  // namespace
}  // namespace comet::microbench
