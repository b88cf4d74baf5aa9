// Model: prefork. Writing a record over the oldest ones, and reading that notices it.
// Owner of a connection: not this file.
// Runs on: all processes.
// Wakes a held request: nothing here.
#include "patterns/prefork/log/message_ring.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

namespace comet::prefork {

MessageRing::MessageRing(std::size_t size)
    : size_(size), marks_(map_shared_array<Marks>(1)), bytes_(map_shared_array<char>(size)) {}

// A record lies in one piece: if it does not fit before the ring's end, it begins at the ring's start. The
// mark is never lowered. A publisher that was killed here has left it high, rightly so if its record was
// longer than the one that is now written to the same place: the bytes behind are spoilt.
std::uint64_t MessageRing::write(const Record& record, std::string_view response) {
  const std::size_t size = (sizeof record + response.size() + 7) / 8 * 8;  // so that each record is aligned
  std::uint64_t place = marks_->head;
  const std::size_t before_end = size_ - place % size_;
  if (before_end < size) place += before_end;
  const std::uint64_t end = place + size;
  if (end > size_) marks_->overwritten = std::max<std::uint64_t>(marks_->overwritten, end - size_);
  std::atomic_thread_fence(std::memory_order_release);  // the mark first, then the bytes
  char* bytes = bytes_ + place % size_;
  std::memcpy(bytes, &record, sizeof record);
  std::memcpy(bytes + sizeof record, response.data(), response.size());
  marks_->head = end;
  return place;
}

// Asked after the bytes have been read.
bool MessageRing::is_there(std::uint64_t place) const {
  std::atomic_thread_fence(std::memory_order_acquire);  // the bytes first, then the mark
  return marks_->overwritten <= place;
}

std::optional<Record> MessageRing::read(std::uint64_t place) const {
  Record record;
  std::memcpy(&record, bytes_ + place % size_, sizeof record);
  if (!is_there(place)) return std::nullopt;
  return record;
}

std::optional<Message> MessageRing::read_message(std::uint64_t place) const {
  const auto record = read(place);
  if (!record) return std::nullopt;
  const char* response = bytes_ + place % size_ + sizeof *record;
  Message message{record->cursor, std::make_shared<const std::string>(response, record->size),
                  record->head_size};
  if (!is_there(place)) return std::nullopt;
  return message;
}

}  // namespace comet::prefork
