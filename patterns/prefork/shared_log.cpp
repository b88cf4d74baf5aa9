// Model: prefork. Publishing in an order that a kill cannot spoil, and reading that notices overwriting.
// Owner of a connection: not this file; the log is the publisher's that has the lock.
// Runs on: all processes.
// Wakes a held request: nothing here; the bell rings after publish().
#include "patterns/prefork/shared_log.hpp"

#include <pthread.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <new>
#include <string>

namespace comet::prefork {
namespace {

// More places per channel than messages retained: a reader may fall behind by nearly this many publishes in
// the middle of a search before a place that it reads is overwritten.
constexpr std::size_t kSparePlaces = 16;

constexpr auto relaxed = std::memory_order_relaxed;
constexpr auto acquire = std::memory_order_acquire;
constexpr auto release = std::memory_order_release;

}  // namespace

void SharedCursor::store(Cursor cursor) {
  const std::uint64_t next = version_.load(relaxed) + 1;
  std::atomic_thread_fence(release);
  copies_[next % 2].milliseconds.store(cursor.milliseconds, relaxed);
  copies_[next % 2].sequence.store(cursor.sequence, relaxed);
  version_.store(next, release);
}

Cursor SharedCursor::load() const {
  while (true) {
    const std::uint64_t version = version_.load(acquire);
    const Copy& copy = copies_[version % 2];
    const Cursor cursor{copy.milliseconds.load(relaxed), copy.sequence.load(relaxed)};
    std::atomic_thread_fence(acquire);
    if (version_.load(relaxed) == version) return cursor;
  }
}

SharedLog::Channel::Channel(std::string_view channel_name)
    : hash(std::hash<std::string_view>{}(channel_name)) {
  std::memcpy(name.data(), channel_name.data(), std::min(channel_name.size(), sizeof name));
  if (hash == 0) hash = 1;
}

SharedLog::SharedLog(const Limits& limits, Cursor begin)
    : limits_(limits),
      places_per_channel_(limits.history + kSparePlaces),
      header_(map_shared_array<Header>(1)),
      hashes_(map_shared_array<SharedNumber>(limits.channels)),
      entries_(map_shared_array<Entry>(limits.channels)),
      places_(map_shared_array<Place>(limits.channels * places_per_channel_)),
      ring_(map_shared_array<char>(limits.bytes)) {
  header_->forgotten.store(begin);
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);  // on Linux these four fail only for bad arguments
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&header_->lock, &attributes);
  pthread_mutexattr_destroy(&attributes);
}

// A publisher that died with the lock left a log that is good as it stands: nothing is to be repaired.
void SharedLog::lock() {
  int error = pthread_mutex_lock(&header_->lock);
  if (error == EOWNERDEAD) error = pthread_mutex_consistent(&header_->lock);
  if (error != 0) fail("locking the log", error);
}

void SharedLog::unlock() { pthread_mutex_unlock(&header_->lock); }

std::optional<SharedLog::Published> SharedLog::publish(Channel& channel, std::string_view body) {
  lock();
  try {
    const Published published = append(channel, body);
    unlock();
    return published;
  } catch (const std::bad_alloc&) {
    unlock();
    return std::nullopt;
  }
}

// Called with the lock held.
SharedLog::Published SharedLog::append(Channel& channel, std::string_view body) {
  if (!locate(channel)) make_entry(channel);
  Entry& entry = entries_[channel.place];
  const std::uint64_t count = entry.count.load(relaxed);
  Published published;
  published.cursor = next_cursor(view(channel).last(), unix_milliseconds());
  published.number = header_->published.load(relaxed);
  published.after_previous = entry.after_previous.load(relaxed);
  std::size_t head_size = 0;
  const std::string response = encode_message(published.cursor, body, limits_.idle_seconds, head_size);
  const std::uint64_t record = write_record(response, head_size);
  Place& place = place_of(channel.place, count);
  place.record.store(record, release);  // behind its bytes
  place.milliseconds.store(published.cursor.milliseconds, relaxed);
  place.sequence.store(published.cursor.sequence, relaxed);
  entry.after_previous.store(published.number + 1, relaxed);
  entry.count.store(count + 1, release);
  header_->published.store(published.number + 1, release);
  return published;
}

