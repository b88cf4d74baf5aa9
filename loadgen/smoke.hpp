// The contract's smoke set: what an entry must answer right before it is measured.
#pragma once

#include <cstdint>

#include "loadgen/http.hpp"

namespace comet {

// The number of held requests that /stats reports. Throws std::runtime_error when it does not.
std::int64_t held_by_server(HttpClient& client);

// Two subscribers and one publish; for an entry that keeps everything also resume by cursor, time-out 0 and
// 404. Throws std::runtime_error that says what was expected and what came.
void verify(const Endpoint& endpoint, bool keeps_all);

}  // namespace comet
