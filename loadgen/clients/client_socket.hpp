// Sockets and requests of subscribers.
#pragma once

#include <cstdint>
#include <string>

#include "loadgen/clients/http.hpp"

namespace comet::loadgen {

// "connect_ECONNREFUSED": the call and the name of its error.
std::string errno_kind(const char* call, int error);

// So many subscribers come from one source address. An address has 28,232 ports by default, but connect()
// tries those of one parity first: from the 14,117th connection on it looks through all of them each time,
// which costs 0.7 ms where 20 us are usual, and would be measured in place of the server.
constexpr std::uint32_t kConnectionsPerAddress = 10'000;

// A socket that is connecting, or -1; `problem` says what failed. `subscriber` chooses the source address of a
// connection to 127.0.0.0/8: 127.0.0.1, then 127.0.1.1, 127.0.1.2, ... Elsewhere the kernel chooses.
int start_connecting(const Endpoint& endpoint, std::uint32_t subscriber, std::string& problem);

// With RST: no port stays behind in TIME_WAIT.
void reset_and_close(int socket);

// "bench", or "bench-7" where there are several.
std::string channel_name(std::size_t channel, std::size_t channels);

std::string cursor_request(const Endpoint& endpoint, const std::string& channel, const std::string& cursor);

}  // namespace comet::loadgen
