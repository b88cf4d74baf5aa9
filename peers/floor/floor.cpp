// The floor: the least work that delivers a message to held requests. One thread, one epoll, no parser, no
// log. A held request is its descriptor in an array; a publish is one loop of send() over that array. Owner
// of every connection: the only thread. Wake-up: epoll. See README.md for what it does not do.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>

#include "core/number_options.hpp"

namespace comet::floor {
namespace {

constexpr int kMaxDescriptors = 1 << 20;
constexpr int kBacklog = 4096;
constexpr int kEventsPerWait = 512;

// 8 bytes for each held request; pages that no descriptor reaches are never touched.
int held[kMaxDescriptors];   // the descriptors of held requests, in [0, held_count)
int place[kMaxDescriptors];  // by descriptor: its index in `held` plus one; 0: not held
int held_count = 0;

int epoll_descriptor = -1;
int listener = -1;
bool listening = false;
std::int64_t connections = 0;
std::int64_t published = 0;
std::int64_t delivered = 0;
volatile sig_atomic_t stop_requested = 0;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "comet-floor: %s: %s\n", what.c_str(), std::strerror(errno));
  std::exit(1);
}

void hold(int connection) {
  held[held_count++] = connection;
  place[connection] = held_count;
}

void release(int connection) {
  const int index = place[connection] - 1;
  held[index] = held[--held_count];
  place[held[index]] = index + 1;
  place[connection] = 0;
}

// Accepting stops when descriptors run out and goes on when one is given back.
void set_listening(bool on) {
  if (on == listening) return;
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = listener;
  if (epoll_ctl(epoll_descriptor, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, listener, &event) != 0)
    fail("epoll_ctl");
  listening = on;
}

void drop(int connection) {
  if (place[connection] != 0) release(connection);
  close(connection);
  --connections;
  set_listening(true);
}

void accept_all() {
  for (;;) {
    const int connection = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (connection < 0) {
      if (errno == EMFILE || errno == ENFILE) set_listening(false);
      if (errno == ECONNABORTED || errno == EINTR) continue;
      return;
    }
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = connection;
    if (connection >= kMaxDescriptors ||
        epoll_ctl(epoll_descriptor, EPOLL_CTL_ADD, connection, &event) != 0) {
      close(connection);
      continue;
    }
    ++connections;
  }
}

// A response goes out in one send or the client does not read: then it is dropped, as the floor keeps no
// bytes.
bool send_all(int connection, std::string_view bytes) {
  return send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
}

// Names and order as in the contract, so that the floor sends as many bytes as the five servers do.
std::string response(const char* status, const char* type, const std::string& headers,
                     std::string_view body) {
  char date[64];
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  std::strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &parts));
  std::string bytes = std::string("HTTP/1.1 ") + status + "\r\nDate: " + date + "\r\nContent-Type: " + type +
                      "\r\n" + headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  return bytes.append(body);
}

// MILLISECONDS-SEQUENCE, growing even when the clock does not.
std::string next_cursor() {
  using namespace std::chrono;
  static std::int64_t last = 0;
  static int sequence = 0;
  const std::int64_t now = duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
  sequence = now > last ? 0 : sequence + 1;
  last = std::max(last, now);
  return std::to_string(last) + "-" + std::to_string(sequence);
}

void publish(int publisher, std::string_view message) {
  const std::string cursor = "Comet-Cursor: " + next_cursor() + "\r\n";
  const std::string bytes =
      response("200 OK", "text/plain;charset=utf-8", "Cache-Control: no-store\r\n" + cursor, message);
  int receivers = 0;
  while (held_count > 0) {
    const int subscriber = held[held_count - 1];
    release(subscriber);
    if (send_all(subscriber, bytes)) {
      ++receivers;
    } else {
      drop(subscriber);
    }
  }
  ++published;
  delivered += receivers;
  const std::string answer =
      response("200 OK", "text/plain;charset=utf-8",
               cursor + "Comet-Receivers: " + std::to_string(receivers) + "\r\n", "ok");
  if (!send_all(publisher, answer)) drop(publisher);
}

void send_stats(int connection) {
  const std::string body =
      "{\"pattern\":\"floor\",\"pid\":" + std::to_string(getpid()) +
      ",\"connections\":" + std::to_string(connections) + ",\"held\":" + std::to_string(held_count) +
      ",\"published\":" + std::to_string(published) + ",\"delivered\":" + std::to_string(delivered) + "}";
  if (!send_all(connection, response("200 OK", "application/json", "", body))) drop(connection);
}

// The body as Content-Length says it, or nothing when it did not all arrive with the header.
bool read_body(std::string_view header, std::string_view rest, std::string_view& body) {
  constexpr std::string_view kName = "\r\nContent-Length: ";
  const std::size_t start = header.find(kName);
  if (start == std::string_view::npos) return false;
  std::size_t length = 0;
  const char* digits = header.data() + start + kName.size();
  if (std::from_chars(digits, header.data() + header.size(), length).ec != std::errc()) return false;
  body = rest;
  return rest.size() == length;
}

