// Start-up on plain POSIX sockets.
#include "patterns/common/startup.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/system/system_error.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <new>
#include <system_error>

namespace comet::common {
namespace {

// Descriptors that no connection takes: listener, event queues, standard streams, answers of 503.
constexpr std::size_t kOwnDescriptors = 24;
constexpr std::size_t kDefaultMapCount = 65530;  // include/linux/mm.h, DEFAULT_MAX_MAP_COUNT
constexpr std::size_t kOtherMappings = 2048;     // libraries, heap, threads

std::size_t file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) fail("reading the open-file limit", errno);
  return static_cast<std::size_t>(limit.rlim_cur);
}

const char* advice(int error_number) {
  switch (error_number) {
    case EADDRINUSE:
      return "; another process listens there: choose another --port, or 0 for any free one";
    case EPERM:
      return "; the system forbids it: allow this port, or for io_uring set kernel.io_uring_disabled=0";
    case EACCES:
      return "; ports below 1024 need privileges: choose another --port";
    case EADDRNOTAVAIL:
      return "; this machine has no such address: choose another --address";
    case EMFILE:
      return "; raise the limit of open files (ulimit -n)";
    case EAGAIN:
      return "; raise the limit of processes and threads (ulimit -u)";
    case ENOMEM:
      return "; raise the limit of memory (ulimit -v)";
    default:
      return "";
  }
}

sockaddr_storage resolve(const Options& options, socklen_t& length) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error =
      getaddrinfo(options.address.c_str(), std::to_string(options.port).c_str(), &hints, &found);
  if (error != 0) {
    const bool has_scope = options.address.find('%') != std::string::npos;
    std::fprintf(stderr, "%s: --address %s: %s; %s\n", program_invocation_short_name, options.address.c_str(),
                 gai_strerror(error),
                 has_scope ? "the name after % must be an interface of this machine, such as eth0"
                           : "give a numeric address such as 127.0.0.1");
    _exit(1);
  }
  sockaddr_storage address{};
  std::memcpy(&address, found->ai_addr, found->ai_addrlen);
  length = found->ai_addrlen;
  freeaddrinfo(found);
  return address;
}

sockaddr_storage address_of(int listener) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length) != 0) fail("getsockname", errno);
  return address;
}

// If nobody catches an exception: in set-up, or once the memory reserve is used up.
[[noreturn]] void fail_uncaught() {
  const std::exception_ptr thrown = std::current_exception();
  try {
    if (thrown) std::rethrow_exception(thrown);
    std::fprintf(stderr,
                 "%s: a mistake of the program: std::terminate() without an exception, as when the object "
                 "of a thread ends that still runs\n",
                 program_invocation_short_name);
  } catch (const std::bad_alloc&) {
    fail("running the server", ENOMEM);
  } catch (const std::system_error& error) {
    fail("running the server", error.code().value());
  } catch (const boost::system::system_error& error) {
    fail("running the server", error.code().value());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: a mistake of the program: %s\n", program_invocation_short_name, error.what());
  } catch (...) {  // the core shows where
  }
  std::abort();
}

}  // namespace

// Not by exit(): on a fiber's thread that would wait for its other fibers.
void fail(const char* what, int error_number) {
  std::fprintf(stderr, "%s: %s: %s%s\n", program_invocation_short_name, what, std::strerror(error_number),
               advice(error_number));
  _exit(1);
}

void prepare_process() {
  std::set_terminate(fail_uncaught);
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) fail("reading the open-file limit", errno);
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) fail("raising the open-file limit", errno);
  if (std::signal(SIGPIPE, SIG_IGN) == SIG_ERR) fail("ignoring SIGPIPE", errno);
}

std::size_t connection_limit(std::size_t own) {
  own += kOwnDescriptors;
  return std::max(file_limit(), 2 * own) - own;
}

std::size_t held_limit(const Options& options, std::size_t own) {
  const std::size_t connections = connection_limit(own);
  const std::size_t most = connections - std::min(kPublishers, connections / 2);
  return options.max_held == 0 ? most : std::min(most, options.max_held);
}

std::size_t most_stacks() {
  std::size_t map_count = 0;
  if (!(std::ifstream("/proc/sys/vm/max_map_count") >> map_count)) map_count = kDefaultMapCount;
  return (std::max(map_count, 2 * kOtherMappings) - kOtherMappings) / 2;
}

Milliseconds drain_timeout(const Options& options) {
  return options.publish_work_threads > 0 ? kDrainTimeout : kDrainTimeout - options.publish_work;
}

int open_listener(const Options& options, bool reuse_port) {
  const std::string where = "listening on " + options.address + " port " + std::to_string(options.port);
  socklen_t length = 0;
  const sockaddr_storage address = resolve(options, length);
  const int listener = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener < 0) fail(where.c_str(), errno);
  const int on = 1;
  if (setsockopt(listener, SOL_SOCKET, SO_SNDBUF, &kSendBuffer, sizeof kSendBuffer) != 0 ||
      setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      (reuse_port && setsockopt(listener, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) ||
      bind(listener, reinterpret_cast<const sockaddr*>(&address), length) != 0 ||
      listen(listener, kBacklog) != 0) {
    fail(where.c_str(), errno);
  }
  return listener;
}

int port_of(int listener) {
  const sockaddr_storage address = address_of(listener);
  return ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                                             : reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

void expect_room_for_a_connection() {
  std::array<int, 2> descriptors{};
  for (int& descriptor : descriptors) {
    descriptor = eventfd(0, EFD_CLOEXEC);
    if (descriptor < 0) fail("keeping a descriptor for a connection", errno);
  }
  for (const int descriptor : descriptors) close(descriptor);
}

void announce_ready(int listener, const Options& options) {
  expect_room_for_a_connection();
  if (options.publish_token.empty() && !options.on_loopback) {
    std::fprintf(stderr,
                 "%s: everybody who can reach %s may publish; --publish-token-file asks for a token\n",
                 program_invocation_short_name, options.address.c_str());
  }
  std::printf("READY port=%d pid=%d\n", port_of(listener), getpid());
  if (std::fflush(stdout) != 0) fail("writing the READY line", errno);
}

bool set_no_delay(int socket) {
  const int on = 1;
  return setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0;
}

}  // namespace comet::common
