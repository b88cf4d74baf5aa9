// Commands and replies as bytes of the Redis protocol (RESP). hiredis' formatter and reader do the work.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

struct redisReader;

namespace comet::bus {

// What Redis sent cannot be used: it is no RESP, or not what was asked for. The connection must be closed.
struct WireError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Reply {
  enum class Kind { status, error, integer, nil, text, array };
  Kind kind = Kind::nil;
  std::string text;  // of a status, an error (with its code first) or a text
  std::int64_t integer = 0;
  std::vector<Reply> items;  // of an array
};

// Throws std::bad_alloc if there is no memory for it.
std::string format_command(const std::vector<std::string_view>& words);

// The replies of one connection.
class ReplyReader {
 public:
  ReplyReader();
  ~ReplyReader();
  ReplyReader(const ReplyReader&) = delete;
  ReplyReader& operator=(const ReplyReader&) = delete;

  void feed(std::string_view bytes);
  // The next whole reply; nullopt: more bytes are needed. Throws WireError.
  std::optional<Reply> next();

 private:
  std::unique_ptr<redisReader, void (*)(redisReader*)> reader_;
};

}  // namespace comet::bus