// A record lies in one piece, so that it is copied in one piece: what does not fit before the ring's end
// begins at its start. The overwritten mark is raised before the first byte is written, and never lowered: a
// publisher that was killed here left it raised by a longer record in the same place.
std::uint64_t SharedLog::write_record(std::string_view response, std::size_t head_size) {
  const std::size_t size = (sizeof(Record) + response.size() + 7) / 8 * 8;
  std::uint64_t record = header_->head.load(relaxed);
  const std::uint64_t before_end = limits_.bytes - record % limits_.bytes;
  if (before_end < size) record += before_end;
  const std::uint64_t mark = record + size - std::min(limits_.bytes, record + size);
  header_->overwritten.store(std::max(header_->overwritten.load(relaxed), mark), relaxed);
  std::atomic_thread_fence(release);
  char* bytes = ring_ + record % limits_.bytes;
  const Record head{head_size, response.size()};
  std::memcpy(bytes, &head, sizeof head);
  std::memcpy(bytes + sizeof head, response.data(), response.size());
  header_->head.store(record + size, relaxed);
  return record;
}

bool SharedLog::is_at(const Channel& channel, std::size_t place, std::uint64_t& generation) const {
  const Entry& entry = entries_[place];
  generation = entry.generation.load(acquire);
  if (!in_use(generation)) return false;
  for (std::size_t word = 0; word < channel.name.size(); ++word) {
    if (entry.name[word].load(relaxed) != channel.name[word]) return false;
  }
  std::atomic_thread_fence(acquire);
  return entry.generation.load(relaxed) == generation;
}

bool SharedLog::locate(Channel& channel) const {
  if (channel.generation != 0 && entries_[channel.place].generation.load(acquire) == channel.generation)
    return true;
  const std::size_t used = header_->used.load(acquire);
  for (std::size_t place = 0; place < used; ++place) {
    if (hashes_[place].load(relaxed) != channel.hash) continue;
    if (!is_at(channel, place, channel.generation)) continue;
    channel.place = place;
    return true;
  }
  channel.generation = 0;
  return false;
}

void SharedLog::make_entry(Channel& channel) {
  const std::size_t used = header_->used.load(relaxed);
  const std::size_t place = used < limits_.channels ? used : entry_to_take();
  Entry& entry = entries_[place];
  if (in_use(entry.generation.load(relaxed))) forget(place);
  std::atomic_thread_fence(release);
  const Cursor begin = header_->forgotten.load();
  for (std::size_t word = 0; word < channel.name.size(); ++word)
    entry.name[word].store(channel.name[word], relaxed);
  entry.begin_milliseconds.store(begin.milliseconds, relaxed);
  entry.begin_sequence.store(begin.sequence, relaxed);
  entry.count.store(0, relaxed);
  entry.after_previous.store(0, relaxed);
  hashes_[place].store(channel.hash, relaxed);
  channel.place = place;
  channel.generation = entry.generation.load(relaxed) + 1;
  entry.generation.store(channel.generation, release);
  if (place == used) header_->used.store(used + 1, release);
}

// The one whose last publish is oldest; one that a killed publisher left half made comes first.
std::size_t SharedLog::entry_to_take() const {
  std::size_t taken = 0;
  for (std::size_t place = 0; place < limits_.channels; ++place) {
    if (!in_use(entries_[place].generation.load(relaxed))) return place;
    if (entries_[place].after_previous.load(relaxed) < entries_[taken].after_previous.load(relaxed))
      taken = place;
  }
  return taken;
}

