// Sockets and requests of subscribers.
#pragma once

#include <cstdint>
#include <string>

#include "loadgen/clients/http.hpp"

namespace comet::loadgen {

// "connect_ECONNREFUSED": the call and the name of its error.
std::string errno_kind(const char* call, int error);

// Subscribers of one source address. An address has 28,232 ports by default, but connect() tries the odd or
// the even ones first: from the 14,117th connection on it searches through all of those each time. That takes
// 0.7 ms instead of 20 us, and would be measured instead of the server.
constexpr std::uint32_t kConnectionsPerAddress = 10'000;

// A socket that is connecting, or -1; `problem` says what failed. `subscriber` decides the source
// address of a connection to 127.0.0.0/8: 127.0.0.1, then 127.0.1.1, 127.0.1.2, ... For other servers
// the kernel chooses it.
int start_connecting(const Endpoint& endpoint, std::uint32_t subscriber, std::string& problem);

// Closes with RST, so that no port stays in TIME_WAIT.
void reset_and_close(int socket);

// "bench", or "bench-7" if there are several channels.
std::string channel_name(std::size_t channel, std::size_t channels);

std::string cursor_request(const Endpoint& endpoint, const std::string& channel, const std::string& cursor);

}  // namespace comet::loadgen
