// Sockets and requests of subscribers.
#pragma once

#include <cstdint>
#include <string>

#include "loadgen/http.hpp"

namespace comet {

// "connect_ECONNREFUSED": the call and the name of its error.
std::string errno_kind(const char* call, int error);

// A socket that is connecting, or -1; `problem` says what failed. `subscriber` chooses the source address:
// one has about 28,000 ports to one server, so each further 25,000 subscribers come from another of
// 127.0.0.0/8.
int start_connecting(const Endpoint& endpoint, std::uint32_t subscriber, std::string& problem);

// With RST: no port stays behind in TIME_WAIT.
void reset_and_close(int socket);

// "bench", or "bench-7" where there are several.
std::string channel_name(std::size_t channel, std::size_t channels);

std::string cursor_request(const Endpoint& endpoint, const std::string& channel, const std::string& cursor);

}  // namespace comet
