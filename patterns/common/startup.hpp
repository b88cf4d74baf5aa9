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

// Bytes that the kernel takes for one client before it has read them (socket(7): it doubles the number, for what it
// keeps beside them). Connections have it from their listener. Left to itself the kernel takes up to 4 MiB of each
// client that does not read, and a few hundred of those are all the memory that TCP gets.
constexpr int kSendBuffer = 64 * 1024;

// Prints "comet-x: what: why" on standard error and exits 1. Takes no memory: there may be none.
[[noreturn]] void fail(const char* what, int error_number);

// Raises the soft limit of open files to the hard one, and ignores SIGPIPE: a closed peer is an error of its
// write. An exception that nobody catches ends the process as fail() does.
void prepare_process();

// Most connections to keep: those beyond are answered 503, with the few descriptors that are left for it.
// `own`: descriptors of the server beyond those that every server has.
std::size_t connection_limit(std::size_t own = 0);

// Of the most connections, and of the most stacks, those that no held request takes: they are for publishers.
constexpr std::size_t kPublishers = 40;

// Most requests to hold: --max-held, and never so many that no descriptor is left for publishers.
std::size_t held_limit(const Options& options, std::size_t own = 0);

// Most stacks that vm.max_map_count leaves room for: each has a guard page, and with it two mappings.
std::size_t most_stacks();

// After an answer that ends the connection the server reads on for this long, or until the client closes:
// closing with unread input would send a reset, which can destroy the answer on its way (RFC 9112
// section 9.6).
constexpr Milliseconds kLingerTimeout{1000};

// The last worker or thread that could take another connection gives one that sends no request only this
// long, and so long after its answer for the client to close.
constexpr Milliseconds kCrowdedWait{1000};
constexpr Milliseconds kCrowdedLinger{50};
// Between two tries to accept while the system has no descriptors or memory for a connection.
constexpr Milliseconds kAcceptPause{100};

// The drain after SIGTERM: what has not finished by then is cut, within the contract's 5 s.
constexpr Milliseconds kDrainTimeout{4000};
// The same where the drain may have begun late: a thread that does a publish's work itself is kept from it for as
// long as that takes.
Milliseconds drain_timeout(const Options& options);

// A listening socket, close-on-exec; exits with one line where the address is in use or not allowed.
int open_listener(const Options& options, bool reuse_port = false);

// Port that the listening socket got.
int port_of(int listener);

// Exits with one line where no descriptors are left for a connection, and in prefork for its worker's two epolls.
void expect_room_for_a_connection();

// Prints the READY line, once connections are accepted; and a warning on standard error where other machines
// may connect and everybody may publish.
void announce_ready(int listener, const Options& options);

// TCP_NODELAY: an answer is one write and must not wait for an acknowledgement. False where the peer has gone
// already.
bool set_no_delay(int socket);

}  // namespace comet::common
