// Model: prefork. Finding a channel, giving it an entry, and the two copies of its newest message.
// Owner of a connection: not this file.
// Runs on: all processes.
// Wakes a held request: nothing here.
#include "patterns/prefork/log/channel_table.hpp"

#include <algorithm>
#include <cstring>
#include <functional>

namespace comet::prefork {

Channel::Channel(std::string_view channel_name)
    : hash(std::max<std::uint64_t>(std::hash<std::string_view>{}(channel_name), 1)) {
  std::memcpy(name.data(), channel_name.data(), std::min(channel_name.size(), sizeof name));
}

ChannelTable::ChannelTable(std::size_t entries, Cursor begin)
    : entry_count_(entries),
      ends_(map_shared_array<Ends>(1)),
      hashes_(map_shared_array<SharedNumber>(entries)),
      entries_(map_shared_array<Entry>(entries)) {
  ends_->forgotten[0].milliseconds = begin.milliseconds;
  ends_->forgotten[0].sequence = begin.sequence;
}

ChannelTable::State ChannelTable::read(Channel& channel) const {
  while (find(channel)) {
    const Entry& entry = entries_[channel.entry];
    const std::uint64_t count = entry.count;
    const Newest newest = load(entry.newest[count % 2]);
    if (entry.count == count && entry.generation == channel.generation) return {count, newest};
  }
  return {0, {.cursor = beginning()}};
}

// Of channels that are not in the table: behind everything forgotten, so that an old cursor of a forgotten
// channel counts as a gap.
Cursor ChannelTable::beginning() const {
  while (true) {
    const std::uint64_t forgets = ends_->forgets;
    const SharedCursor& newest = ends_->forgotten[forgets % 2];
    const Cursor cursor{newest.milliseconds, newest.sequence};
    if (ends_->forgets == forgets) return cursor;
  }
}

// Where it was last time, or by a search.
bool ChannelTable::find(Channel& channel) const {
  if (channel.generation != 0 && entries_[channel.entry].generation == channel.generation) return true;
  const std::size_t used = ends_->used;
  for (std::size_t entry = 0; entry < used; ++entry) {
    if (hashes_[entry] != channel.hash || !is_at(channel, entry, channel.generation)) continue;
    channel.entry = entry;
    return true;
  }
  channel.generation = 0;
  return false;
}

// The name is of one piece if the generation is the same before and after.
bool ChannelTable::is_at(const Channel& channel, std::size_t entry, std::uint64_t& generation) const {
  generation = entries_[entry].generation;
  return is_in_use(generation) &&
         std::equal(channel.name.begin(), channel.name.end(), entries_[entry].name.begin()) &&
         entries_[entry].generation == generation;
}

void ChannelTable::open(Channel& channel) {
  if (find(channel)) return;
  const std::size_t used = ends_->used;
  channel.entry = used < entry_count_ ? used : entry_to_take();
  Entry& entry = entries_[channel.entry];
  if (is_in_use(entry.generation)) forget(entry);
  for (std::size_t word = 0; word < channel.name.size(); ++word) entry.name[word] = channel.name[word];
  entry.count = 0;
  store(entry.newest[0], {.cursor = beginning()});
  hashes_[channel.entry] = channel.hash;
  channel.generation = entry.generation + 1;
  entry.generation = channel.generation;
  if (channel.entry == used) ends_->used = used + 1;
}

// That of the channel whose last publish is oldest; before that one which a publisher was killed in the
// middle of taking.
std::size_t ChannelTable::entry_to_take() const {
  std::size_t oldest = 0;
  std::uint64_t oldest_number = ~std::uint64_t{0};
  for (std::size_t entry = 0; entry < entry_count_; ++entry) {
    if (!is_in_use(entries_[entry].generation)) return entry;
    const std::uint64_t number = entries_[entry].newest[entries_[entry].count % 2].next_number;
    if (number >= oldest_number) continue;
    oldest = entry;
    oldest_number = number;
  }
  return oldest;
}

// The beginning moves first, in the spare copy, and then becomes valid by one store.
void ChannelTable::forget(Entry& entry) {
  const Cursor forgotten = std::max(beginning(), load(entry.newest[entry.count % 2]).cursor);
  const std::uint64_t forgets = ends_->forgets + 1;
  ends_->forgotten[forgets % 2].milliseconds = forgotten.milliseconds;
  ends_->forgotten[forgets % 2].sequence = forgotten.sequence;
  ends_->forgets = forgets;
  entry.generation = entry.generation + 1;
}

void ChannelTable::commit(const Channel& channel, const Newest& newest) {
  Entry& entry = entries_[channel.entry];
  const std::uint64_t count = entry.count + 1;
  store(entry.newest[count % 2], newest);
  entry.count = count;
}

Newest ChannelTable::load(const SharedNewest& newest) {
  return {{newest.milliseconds, newest.sequence}, newest.place, newest.next_number};
}

void ChannelTable::store(SharedNewest& newest, const Newest& value) {
  newest.milliseconds = value.cursor.milliseconds;
  newest.sequence = value.cursor.sequence;
  newest.place = value.place;
  newest.next_number = value.next_number;
}

}  // namespace comet::prefork
