// A server of known delay, loss and duplication, against which the load generator is tested: one thread, one
// poll().
#pragma once

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace comet {

// Faults by message, counted from 1: the first held request does not get a lost one, and gets a repeated one
// twice.
struct StubFaults {
  std::chrono::milliseconds delay{0};  // from a publish to its deliveries
  std::set<int> lost;
  std::set<int> repeated;
  std::set<int> spoilt;  // the first held request gets other bytes
  bool closes = false;   // every answer ends its connection
};

class StubServer {
 public:
  explicit StubServer(StubFaults faults) : faults_(std::move(faults)) {
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof name;
    const int on = 1;
    setsockopt(listener_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (bind(listener_, reinterpret_cast<sockaddr*>(&name), size) != 0 || listen(listener_, 1024) != 0 ||
        getsockname(listener_, reinterpret_cast<sockaddr*>(&name), &size) != 0)
      throw std::runtime_error("the stub server cannot listen");
    port_ = ntohs(name.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~StubServer() {
    stopped_ = true;
    thread_.join();
    close(listener_);
  }

  std::uint16_t port() const { return port_; }

 private:
  struct Connection {
    int socket;
    std::string input;
    bool held = false;
  };

  void run() {
    while (!stopped_) {
      std::vector<pollfd> entries{{listener_, POLLIN, 0}};
      for (const Connection& connection : connections_) entries.push_back({connection.socket, POLLIN, 0});
      if (poll(entries.data(), entries.size(), 50) <= 0) continue;
      for (std::size_t i = entries.size() - 1; i > 0; --i)
        if (entries[i].revents != 0) read_from(connections_[i - 1]);
      std::erase_if(connections_, [](const Connection& connection) { return connection.socket < 0; });
      if (entries[0].revents != 0) connections_.push_back({accept(listener_, nullptr, nullptr), {}});
    }
    for (const Connection& connection : connections_) close(connection.socket);
  }

  void read_from(Connection& connection) {
    char buffer[4096];
    const ssize_t size = recv(connection.socket, buffer, sizeof buffer, MSG_DONTWAIT);
    if (size <= 0) return end(connection);
    connection.input.append(buffer, static_cast<std::size_t>(size));
    const std::size_t head = connection.input.find("\r\n\r\n");
    if (head == std::string::npos) return;
    const std::string request = connection.input;
    if (request.starts_with("POST") && request.size() < head + 4 + 64)
      return;  // the body is a message of 64 bytes
    connection.input.clear();
    if (request.starts_with("GET /subscribe")) {
      connection.held = true;
    } else if (request.starts_with("GET /stats")) {
      answer(connection, "{\"pattern\":\"stub\",\"held\":" + std::to_string(held()) + "}");
    } else {
      publish(request.substr(head + 4));
      answer(connection, "ok");
    }
  }

  void publish(const std::string& message) {
    std::this_thread::sleep_for(faults_.delay);
    ++published_;
    bool first = true;
    for (Connection& connection : connections_) {
      if (!connection.held) continue;
      const bool chosen = first;
      first = false;
      if (chosen && faults_.lost.contains(published_)) continue;  // it stays held
      connection.held = false;
      const bool spoilt = chosen && faults_.spoilt.contains(published_);
      const bool twice = chosen && faults_.repeated.contains(published_);
      answer(connection, spoilt ? std::string(64, 'x') : message, twice ? 2 : 1);
    }
  }

  void answer(Connection& connection, const std::string& body, int times = 1) {
    const std::string bytes = std::string("HTTP/1.1 200 OK\r\n") +
                              (faults_.closes ? "Connection: close\r\n" : "") +
                              "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    std::string all;
    for (int i = 0; i < times; ++i) all += bytes;
    send(connection.socket, all.data(), all.size(), MSG_NOSIGNAL);
    if (faults_.closes) end(connection);
  }

  std::int64_t held() const {
    std::int64_t count = 0;
    for (const Connection& connection : connections_) count += connection.held ? 1 : 0;
    return count;
  }

  static void end(Connection& connection) {
    close(connection.socket);
    connection.socket = -1;
    connection.held = false;
  }

  const StubFaults faults_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::vector<Connection> connections_;
  int published_ = 0;
  std::atomic<bool> stopped_{false};
  std::thread thread_;
};

}  // namespace comet
