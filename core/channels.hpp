// All channels of a server: each a log and the pattern's own kind of waiters. Bounded: a channel keeps at
// most `history` messages, and if all logs together pass kMostLogBytes or kMostChannels, the channels whose
// last publish is oldest are forgotten first. Plain data with a single owner; nothing here locks.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "core/channel_log.hpp"
#include "core/options.hpp"

namespace comet::core {

constexpr std::size_t kMostLogBytes = std::size_t{256} << 20;
constexpr std::size_t kMostChannels = 4096;  // with retained messages

constexpr Refusal kNoMemoryForMessage{503, "no memory for this message"};
constexpr Refusal kCursorNotAboveLast{409, "Comet-Cursor is not above the channel's last"};

template <class Waiters>
class Channels {
 public:
  struct Channel {
    Channel(std::string_view channel_name, Cursor begin) : name(channel_name), log(begin) {}
    const std::string name;
    ChannelLog log;
    Waiters waiters;

   private:
    friend class Channels;
    typename std::list<Channel*>::iterator place;  // in by_publish_, while the log holds messages
  };

  // `begin`: the cursor before any message, usually {unix_milliseconds(), 0}. A joined server has one of its own.
  Channels(const Options& options, Cursor begin)
      : history_(options.history),
        idle_seconds_(options.announced_idle_seconds()),
        forgotten_(options.joined.value_or(begin)) {}

  // The channel of that name, made if there is none. The reference is good until close_if_unused() drops it.
  Channel& open(std::string_view name) {
    const auto found = channels_.find(name);
    if (found != channels_.end()) return *found->second;
    auto channel = std::make_unique<Channel>(name, forgotten_);
    Channel& opened = *channel;
    channels_.emplace(opened.name, std::move(channel));
    return opened;
  }

  // Where to hold a poll that has seen all up to `last` (Lookup::last): the channel, unless that is ahead of
  // its log. Then a channel of the same name that ends at `last` and never has a message: those who wait
  // there pass over what is published up to it.
  Channel& waiting_place(Channel& channel, Cursor last) {
    if (last == channel.log.last()) return channel;
    const auto found = ahead_.find({&channel, last});
    if (found != ahead_.end()) return *found->second;
    auto place = std::make_unique<Channel>(channel.name, last);
    return *ahead_.emplace(std::pair{&channel, last}, std::move(place)).first->second;
  }

  // After a publish: drops each waiting place that the log has now passed, because the message is for those
  // who wait there, too. First move(place.waiters) moves them to the channel's own.
  template <class Move>
  void close_passed(Channel& channel, Move move) {
    if (ahead_.empty()) return;
    auto next = ahead_.lower_bound({&channel, Cursor{}});
    while (next != ahead_.end() &&
           next->first < std::pair<const Channel*, Cursor>{&channel, channel.log.last()}) {
      move(next->second->waiters);
      next = ahead_.erase(next);
    }
  }

  // Drops a channel that has neither messages nor waiters; call it when the last waiter has left.
  void close_if_unused(Channel& channel) {
    if (channel.log.size() > 0 || !channel.waiters.empty()) return;
    const auto found = channels_.find(channel.name);
    Channel& of_that_name = *found->second;
    if (&channel != &of_that_name) {
      ahead_.erase({&of_that_name, channel.log.last()});
      return close_if_unused(of_that_name);
    }
    if (!is_waited_ahead(channel)) channels_.erase(found);
  }

  struct Published {
    const Message* message;  // good until the next publish; nullptr: refused
    Refusal refusal;
  };
  // The new message. `cursor` is its cursor if the server is joined; else 0, and it gets the next one. If it
  // is refused nothing has changed, and the channel, if it was opened for this message, is gone.
  Published publish(Channel& channel, std::string_view body, Cursor cursor = {}) {
    if (cursor != Cursor{} && cursor <= channel.log.last()) {
      close_if_unused(channel);
      return {nullptr, kCursorNotAboveLast};
    }
    try {
      const bool is_first = channel.log.size() == 0;
      std::list<Channel*> place;
      if (is_first) place.push_back(&channel);
      if (cursor == Cursor{}) cursor = next_cursor(channel.log.last(), unix_milliseconds());
      const Message& message = channel.log.append(cursor, body, idle_seconds_);
      if (is_first) channel.place = place.begin();
      by_publish_.splice(by_publish_.end(), is_first ? place : by_publish_, channel.place);
      bytes_ += message.response->size();
      keep_bounds(channel);
      return {&message, {}};
    } catch (const std::bad_alloc&) {
      close_if_unused(channel);
      return {nullptr, kNoMemoryForMessage};
    }
  }

  template <class Visit>
  void for_each(Visit visit) {
    for (auto& [name, channel] : channels_) visit(*channel);
    for (auto& [key, place] : ahead_) visit(*place);
  }

  std::size_t size() const { return channels_.size(); }

 private:
  bool is_waited_ahead(const Channel& channel) const {
    if (ahead_.empty()) return false;
    const auto next = ahead_.lower_bound({&channel, Cursor{}});
    return next != ahead_.end() && next->first.first == &channel;
  }

  void keep_bounds(Channel& channel) {
    if (channel.log.size() > history_) drop_oldest(channel);
    while (by_publish_.size() > 1 && (bytes_ > kMostLogBytes || by_publish_.size() > kMostChannels)) {
      forget(*by_publish_.front());
    }
    while (channel.log.size() > 1 && bytes_ > kMostLogBytes) drop_oldest(channel);
  }

  void drop_oldest(Channel& channel) {
    bytes_ -= channel.log.bytes();
    channel.log.drop_oldest();
    bytes_ += channel.log.bytes();
  }

  // A channel opened again later begins behind what is forgotten now, so that its old cursors are
  // told of the gap.
  void forget(Channel& channel) {
    forgotten_ = std::max(forgotten_, channel.log.last());
    while (channel.log.size() > 0) drop_oldest(channel);
    by_publish_.erase(channel.place);
    close_if_unused(channel);
  }

  std::unordered_map<std::string_view, std::unique_ptr<Channel>> channels_;  // keys point into Channel::name
  // The waiting places of polls whose cursors are ahead, by their channel and where they end.
  std::map<std::pair<const Channel*, Cursor>, std::unique_ptr<Channel>> ahead_;
  std::list<Channel*> by_publish_;  // channels with messages, the one published to last at the end
  std::size_t history_;
  std::uint32_t idle_seconds_;  // as in ReplyForm
  std::size_t bytes_ = 0;       // of all logs
  Cursor forgotten_;
};

}  // namespace comet::core
