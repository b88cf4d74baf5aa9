// What lab 8 gives you: calls on a socket that look as if they blocked. Where they would, they park the fiber that
// makes them, with your scheduler.
#pragma once

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <optional>
#include <string_view>

#include "labs/kit/kit.hpp"

namespace lab {

using Clock = std::chrono::steady_clock;

// What epoll has said of a socket. The call that finds the socket empty or full takes it back.
struct SocketState {
  bool readable = false;
  bool writable = false;
  bool hung_up = false;  // nothing comes after what is still to be read

  void add(unsigned events) {
    hung_up |= (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    readable |= hung_up || (events & EPOLLIN) != 0;
    writable |= hung_up || (events & EPOLLOUT) != 0;
  }
};

// From now on epoll_wait() tells of each change of the socket, with `owner` in the event's data.ptr, until the
// socket is closed. False if the kernel has no memory for that.
inline bool watch(int epoll, int socket, void* owner) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = owner;
  return epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event) == 0;
}

// For epoll_wait(): milliseconds until `end`, rounded up; 0 if it is over.
inline int milliseconds_until(Clock::time_point end) {
  const auto left = std::chrono::ceil<kit::Milliseconds>(end - Clock::now()).count();
  return static_cast<int>(std::clamp<kit::Milliseconds::rep>(left, 0, 60'000));
}

// Makes a call until it no longer fails because the socket is empty or full. In between the fiber sleeps.
template <class Scheduler, class Call>
auto retry(Scheduler& scheduler, bool& is_ready, Call call) {
  while (true) {
    is_ready = false;
    const auto result = call();
    if (result >= 0 || errno != EAGAIN) return result;
    while (!is_ready) scheduler.park();
  }
}

// Waits for the next client; its socket, or -1 if there is no free descriptor, for instance.
template <class Scheduler>
int accept_client(Scheduler& scheduler, const kit::Setup& setup) {
  const auto accept = [&] {
    return accept4(setup.listener(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  };
  return retry(scheduler, scheduler.self().socket.readable, accept);
}

// Waits for the client's next request. None: the client has closed the connection, or is gone. Parsing is done on the
// thread's stack: it needs several pages, which would stay with each fiber.
template <class Scheduler>
std::optional<kit::Request> receive(Scheduler& scheduler, int socket, kit::RequestReader& reader) {
  static char input[16384];  // for the fiber that reads: it is parsed before another one runs
  auto& fiber = scheduler.self();
  std::optional<kit::Request> request;
  fiber.context.on_thread_stack([&] { request = reader.next(); });
  while (!request) {
    const auto read = [&] { return recv(socket, input, sizeof input, 0); };
    const ssize_t size = retry(scheduler, fiber.socket.readable, read);
    if (size <= 0) return std::nullopt;
    fiber.context.on_thread_stack([&] { request = reader.feed({input, static_cast<std::size_t>(size)}); });
  }
  return request;
}

// Waits until the socket has taken all of the answer. False: this connection is to be closed.
template <class Scheduler>
bool send(Scheduler& scheduler, int socket, const kit::Response& response) {
  std::string_view rest = *response.bytes;
  while (!rest.empty()) {
    const auto send_rest = [&] { return ::send(socket, rest.data(), rest.size(), MSG_NOSIGNAL); };
    const ssize_t size = retry(scheduler, scheduler.self().socket.writable, send_rest);
    if (size < 0) return false;
    rest.remove_prefix(static_cast<std::size_t>(size));
  }
  return !response.close;
}

}  // namespace lab
