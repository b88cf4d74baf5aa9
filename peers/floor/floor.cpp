// The parts of the floors that are not their loop.
#include "peers/floor/floor.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <mutex>
#include <stdexcept>

#include "core/command_line.hpp"

namespace comet::floor {
namespace {

constexpr int kBacklog = 4096;
constexpr std::string_view kText = "text/plain;charset=utf-8";

std::string program_name = "comet-floor";

std::string encode(std::string_view status, std::string_view type, std::string_view headers,
                   std::string_view body) {
  char date[64];
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  const std::size_t length =
      std::strftime(date, sizeof date, "\r\nDate: %a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &parts));
  std::string bytes("HTTP/1.1 ");
  bytes.append(status).append(date, length).append("\r\nContent-Type: ").append(type).append("\r\n");
  bytes.append(headers).append("Content-Length: ").append(std::to_string(body.size())).append("\r\n\r\n");
  return bytes.append(body);
}

// MILLISECONDS-SEQUENCE, growing even when the clock does not.
std::string next_cursor() {
  using namespace std::chrono;
  static std::mutex mutex;
  static std::int64_t last = 0;
  static int sequence = 0;
  const std::lock_guard lock(mutex);
  const std::int64_t now = duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
  sequence = now > last ? 0 : sequence + 1;
  last = std::max(last, now);
  return std::to_string(last) + "-" + std::to_string(sequence);
}

// Whether `body` is all that Content-Length promises.
bool is_whole(std::string_view head, std::string_view body) {
  constexpr std::string_view kName = "\r\nContent-Length: ";
  const std::size_t start = head.find(kName);
  if (start == std::string_view::npos) return false;
  std::size_t length = 0;
  const char* digits = head.data() + start + kName.size();
  return std::from_chars(digits, head.data() + head.size(), length).ec == std::errc() &&
         body.size() == length;
}

}  // namespace

Request read_request(std::string_view input) {
  constexpr std::string_view kQueryPublish = "GET /publish?message=";
  constexpr std::string_view kField = "message=";
  const std::size_t end = input.find("\r\n\r\n");
  if (end == std::string_view::npos) return {};
  const std::string_view head = input.substr(0, end + 2);
  const std::string_view body = input.substr(end + 4);
  if (head.starts_with("GET /subscribe")) return {Request::Kind::subscribe, {}};
  if (head.starts_with("GET /stats ")) return {Request::Kind::stats, {}};
  if (head.starts_with("POST /publish") && is_whole(head, body)) {
    return {Request::Kind::publish, body.starts_with(kField) ? body.substr(kField.size()) : body};
  }
  if (head.starts_with(kQueryPublish)) {
    const std::string_view rest = head.substr(kQueryPublish.size());
    return {Request::Kind::publish, rest.substr(0, rest.find_first_of(" &\r"))};
  }
  return {};
}

Published encode_publish(std::string_view message, std::size_t receivers) {
  const std::string cursor = "Comet-Cursor: " + next_cursor() + "\r\n";
  const std::string counted = cursor + "Comet-Receivers: " + std::to_string(receivers) + "\r\n";
  return {encode("200 OK", kText, "Cache-Control: no-store\r\n" + cursor, message),
          encode("200 OK", kText, counted, "ok")};
}

std::string encode_unknown() {
  return encode("400 Bad Request", kText, "Connection: close\r\n",
                "the floor does not understand this request\n");
}

std::string encode_stats(const Stats& stats) {
  const std::string body =
      "{\"pattern\":\"" + program_name.substr(6) + "\",\"pid\":" + std::to_string(getpid()) +
      ",\"connections\":" + std::to_string(stats.connections) + ",\"held\":" + std::to_string(stats.held) +
      ",\"published\":" + std::to_string(stats.published) +
      ",\"delivered\":" + std::to_string(stats.delivered) + "}";
  return encode("200 OK", "application/json", "", body);
}

Options read_options(int argc, char** argv, const std::string& program, const std::string& about) {
  program_name = program;
  Options options{.program = program};
  core::CommandLine line(about, program);
  const auto take_address = [&options](const std::string& text) {
    in_addr address{};
    if (inet_pton(AF_INET, text.c_str(), &address) != 1)
      throw std::invalid_argument("'" + text + "' is not an IPv4 address; try 127.0.0.1");
    options.address = text;
  };
  line.add_text("--address", take_address, "TEXT", options.address, "IPv4 address to listen on");
  line.add_number("--port", options.port, 0, 65535, "port to listen on; 0 takes a free one");
  line.add_number("--threads", options.threads, 1, 256, "threads, each with its own connections");
  line.parse_or_exit(argc, argv);
  return options;
}

void fail(const std::string& what, int error_number) {
  std::fprintf(stderr, "%s: %s: %s\n", program_name.c_str(), what.c_str(), std::strerror(error_number));
  std::exit(1);
}

int prepare_process() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) fail("getrlimit", errno);
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) fail("setrlimit", errno);
  sigset_t stops;
  sigemptyset(&stops);
  sigaddset(&stops, SIGTERM);
  sigaddset(&stops, SIGINT);
  if (sigprocmask(SIG_BLOCK, &stops, nullptr) != 0) fail("sigprocmask", errno);
  const int descriptor = signalfd(-1, &stops, SFD_CLOEXEC | SFD_NONBLOCK);
  if (descriptor < 0) fail("signalfd", errno);
  return descriptor;
}

int open_listener(const Options& options, int& port) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(static_cast<std::uint16_t>(port));
  inet_pton(AF_INET, options.address.c_str(), &name.sin_addr);  // read_options() has checked it
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener < 0) fail("socket", errno);
  const int on = 1;  // accepted connections inherit TCP_NODELAY
  if (setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) fail("SO_REUSEADDR", errno);
  if (options.threads > 1 && setsockopt(listener, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) {
    fail("SO_REUSEPORT", errno);
  }
  if (setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) fail("TCP_NODELAY", errno);
  const std::string where = options.address + ":" + std::to_string(port);
  if (bind(listener, reinterpret_cast<sockaddr*>(&name), sizeof name) != 0) {
    fail("cannot bind " + where + " (another --port, or 0 for a free one)", errno);
  }
  if (listen(listener, kBacklog) != 0) fail("cannot listen on " + where, errno);
  socklen_t size = sizeof name;
  if (getsockname(listener, reinterpret_cast<sockaddr*>(&name), &size) != 0) fail("getsockname", errno);
  port = ntohs(name.sin_port);
  return listener;
}

void announce_ready(int port) {
  std::printf("READY port=%d pid=%d\n", port, getpid());
  std::fflush(stdout);
}

}  // namespace comet::floor
