// The messages that are published: each says which one it is, so that each is told from every other.
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

// What `body` says it is; nothing unless it is byte for byte such a message.
std::optional<MessageNumber> message_number(const std::string& body);

}  // namespace comet::loadgen
