// Each thread of the server that comes to a point connects, sends the point's name, and waits for the
// connection's end.
#include "labs/tests/pauses.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <string_view>
#include <system_error>
#include <utility>

#include "tests/conformance/client.hpp"
#include "tests/conformance/transcript.hpp"

namespace comet::test {
namespace {

constexpr const char* kVariable = "LAB_PAUSE_SOCKET";
constexpr std::string_view kTest = "the test itself";
constexpr std::string_view kMain = "main ";  // before the point's name, from a process's first thread

int check(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

// The address of this process's socket. It begins with a zero byte: no file is made.
sockaddr_un address_of(const std::string& name, socklen_t& length) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path + 1, sizeof address.sun_path - 1);
  length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  return address;
}

std::string socket_name() { return "comet-lab-" + std::to_string(getpid()); }

}  // namespace

Pauses::Pauses()
    : listener_(check(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), "socket of the pause points")),
      end_(check(eventfd(0, EFD_CLOEXEC), "eventfd")) {
  socklen_t length = 0;
  const sockaddr_un address = address_of(socket_name(), length);
  check(bind(listener_, reinterpret_cast<const sockaddr*>(&address), length), "bind the pause points");
  check(listen(listener_, SOMAXCONN), "listen for the pause points");
  check(setenv(kVariable, socket_name().c_str(), 1), "setenv");
  answering_ = std::thread([this] { answer_all(); });
}

Pauses::~Pauses() {
  check(eventfd_write(end_, 1), "end the pause points");
  answering_.join();
  while (!stopped_.empty()) go_on();
  unsetenv(kVariable);
  close(end_);
  close(listener_);
}

void Pauses::stop_at(const std::string& point, int count, Whose whose) {
  const std::lock_guard lock(mutex_);
  point_ = point;
  whose_ = whose;
  count_ = count;
  has_stopped_ = false;
  is_told_ = false;
}

bool Pauses::has_stopped() {
  const std::lock_guard lock(mutex_);
  tell_where_it_stands();
  return has_stopped_;
}

pid_t Pauses::who() {
  const std::lock_guard lock(mutex_);
  ucred peer{};
  socklen_t size = sizeof peer;
  check(getsockopt(stopped_.back(), SOL_SOCKET, SO_PEERCRED, &peer, &size), "process at the pause point");
  return peer.pid;
}

// Connections are taken in the order in which they come: when the test's own is closed, all before it are
// answered.
bool Pauses::has_anybody_come() {
  socklen_t length = 0;
  const sockaddr_un address = address_of(socket_name(), length);
  const int own = check(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), "socket of the test");
  check(connect(own, reinterpret_cast<const sockaddr*>(&address), length), "connect to the pause points");
  char nothing;
  const bool is_answered =
      send(own, kTest.data(), kTest.size(), MSG_NOSIGNAL) > 0 && recv(own, &nothing, 1, 0) == 0;
  close(own);
  if (!is_answered) throw ClientError("the pause points do not answer");
  const std::lock_guard lock(mutex_);
  return std::exchange(has_anybody_come_, false);
}

void Pauses::wait_until_stopped() {
  std::unique_lock lock(mutex_);
  if (!has_come_.wait_for(lock, patience(), [&] { return has_stopped_; }))
    throw ClientError("no thread of the server has come to '" + point_ + "'");
  tell_where_it_stands();
}

// When the test asks, not when the thread comes: so the order of what happened is the same every time.
void Pauses::tell_where_it_stands() {
  if (!has_stopped_ || is_told_) return;
  transcript().happened("a thread of the server is stopped at '" + point_ + "'");
  is_told_ = true;
}

void Pauses::go_on() {
  const std::lock_guard lock(mutex_);
  if (stopped_.empty()) {
    count_ = 0;
    return;
  }
  transcript().happened("that thread may go on");
  close(stopped_.front());
  stopped_.pop_front();
  if (stopped_.empty()) has_stopped_ = false;
}

void Pauses::answer_all() {
  pollfd events[] = {{listener_, POLLIN, 0}, {end_, POLLIN, 0}};
  while (poll(events, 2, -1) >= 0 || errno == EINTR) {
    if (events[1].revents != 0) return;
    const int thread = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (thread >= 0) answer(thread);
  }
}

void Pauses::answer(int thread) {
  char name[64];
  const ssize_t size = recv(thread, name, sizeof name, 0);
  std::string_view point(name, size > 0 ? static_cast<std::size_t>(size) : 0);
  const bool is_main = point.starts_with(kMain);
  if (is_main) point.remove_prefix(kMain.size());
  const std::lock_guard lock(mutex_);
  if (point != kTest) has_anybody_come_ = true;
  const bool is_meant =
      point == point_ && (whose_ == Whose::kAny || is_main == (whose_ == Whose::kMainThread));
  const bool stops = is_meant && count_ > 0 && --count_ == 0;
  if (!stops) {
    close(thread);
    return;
  }
  stopped_.push_back(thread);
  has_stopped_ = true;
  has_come_.notify_all();
}

}  // namespace comet::test
