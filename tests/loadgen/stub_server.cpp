#include "tests/loadgen/stub_server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace comet::test {
namespace {

void check(bool good, const char* what) {
  if (!good) throw std::system_error(errno, std::generic_category(), what);
}

bool contains(const std::vector<int>& numbers, int number) {
  return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
}

// The value of a parameter of the target; empty if it has none.
std::string_view parameter(std::string_view target, std::string_view name) {
  const auto start = target.find(name);
  if (start == std::string_view::npos) return {};
  const std::string_view value = target.substr(start + name.size());
  return value.substr(0, value.find('&'));
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
      finish(due);
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
  if (accepted >= 0) clients_.push_back({.socket = accepted, .input = {}, .channel = {}, .repeat = {}});
}

void StubServer::read(Client& client) {
  char bytes[4096];
  const ssize_t size = recv(client.socket, bytes, sizeof bytes, MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size <= 0) {
    if (!client.channel.empty()) leaving_.push_back(Clock::now() + faults_.leave);
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
  const std::string channel(parameter(target, "channel="));
  if (target.starts_with("/stats")) {
    const std::string pid = faults_.pid ? R"(, "pid": )" + std::to_string(*faults_.pid) : "";
    send(client, message(R"({"pattern": "stub", "held": )" + std::to_string(held()) + pid + "}", 0));
  } else if (target.starts_with("/publish")) {
    due_.push_back({Clock::now() + faults_.delay, channel, std::string(body), client.socket});
  } else if (parameter(target, "timeout=") == "0") {
    due_.push_back({Clock::now() + faults_.delay, {}, {}, client.socket});
  } else if (!client.repeat.empty()) {
    send(client, std::exchange(client.repeat, {}));
  } else {
    subscribe(client, channel, parameter(target, "since="));
  }
}

void StubServer::subscribe(Client& client, const std::string& channel, std::string_view since) {
  const std::size_t retained = logs_[channel].size();
  std::size_t position =
      since.empty() ? retained : std::stoul(std::string(since.substr(since.find('-') + 1)));
  for (; position < retained; ++position)
    if (deliver(client, channel, position)) return;
  client.channel = channel;
  client.requests.push_back(Clock::now() + faults_.hold);
}

void StubServer::finish(const Due& due) {
  if (!due.channel.empty()) logs_[due.channel].push_back(due.body);
  for (Client& client : clients_)
    if (!due.channel.empty() && client.channel == due.channel)
      deliver(client, due.channel, logs_[due.channel].size() - 1);
  for (Client& client : clients_)
    if (client.socket == due.asker)
      send(client,
           due.channel.empty() ? "HTTP/1.1 204 No Content\r\nComet-Cursor: 1-0\r\n\r\n" : message("ok", 0));
}

// False if the message is lost.
bool StubServer::deliver(Client& client, const std::string& channel, std::size_t position) {
  const int number = channel.starts_with("smoke") ? 0 : ++deliveries_;
  if (contains(faults_.lost, number)) return false;
  const std::string& body = logs_[channel][position];
  const bool wrong = contains(faults_.wrong, number) || (number == 0 && faults_.wrong_smoke);
  const std::string bytes = message(wrong ? std::string(body.size(), 'x') : body, position + 1);
  if (!client.requests.empty()) client.requests.erase(client.requests.begin());
  if (client.requests.empty()) client.channel.clear();
  if (contains(faults_.repeated, number)) client.repeat = bytes;
  // With one send(), because a client that reads them one by one would send its next request after the first.
  send(client, contains(faults_.twice, number) ? bytes + bytes : bytes);
  return true;
}

std::string StubServer::message(std::string_view body, std::size_t cursor) {
  std::string headers;
  if (faults_.closes) headers += "Connection: close\r\n";
  if (faults_.expensive && cursor != 0) {
    headers += "X-Number: " + std::to_string(++messages_) + "\r\n";
    for (int i = 0; i < 200; ++i) headers += "X-Part: a header that is parsed\r\n";
  }
  return "HTTP/1.1 200 OK\r\nContent-Type: text/plain;charset=utf-8\r\nComet-Cursor: 1-" +
         std::to_string(cursor) + "\r\n" + headers + "Content-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + std::string(body);
}

void StubServer::send(Client& client, std::string_view bytes) {
  // If the client has left, the next read will notice.
  [[maybe_unused]] const ssize_t sent = ::send(client.socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (faults_.closes) end(client);
}

void StubServer::end(Client& client) {
  ::close(std::exchange(client.socket, -1));
  client.channel.clear();
  client.requests.clear();
}

std::int64_t StubServer::held() const {
  const auto now = Clock::now();
  std::int64_t held =
      std::count_if(leaving_.begin(), leaving_.end(), [now](auto until) { return until > now; });
  for (const Client& client : clients_)
    held += std::count_if(client.requests.begin(), client.requests.end(),
                          [now](auto from) { return from <= now; });
  return held;
}

}  // namespace comet::test
