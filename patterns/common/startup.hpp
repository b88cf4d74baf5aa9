// What all five servers do before and around their concurrency: file limits, the listening socket, the READY
// line, and the one line on standard error that says why a server cannot start.
#pragma once

#include <cstddef>
#include <string>

#include "core/options.hpp"

namespace comet::common {
using namespace core;

// Connections that may wait to be accepted; the kernel cuts it to net.core.somaxconn.
constexpr int kBacklog = 4096;

// Bytes that the kernel buffers for one client that has not read them yet (it doubles the number, for its
// own bookkeeping: socket(7)). Connections inherit it from their listener. Left to itself the kernel
// buffers up to 4 MiB for each client that does not read, and a few hundred of those use up all the memory
// that TCP gets.
constexpr int kSendBuffer = 64 * 1024;

// Prints "comet-x: what: why" on standard error and exits 1. Takes no memory: there may be none.
[[noreturn]] void fail(const char* what, int error_number);

// Raises the soft limit of open files to the hard one. Ignores SIGPIPE: a write to a closed peer fails
// instead. An exception that nobody catches ends the process as fail() does.
void prepare_process();

// Most connections to keep. Further ones are answered 503, with the few descriptors that are left for that.
// `own`: descriptors of this server beyond those that every server has.
std::size_t connection_limit(std::size_t own = 0);

// Connections and stacks kept back from held requests, for publishers.
constexpr std::size_t kPublishers = 40;

// Most requests to hold: --max-held, and fewer if publishers would otherwise find no descriptor.
std::size_t held_limit(const Options& options, std::size_t own = 0);

// Most stacks that vm.max_map_count has room for. Each stack has a guard page and so takes two mappings.
std::size_t most_stacks();

// After an answer that ends the connection the server reads on for this long, or until the client
// closes: closing with unread input would send a reset, which can destroy the answer on its way (RFC
// 9112 section 9.6).
constexpr Milliseconds kLingerTimeout{1000};

// If no other worker or thread could take one more connection, the last one waits only this long for a
// request, and only this long after its answer for the client to close.
constexpr Milliseconds kCrowdedWait{1000};
constexpr Milliseconds kCrowdedLinger{50};
// Between two tries to accept while the system has no descriptors or memory for a connection.
constexpr Milliseconds kAcceptPause{100};

// The drain after a stop signal: what has not finished by then is cut, within the contract's 5 s.
constexpr Milliseconds kDrainTimeout{4000};
// The same, less what a drain may have begun late: a thread that does a publish's work itself cannot begin it
// before that work is done.
Milliseconds drain_timeout(const Options& options);

// A listening socket, close-on-exec; exits with one line if the address is in use or not allowed.
int open_listener(const Options& options, bool reuse_port = false);

// Port that the listening socket got.
int port_of(int listener);

// Exits with one line if no descriptors are left for a connection, and in prefork for its worker's epoll.
void expect_room_for_a_connection();

// Prints the READY line, once connections are accepted; and a warning on standard error if other machines may
// connect and everybody may publish.
void announce_ready(int listener, const Options& options);

// TCP_NODELAY: an answer is one write and must not wait for an acknowledgement. False if the peer has
// gone already.
bool set_no_delay(int socket);

}  // namespace comet::common
