// The messages that are published. Each contains its channel and number, so that no two are alike.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace comet::loadgen {

struct MessageNumber {
  std::uint32_t channel = 0;
  std::uint32_t sequence = 0;  // within its channel, from 1
};

// 64 bytes.
std::string message_body(MessageNumber number);

// The channel and number in `body`; nothing unless it is exactly such a message.
std::optional<MessageNumber> message_number(const std::string& body);

}  // namespace comet::loadgen