void handle_request(int connection, std::string_view request) {
  constexpr std::string_view kQueryPublish = "GET /publish?message=";
  const std::size_t end = request.find("\r\n\r\n");
  if (end != std::string_view::npos && place[connection] == 0) {
    const std::string_view header = request.substr(0, end + 2);
    std::string_view body;
    if (header.starts_with("GET /subscribe")) return hold(connection);
    if (header.starts_with("GET /stats ")) return send_stats(connection);
    if (header.starts_with("POST /publish") && read_body(header, request.substr(end + 4), body))
      return publish(connection, body.starts_with("message=") ? body.substr(8) : body);
    if (header.starts_with(kQueryPublish)) {
      const std::string_view rest = header.substr(kQueryPublish.size());
      return publish(connection, rest.substr(0, rest.find_first_of(" &\r")));
    }
  }
  send_all(connection, response("400 Bad Request", "text/plain;charset=utf-8", "Connection: close\r\n",
                                "the floor does not understand this request\n"));
  drop(connection);
}

void read_request(int connection) {
  static char buffer[16 * 1024];
  const ssize_t size = recv(connection, buffer, sizeof buffer, 0);
  if (size > 0) return handle_request(connection, {buffer, static_cast<std::size_t>(size)});
  // EBADF: dropped by a publish earlier in the same batch of events.
  if (size < 0 && (errno == EAGAIN || errno == EINTR || errno == EBADF)) return;
  drop(connection);
}

void run_until_stopped(const sigset_t& mask_while_waiting) {
  std::array<epoll_event, kEventsPerWait> events;
  while (stop_requested == 0) {
    const int count = epoll_pwait(epoll_descriptor, events.data(), kEventsPerWait, -1, &mask_while_waiting);
    if (count < 0 && errno != EINTR) fail("epoll_pwait");
    for (int i = 0; i < count; ++i) {
      const int descriptor = events[static_cast<std::size_t>(i)].data.fd;
      descriptor == listener ? accept_all() : read_request(descriptor);
    }
  }
}

// Returns the port that was bound.
int listen_on(const std::string& address, int port) {
  const std::string where = address + ":" + std::to_string(port);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(static_cast<std::uint16_t>(port));
  if (inet_pton(AF_INET, address.c_str(), &name.sin_addr) != 1) {
    std::fprintf(stderr, "comet-floor: '%s' is not an IPv4 address: use --address 127.0.0.1\n",
                 address.c_str());
    std::exit(64);
  }
  listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener < 0) fail("socket");
  const int on = 1;  // accepted connections inherit TCP_NODELAY
  if (setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) fail("SO_REUSEADDR");
  if (setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) fail("TCP_NODELAY");
  if (bind(listener, reinterpret_cast<sockaddr*>(&name), sizeof name) != 0)
    fail("cannot bind " + where + " (another --port, or 0 for a free one)");
  if (listen(listener, kBacklog) != 0) fail("cannot listen on " + where);
  socklen_t size = sizeof name;
  if (getsockname(listener, reinterpret_cast<sockaddr*>(&name), &size) != 0) fail("getsockname");
  return ntohs(name.sin_port);
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) fail("getrlimit");
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) fail("setrlimit");
}

// Stop signals are blocked except inside epoll_pwait, so none falls between the check and the wait.
sigset_t install_stop_signals() {
  sigset_t stops;
  sigset_t before;
  sigemptyset(&stops);
  sigaddset(&stops, SIGTERM);
  sigaddset(&stops, SIGINT);
  if (sigprocmask(SIG_BLOCK, &stops, &before) != 0) fail("sigprocmask");
  struct sigaction action {};
  action.sa_handler = [](int) { stop_requested = 1; };
  if (sigaction(SIGTERM, &action, nullptr) != 0 || sigaction(SIGINT, &action, nullptr) != 0)
    fail("sigaction");
  sigdelset(&before, SIGTERM);
  sigdelset(&before, SIGINT);
  return before;
}

int run(int argc, char** argv) {
  std::string address = "127.0.0.1";
  int port = 8000;
  CLI::App app(
      "The physical limit of long-poll delivery: raw epoll, one thread, an int for each held request.",
      "comet-floor");
  app.add_option("--address", address, "IPv4 address to listen on")->capture_default_str();
  app.add_option("--port", port, "port to listen on; 0 takes a free one")
      ->capture_default_str()
      ->check(core::whole_number(0, 65535));
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "comet-floor: %s (comet-floor --help shows the options)\n", error.what());
    return 64;
  }
  raise_descriptor_limit();
  const sigset_t mask_while_waiting = install_stop_signals();
  epoll_descriptor = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_descriptor < 0) fail("epoll_create1");
  const int bound = listen_on(address, port);
  set_listening(true);
  std::printf("READY port=%d pid=%d\n", bound, getpid());
  std::fflush(stdout);
  run_until_stopped(mask_while_waiting);
  return 0;
}

}  // namespace
}  // namespace comet::floor

int main(int argc, char** argv) { return comet::floor::run(argc, argv); }
