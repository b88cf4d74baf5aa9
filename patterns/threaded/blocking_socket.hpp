// Model: one thread per connection. Calls on a socket that block, each until a moment at the latest.
// Owner of a connection: the calling thread.
// Runs on: the calling thread.
// Wakes a held request: nothing here.
#pragma once

#include <string_view>

#include "core/deadlines.hpp"
#include "core/options.hpp"

namespace comet::threaded {
using namespace core;

// How long each recv() that blocks may take. False if the client has gone.
bool set_receive_time(int socket, Milliseconds time);

// Blocks until there is something to read, the end of input included; false if `until` came first.
bool wait_for_input(int socket, Clock::time_point until);

// Blocks while the socket's buffer is full, each time for `patience` at most; false if the client has gone or
// does not read.
bool send_all(int socket, std::string_view bytes, Milliseconds patience);

// Throws away what the client sends, until it closes or `until` has come.
void discard_input(int socket, Clock::time_point until);

}  // namespace comet::threaded
