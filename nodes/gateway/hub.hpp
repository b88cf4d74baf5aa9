// The messages that this gateway has, and who is told of new ones.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "bus/stream_reader.hpp"
#include "core/channels.hpp"
#include "nodes/gateway/text.hpp"

namespace comet::gateway {

class Receiver {
 public:
  virtual void take(const ChannelMessage& message) = 0;
  // Messages may be gone: said once, before those that come next.
  virtual void miss() = 0;

 protected:
  ~Receiver() = default;
};

// Plain data of one thread. It calls receivers, which must not call it back.
class Hub {
 public:
  // `options` must outlive it.
  explicit Hub(const core::Options& options) : options_(options) {}

  void handle(const bus::Event& event);
  // The stream has been read once to its end: before that nobody can be told what is missed.
  bool is_open() const { return is_open_; }

  // `pattern`: a channel's name; or one that ends in * for one more part, or in ** for any number.
  void join(const std::string& pattern, Receiver& receiver) { receivers_[pattern].insert(&receiver); }
  void leave(const std::string& pattern, Receiver& receiver);

  // The newest cursor of all: who goes on from here misses nothing that comes.
  core::Cursor end() const { return end_; }
  // Gives the channel's messages after `since`.
  void replay(const std::string& channel, core::Cursor since, Receiver& receiver);

  std::size_t channels() const { return channels_ ? channels_->size() : 0; }

 private:
  struct NoWaiters {
    static bool empty() { return true; }
  };
  using Channels = core::Channels<NoWaiters>;

  void append(const bus::Entry& entry);

  const core::Options& options_;
  std::unique_ptr<Channels> channels_;  // null: the stream has not been reached yet
  core::Cursor end_;
  bool is_open_ = false;
  std::unordered_map<std::string, std::unordered_set<Receiver*>> receivers_;  // by pattern
};

}  // namespace comet::gateway
