// Model: one thread per connection. Blocking calls on a socket, each with an end to its time.
// Owner of a connection: the calling thread.
// Runs on: the calling thread.
// Wakes a held request: nothing here.
#pragma once

#include <string_view>

#include "core/deadlines.hpp"
#include "core/options.hpp"

namespace comet::threaded {
using namespace core;

// From now on recv() fails with EAGAIN when it has blocked for `idle`; answers leave without delay. False where the peer has gone already.
bool prepare_socket(int socket, Milliseconds idle);

// Blocks until there is something to read, the end of input included; false where `until` was first.
bool wait_for_input(int socket, Clock::time_point until);

// Blocks while the socket's buffer is full, each time for `idle` at most; false where the client has gone or does
// not read.
bool send_all(int socket, std::string_view bytes, Milliseconds idle);

// Discards what comes until the client closes or `until` has come.
void discard_input(int socket, Clock::time_point until);

}  // namespace comet::threaded