void SharedLog::forget(std::size_t place) {
  Channel channel("");
  channel.place = place;
  channel.generation = entries_[place].generation.load(relaxed);
  header_->forgotten.store(std::max(header_->forgotten.load(), view(channel).last()));
  entries_[place].generation.store(channel.generation + 1, release);
}

// A place is overwritten only history + kSparePlaces messages later, so the record that a place names is
// known to be gone by the overwritten mark even when the ring has come round.
SharedLog::View SharedLog::view(const Channel& channel) const {
  const Entry& entry = entries_[channel.place];
  const std::uint64_t count = entry.count.load(acquire);
  std::uint64_t first = count > limits_.history ? count - limits_.history : 0;
  const std::uint64_t overwritten = header_->overwritten.load(relaxed);
  const auto is_there = [&](std::uint64_t message) {
    return place_of(channel.place, message).record.load(acquire) >= overwritten;
  };
  if (first < count && !is_there(first)) {
    for (std::uint64_t end = count; first < end;) {
      const std::uint64_t middle = first + (end - first) / 2;
      if (is_there(middle)) {
        end = middle;
      } else {
        first = middle + 1;
      }
    }
  }
  return {*this, entry, channel.place, channel.generation, count, first};
}

Cursor SharedLog::View::begin() const {
  if (first > 0) return cursor_of(first - 1);
  return {entry.begin_milliseconds.load(relaxed), entry.begin_sequence.load(relaxed)};
}

Cursor SharedLog::View::last() const { return count > 0 ? cursor_of(count - 1) : begin(); }

// Nothing that a search through this view may have read has been written to since.
bool SharedLog::View::holds_good() const {
  std::atomic_thread_fence(acquire);
  return entry.generation.load(relaxed) == generation && entry.count.load(relaxed) + 1 < count + kSparePlaces;
}

SharedLog::Found SharedLog::first_after(Channel& channel, std::optional<Cursor> since) const {
  while (true) {
    if (auto found = try_first_after(channel, since)) return std::move(*found);
  }
}

// nullopt: overwritten while it was read, so look again.
std::optional<SharedLog::Found> SharedLog::try_first_after(Channel& channel,
                                                           std::optional<Cursor> since) const {
  if (!locate(channel)) {
    const Cursor last = header_->forgotten.load();
    return Found{{}, resume_point(since.value_or(last), last, last).missed, last};
  }
  const View seen = view(channel);
  Found found{{}, false, seen.last()};
  const ResumePoint from = resume_point(since.value_or(found.last), seen.begin(), found.last);
  found.missed = from.missed;
  std::uint64_t message = seen.first;
  for (std::uint64_t end = seen.count; message < end;) {  // the first whose cursor is after `from`
    const std::uint64_t middle = message + (end - message) / 2;
    if (from.after < seen.cursor_of(middle)) {
      end = middle;
    } else {
      message = middle + 1;
    }
  }
  if (message < seen.count) {
    const Place& place = place_of(seen.place, message);
    found.message = copy(place.record.load(acquire), place.cursor());
    if (!found.message) return std::nullopt;
  }
  if (!seen.holds_good()) return std::nullopt;
  return found;
}

// The bytes are read while a publisher may write them; then they are thrown away, for the mark tells so.
std::optional<Message> SharedLog::copy(std::uint64_t record, Cursor cursor) const {
  const auto is_there = [this, record] {
    std::atomic_thread_fence(acquire);
    return header_->overwritten.load(relaxed) <= record;
  };
  const char* bytes = ring_ + record % limits_.bytes;
  Record head;
  std::memcpy(&head, bytes, sizeof head);
  if (!is_there()) return std::nullopt;
  Message message{.cursor = cursor, .response = nullptr, .head_size = head.head_size};
  message.response = std::make_shared<const std::string>(bytes + sizeof head, head.size);
  if (!is_there()) return std::nullopt;
  return message;
}

}  // namespace comet::prefork
