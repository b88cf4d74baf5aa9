// The script in Lua, and its commands.
#include "bus/script.hpp"

#include <vector>

#include "bus/wire.hpp"

namespace comet::bus {
namespace {

// The hash has what the stream's last entry says (n, epoch, last), because it is read faster. What may be refused
// for lack of memory comes first: then nothing has changed.
constexpr std::string_view kScript = R"lua(
local stream, meta = KEYS[1], KEYS[2]
local seen, new_epoch, most, deadline = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local function parts(id)
  local milliseconds, sequence = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(milliseconds), tonumber(sequence)
end
local function is_below(a, b)
  local a_milliseconds, a_sequence = parts(a)
  local b_milliseconds, b_sequence = parts(b)
  return a_milliseconds < b_milliseconds or (a_milliseconds == b_milliseconds and a_sequence < b_sequence)
end

-- Step 1: too late? Then the publisher has been told so, and nothing may change.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if deadline and now > tonumber(deadline) then
  return redis.error_reply('LATE the publisher has been told that this failed')
end

-- Step 2: no log, or one that ends before what the caller has seen? It begins anew, above all that was seen.
local known = redis.call('HMGET', meta, 'epoch', 'last')
local epoch, last = known[1], known[2]
if not epoch or redis.call('EXISTS', stream) == 0 or is_below(last, seen) then
  local above = seen
  if last and is_below(above, last) then above = last end
  local milliseconds, sequence = parts(above)
  if now > milliseconds then milliseconds, sequence = now, -1 end
  epoch, last = new_epoch, string.format('%.0f-%.0f', milliseconds, sequence + 1)
  redis.call('HSET', meta, 'n', 0, 'epoch', epoch, 'last', last)
  redis.call('DEL', stream)
  redis.call('XADD', stream, last, 'n', 0, 'epoch', epoch)
end
if not deadline then return {epoch, last} end

-- Step 3: number the message, and append it. Its ID is its cursor.
local n = redis.call('HINCRBY', meta, 'n', 1)
last = redis.call('XADD', stream, 'MAXLEN', '~', most, '*', 'n', n, 'epoch', epoch, 'channel', ARGV[5],
  'origin', ARGV[6], 'body', ARGV[7])
redis.call('HSET', meta, 'last', last)
return last
)lua";

std::vector<std::string_view> call(const std::string& seen, const std::string& epoch,
                                   const std::string& most) {
  return {"EVAL", kScript, "2", kStream, kMeta, seen, epoch, most};
}

}  // namespace

std::string open_command(const LogState& state) {
  const std::string seen = core::to_string(state.seen), most = std::to_string(state.most);
  return format_command(call(seen, state.new_epoch, most));
}

std::string publish_command(const LogState& state, std::int64_t deadline, const NewMessage& message) {
  const std::string seen = core::to_string(state.seen), most = std::to_string(state.most);
  const std::string until = std::to_string(deadline);
  auto words = call(seen, state.new_epoch, most);
  words.insert(words.end(), {until, message.channel, message.origin, message.body});
  return format_command(words);
}

}  // namespace comet::bus
