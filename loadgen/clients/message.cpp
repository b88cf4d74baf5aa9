// Messages: see message.hpp.
#include "loadgen/clients/message.hpp"

#include <array>
#include <cstdio>

namespace comet::loadgen {
namespace {

constexpr std::size_t kMessageSize = 64;
constexpr char kFormat[] = "comet-loadgen channel %05u message %010u ";

}  // namespace

std::string message_body(MessageNumber number) {
  std::array<char, kMessageSize + 1> text;
  std::snprintf(text.data(), text.size(), kFormat, number.channel, number.sequence);
  std::string body(text.data());
  while (body.size() < kMessageSize) body += static_cast<char>('a' + body.size() % 26);
  return body;
}

std::optional<MessageNumber> message_number(const std::string& body) {
  MessageNumber number;
  if (std::sscanf(body.c_str(), kFormat, &number.channel, &number.sequence) != 2 || number.sequence == 0 ||
      body != message_body(number))
    return std::nullopt;
  return number;
}

}  // namespace comet::loadgen
