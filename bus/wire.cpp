// See wire.hpp. hiredis' replies are copied into our own, which know their memory.
#include "bus/wire.hpp"

#include <hiredis/hiredis.h>

#include <new>

namespace comet::bus {
namespace {

Reply copy_of(const redisReply& reply) {
  Reply copy;
  switch (reply.type) {
    case REDIS_REPLY_STATUS:
      copy.kind = Reply::Kind::status;
      copy.text.assign(reply.str, reply.len);
      break;
    case REDIS_REPLY_ERROR:
      copy.kind = Reply::Kind::error;
      copy.text.assign(reply.str, reply.len);
      break;
    case REDIS_REPLY_STRING:
      copy.kind = Reply::Kind::text;
      copy.text.assign(reply.str, reply.len);
      break;
    case REDIS_REPLY_INTEGER:
      copy.kind = Reply::Kind::integer;
      copy.integer = reply.integer;
      break;
    case REDIS_REPLY_ARRAY:
      copy.kind = Reply::Kind::array;
      copy.items.reserve(reply.elements);
      for (std::size_t i = 0; i < reply.elements; ++i) copy.items.push_back(copy_of(*reply.element[i]));
      break;
    default:
      break;  // nil
  }
  return copy;
}

}  // namespace

std::string format_command(const std::vector<std::string_view>& words) {
  std::vector<const char*> starts;
  std::vector<std::size_t> sizes;
  for (const std::string_view word : words) {
    starts.push_back(word.data());
    sizes.push_back(word.size());
  }
  char* bytes = nullptr;
  // An int; from hiredis 1.0 on a long long.
  const auto size =
      redisFormatCommandArgv(&bytes, static_cast<int>(words.size()), starts.data(), sizes.data());
  if (size < 0) throw std::bad_alloc();
  const std::unique_ptr<char, void (*)(char*)> owned(bytes, redisFreeCommand);
  return {bytes, static_cast<std::size_t>(size)};
}

ReplyReader::ReplyReader() : reader_(redisReaderCreate(), redisReaderFree) {
  if (!reader_) throw std::bad_alloc();
}

ReplyReader::~ReplyReader() = default;

void ReplyReader::feed(std::string_view bytes) {
  if (redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) != REDIS_OK)
    throw WireError(reader_->errstr);
}

std::optional<Reply> ReplyReader::next() {
  void* made = nullptr;
  if (redisReaderGetReply(reader_.get(), &made) != REDIS_OK) throw WireError(reader_->errstr);
  if (!made) return std::nullopt;
  const std::unique_ptr<void, void (*)(void*)> owned(made, freeReplyObject);
  return copy_of(*static_cast<redisReply*>(made));
}

}  // namespace comet::bus
