#include "tests/loadgen/stub_server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace comet {
namespace {

void check(bool good, const char* what) {
  if (!good) throw std::system_error(errno, std::generic_category(), what);
}

bool contains(const std::vector<int>& numbers, int number) {
  return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
}

}  // namespace

StubServer::StubServer(Faults faults)
    : faults_(std::move(faults)), listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  check(listener_ >= 0, "socket");
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof name;
  check(bind(listener_, reinterpret_cast<sockaddr*>(&name), size) == 0, "bind");
  check(listen(listener_, 1024) == 0, "listen");
  check(getsockname(listener_, reinterpret_cast<sockaddr*>(&name), &size) == 0, "getsockname");
  check(pipe2(stop_, O_CLOEXEC) == 0, "pipe2");
  port_ = ntohs(name.sin_port);
  thread_ = std::thread([this] { run(); });
}

StubServer::~StubServer() {
  ::close(stop_[1]);
  thread_.join();
  for (const Client& client : clients_) ::close(client.socket);
  ::close(listener_);
  ::close(stop_[0]);
}

void StubServer::run() {
  while (true) {
    std::vector<pollfd> events{{stop_[0], POLLIN, 0}, {listener_, POLLIN, 0}};
    for (const Client& client : clients_) events.push_back({client.socket, POLLIN, 0});
    if (poll(events.data(), events.size(), wait_time()) < 0 && errno != EINTR) return;
    if (events[0].revents != 0) return;
    for (std::size_t i = 0; i + 2 < events.size(); ++i) {
      if (events[i + 2].revents != 0) read(clients_[i]);
    }
    std::erase_if(clients_, [](const Client& client) { return client.socket < 0; });
    if (events[1].revents != 0) accept_client();
    while (!due_.empty() && due_.front().at <= Clock::now()) {
      const Due due = std::move(due_.front());
      due_.erase(due_.begin());
      deliver(due);
    }
  }
}

int StubServer::wait_time() const {
  if (due_.empty()) return -1;
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(due_.front().at - Clock::now());
  return static_cast<int>(std::max<std::int64_t>(0, wait.count()));
}

void StubServer::accept_client() {
  const int accepted = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (accepted >= 0) clients_.push_back({.socket = accepted, .input = {}, .repeat = {}});
}

void StubServer::read(Client& client) {
  char bytes[4096];
  const ssize_t size = recv(client.socket, bytes, sizeof bytes, MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size <= 0) {
    if (client.held) leaving_.push_back(Clock::now() + faults_.leave);
    return end(client);
  }
  client.input.append(bytes, static_cast<std::size_t>(size));
  while (client.socket >= 0) {
    const auto head = client.input.find("\r\n\r\n");
    if (head == std::string::npos) return;
    const auto field = client.input.find("Content-Length: ");
    const std::size_t length = field < head ? std::stoul(client.input.substr(field + 16)) : 0;
    if (client.input.size() < head + 4 + length) return;
    const std::string request = client.input.substr(0, head + 4 + length);
    client.input.erase(0, request.size());
    const auto target = request.find(' ') + 1;
    answer(client, std::string_view(request).substr(target, request.find(' ', target) - target),
           std::string_view(request).substr(head + 4));
  }
}

void StubServer::answer(Client& client, std::string_view target, std::string_view body) {
  if (target.starts_with("/stats")) {
    send_text(client, R"({"pattern": "stub", "held": )" + std::to_string(held()) + "}");
  } else if (target.starts_with("/publish")) {
    due_.push_back({Clock::now() + faults_.delay, std::string(body), client.socket});
  } else if (!client.repeat.empty()) {
    send_text(client, std::exchange(client.repeat, {}));
  } else {
    client.held = true;
  }
}

void StubServer::deliver(const Due& due) {
  for (Client& client : clients_) {
    if (!client.held) continue;
    const int number = ++deliveries_;
    if (contains(faults_.lost, number)) continue;
    client.held = false;
    if (contains(faults_.repeated, number)) client.repeat = due.body;
    send_text(client, contains(faults_.wrong, number) ? std::string(due.body.size(), 'x') : due.body);
  }
  for (Client& client : clients_) {
    if (client.socket == due.publisher) send_text(client, "ok");
  }
}

void StubServer::send_text(Client& client, std::string_view body) {
  const std::string bytes =
      std::string("HTTP/1.1 200 OK\r\nContent-Type: text/plain;charset=utf-8\r\nComet-Cursor: 1-1\r\n") +
      (faults_.closes ? "Connection: close\r\n" : "") + "Content-Length: " + std::to_string(body.size()) +
      "\r\n\r\n" + std::string(body);
  // A client that has gone is found by the next read.
  [[maybe_unused]] const ssize_t sent = ::send(client.socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (faults_.closes) end(client);
}

void StubServer::end(Client& client) {
  ::close(std::exchange(client.socket, -1));
  client.held = false;
}

std::int64_t StubServer::held() const {
  return std::count_if(clients_.begin(), clients_.end(), [](const Client& client) { return client.held; }) +
         std::count_if(leaving_.begin(), leaving_.end(), [](auto until) { return until > Clock::now(); });
}

}  // namespace comet
