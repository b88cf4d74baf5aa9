// What the benchmarks send: a message, and the load generator's poll for it.
#pragma once

#include <string_view>

namespace comet::microbench {

constexpr std::string_view kMessage = "a message of a usual length, which is to say 64 bytes of payload";
static_assert(kMessage.size() == 64);

constexpr std::string_view kPoll = "GET /subscribe?channel=bench HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n";

}  // namespace comet::microbench
