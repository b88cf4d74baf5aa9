// See publisher.hpp.
#include "bus/publisher.hpp"

#include <utility>
#include <vector>

#include "core/whole_number.hpp"

namespace comet::bus {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLookUp{1000};  // behind the deadline, for the reader to meet what was published

constexpr core::Refusal kUnknown{
    503, "it is not known whether this was published: look for it before you send it again"};
constexpr core::Refusal kLate{503, "not published: Redis did not answer in time"};
constexpr core::Refusal kFull{503, "not published: Redis is out of memory"};
constexpr core::Refusal kRefused{503, "not published: Redis refused it for now"};

milliseconds since_start(Publisher::Clock::time_point time) {
  return std::chrono::floor<milliseconds>(time.time_since_epoch());
}

}  // namespace

std::string Publisher::connect() {
  redis_ahead_.reset();
  return format_command({"TIME"});
}

std::string Publisher::publish(std::string channel, std::string body, const LogState& state,
                               Clock::time_point deadline, Done done) {
  std::string origin = name_ + '-' + std::to_string(++number_);
  const milliseconds redis_deadline = since_start(deadline) + redis_ahead_.value();
  std::string command =
      publish_command(state, redis_deadline.count(), {std::move(channel), origin, std::move(body)});
  sent_.push_back(origin);
  pending_.emplace(std::move(origin), Pending{deadline, std::move(done)});
  return command;
}

// Redis' time was read before its answer came, so by now it is later there: the deadline comes too early by the
// answer's way at most, and never too late.
void Publisher::take(const Reply& reply, Clock::time_point now) {
  if (!redis_ahead_) {
    if (reply.kind == Reply::Kind::error) throw WireError(reply.text);
    if (reply.items.size() != 2) throw WireError("Redis answers TIME with something else");
    const auto seconds = core::parse_whole_number(reply.items[0].text);
    const auto microseconds = core::parse_whole_number(reply.items[1].text);
    if (!seconds || !microseconds) throw WireError("Redis answers TIME with something else");
    const std::uint64_t redis_now = *seconds * 1000 + *microseconds / 1000;
    redis_ahead_ = milliseconds(static_cast<std::int64_t>(redis_now)) - since_start(now);
    return;
  }
  if (sent_.empty()) throw WireError("Redis answers what was not asked");
  const std::string origin = std::move(sent_.front());
  sent_.pop_front();
  if (reply.kind == Reply::Kind::error) {
    if (reply.text.starts_with("LATE")) return end(origin, {std::nullopt, kLate});
    return end(origin, {std::nullopt, reply.text.starts_with("OOM") ? kFull : kRefused});
  }
  const auto cursor = core::parse_cursor(reply.text);
  if (!cursor) throw WireError("Redis answers a publish with something else");
  end(origin, {*cursor, {}});
}

void Publisher::lose_connection() {
  redis_ahead_.reset();
  sent_.clear();
}

void Publisher::note(const Entry& entry) {
  if (entry.origin.starts_with(name_)) end(entry.origin, {entry.cursor, {}});
}

void Publisher::give_up(Clock::time_point now) {
  std::vector<std::string> over;
  for (const auto& [origin, pending] : pending_) {
    if (now >= pending.deadline + kLookUp) over.push_back(origin);
  }
  for (const std::string& origin : over) end(origin, {std::nullopt, kUnknown});
}

// The first to know ends it: the reply, the stream, or the time.
void Publisher::end(const std::string& origin, const Outcome& outcome) {
  const auto found = pending_.find(origin);
  if (found == pending_.end()) return;
  const Done done = std::move(found->second.done);
  pending_.erase(found);
  done(outcome);
}

}  // namespace comet::bus
