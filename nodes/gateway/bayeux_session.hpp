// One client of Bayeux, from its handshake on.
#pragma once

#include <map>
#include <set>
#include <string>

#include "nodes/gateway/gateway.hpp"
#include "nodes/gateway/rate_limit.hpp"

namespace comet::gateway {

class BayeuxSession final : public Receiver {
 public:
  static constexpr std::size_t kMostSubscriptions = 100;

  BayeuxSession(Gateway& gateway, const std::string& client_id)
      : id(client_id),
        outbox(gateway.loop.get_executor(), gateway.most_unsent()),
        limit(gateway.options.rate),
        gateway_(gateway),
        hub_(gateway.hub) {
    ++gateway_.bayeux_sessions;
  }
  ~BayeuxSession() {
    --gateway_.bayeux_sessions;
    for (const std::string& pattern : patterns_) hub_.leave(pattern, *this);
  }
  BayeuxSession(const BayeuxSession&) = delete;
  BayeuxSession& operator=(const BayeuxSession&) = delete;

  // False: it has too many. With `since`, a cursor, what came after it in that channel comes first.
  bool subscribe(const std::string& pattern, std::optional<core::Cursor> since) {
    if (patterns_.size() >= kMostSubscriptions && !patterns_.contains(pattern)) return false;
    if (since) {
      if (*since > hub_.end()) passed_over_[pattern] = *since;
      hub_.replay(pattern, *since, *this);
    }
    patterns_.insert(pattern);
    hub_.join(pattern, *this);
    return true;
  }
  void unsubscribe(const std::string& pattern) {
    patterns_.erase(pattern);
    hub_.leave(pattern, *this);
  }

  void take(const ChannelMessage& message) override {
    const auto seen = passed_over_.find(message.channel());
    if (seen != passed_over_.end() && message.cursor() <= seen->second) return;
    if (const Text& text = message.as_bayeux()) outbox.push(text);
  }
  void miss() override { missed = true; }

  const std::string id;
  Outbox outbox;
  RateLimit limit;
  bool missed = false;  // to be told with the next connect's answer
  int held = 0;         // connects that wait
  Outbox::Clock::time_point heard = Outbox::Clock::now();

 private:
  Gateway& gateway_;
  Hub& hub_;
  std::set<std::string> patterns_;
  std::map<std::string, core::Cursor>
      passed_over_;  // by channel: up to where the client has it from elsewhere
};

}  // namespace comet::gateway
