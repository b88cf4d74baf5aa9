// The subscribers' loop: see subscribers.hpp.
#include "loadgen/clients/subscribers.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "loadgen/clients/client_socket.hpp"
#include "loadgen/clients/message.hpp"
#include "loadgen/clock.hpp"
#include "loadgen/errors.hpp"

namespace comet::loadgen {
namespace {

constexpr std::size_t kMessagesWithBytes = 64;  // the newest of each channel

}  // namespace

Subscribers::Subscribers(const SubscriberSettings& settings, const Schedule& schedule)
    : settings_(settings),
      schedule_(schedule),
      connections_(settings.count),
      channels_(settings.channels),
      epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_ < 0) throw std::runtime_error(system_error_text("epoll_create1"));
  for (std::size_t i = 0; i < channels_.size(); ++i)
    channels_[i].request =
        get_request(settings_.endpoint, "/subscribe?channel=" + channel_name(i, settings_.channels));
}

std::uint32_t Subscribers::channel_of(std::uint32_t index) const {
  return (settings_.first + index * settings_.stride) % settings_.channels;
}

std::int64_t Subscribers::number_of(std::uint32_t index, std::uint32_t sequence) const {
  return (static_cast<std::int64_t>(sequence) - 1) * settings_.channels + channel_of(index);
}

const std::string& Subscribers::next_request(std::uint32_t index) const {
  const Channel& channel = channels_[channel_of(index)];
  if (!settings_.cursors) return channel.request;
  if (const auto found = requests_after_timeout_.find(index); found != requests_after_timeout_.end())
    return found->second;
  const std::uint32_t last = connections_[index].last;
  return last == 0 ? channel.request : channel.messages[last].next_request;
}

int Subscribers::wait(std::int64_t timeout_ns) {
  const timespec timeout{timeout_ns / kSecond, timeout_ns % kSecond};
  const int count = epoll_pwait2(epoll_, ready_.data(), static_cast<int>(ready_.size()),
                                 timeout_ns < 0 ? nullptr : &timeout, nullptr);
  if (count < 0 && errno != EINTR) throw std::runtime_error(system_error_text("epoll_pwait2"));
  return std::max(count, 0);
}

bool Subscribers::poll(std::int64_t timeout_ns) {
  // Events that did not fit into a full batch have waited since the first of the full batches in a row.
  int count = batch_full_ ? wait(0) : 0;
  if (count == 0) {
    count = wait(timeout_ns);
    batches_start_ns_ = now_ns();
  }
  batch_full_ = count == static_cast<int>(ready_.size());
  if (count == 0) return false;
  arrival_clock_.compare();
  bool watched = false;
  for (int i = 0; i < count; ++i) {
    const auto [events, data] = ready_[static_cast<std::size_t>(i)];
    const std::uint32_t index = data.u32;
    if (index == kWatchedDescriptor) {
      watched = true;
      continue;
    }
    const State state = connections_[index].state;
    if (state == State::kWaiting) on_readable(index, (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0);
    if (state == State::kConnecting) on_connected(index);
  }
  if (schedule_.timed) lags_.push_back(now_ns() - batches_start_ns_);
  return watched;
}

// One edge-triggered event may report bytes and also that the server has closed after them. Only then is the
// socket read until its end.
void Subscribers::on_readable(std::uint32_t index, bool ended) {
  while (connections_[index].state == State::kWaiting && read_once(index, ended)) continue;
}

// False if there is nothing more to read for now. A read that does not fill the buffer shows that, unless the
// connection has ended.
bool Subscribers::read_once(std::uint32_t index, bool ended) {
  static std::array<char, 65536> buffer;
  const auto [size, arrived_ns] =
      arrival_clock_.receive(connections_[index].socket, buffer.data(), buffer.size());
  arrived_ns_ = arrived_ns;
  if (size <= 0) {
    if (size < 0 && errno == EINTR) return true;
    if (size == 0 || errno != EAGAIN) on_closed(index, size == 0 ? "closed" : errno_kind("recvmsg", errno));
    return false;
  }
  const std::string_view bytes(buffer.data(), static_cast<std::size_t>(size));
  if (const std::uint32_t sequence = recognize(index, bytes); sequence != 0) {
    count_delivery(index, sequence);
    ask(index);
  } else {
    on_bytes(index, bytes);
  }
  return ended || bytes.size() == buffer.size();
}

// The number of the message in `bytes`, if they are equal to a response that was parsed and checked before:
// with the connection's next message or the channel's newest. 0: the bytes must be parsed.
std::uint32_t Subscribers::recognize(std::uint32_t index, std::string_view bytes) const {
  const std::vector<Message>& messages = channels_[channel_of(index)].messages;
  const std::uint32_t last = connections_[index].last;
  if (messages.size() <= last + 1 || (!partial_.empty() && partial_.contains(index))) return 0;
  const auto newest = static_cast<std::uint32_t>(messages.size() - 1);
  if (settings_.rounds && newest != schedule_.published) return 0;
  if (bytes == messages[newest].bytes) return newest;
  return !settings_.rounds && bytes == messages[last + 1].bytes ? last + 1 : 0;
}

void Subscribers::on_bytes(std::uint32_t index, std::string_view bytes) {
  std::string pending;
  if (const auto start = partial_.find(index); start != partial_.end()) {
    pending = std::move(start->second);
    partial_.erase(start);
  }
  pending.append(bytes);
  bool answered = false;
  while (!pending.empty()) {
    Response response;
    std::size_t consumed = 0;
    const ParseStatus status = parse_response(pending, response, consumed);
    if (status == ParseStatus::kMalformed) return fail(index, "malformed");
    if (status == ParseStatus::kIncomplete) {
      partial_[index] = std::move(pending);
      break;
    }
    if (!on_response(index, response, std::string_view(pending).substr(0, consumed))) return;
    pending.erase(0, consumed);
    answered = true;
  }
  if (!answered) return;
  if (connections_[index].repeated) return reconnect(index);
  ask(index);  // one request, even if two responses came
}

// False if no further request is to be sent on this connection.
bool Subscribers::on_response(std::uint32_t index, const Response& response, std::string_view bytes) {
  connections_[index].answered = true;
  if (response.missed) ++events_["missed"];
  if (response.status == 200) {
    on_message(index, response, bytes);
  } else if (response.status == 204) {
    ++events_["timeout_204"];  // the hold time is over: the next request follows
    if (settings_.cursors)
      requests_after_timeout_[index] = cursor_request(
          settings_.endpoint, channel_name(channel_of(index), settings_.channels), response.cursor);
  } else {
    fail(index, "status_" + std::to_string(response.status));
    return false;
  }
  if (response.keep_alive) return true;
  ++events_["reconnects"];
  disconnect(index);
  ask(index);
  return false;
}

void Subscribers::on_message(std::uint32_t index, const Response& response, std::string_view bytes) {
  Connection& connection = connections_[index];
  const auto number = message_number(response.body);
  const std::int64_t published = schedule_.published;
  if (!number || number->channel != channel_of(index) || number_of(index, number->sequence) >= published) {
    ++wrong_;
  } else if (number->sequence <= connection.last) {
    ++duplicate_;
    connection.repeated = true;
  } else if (settings_.rounds && number_of(index, number->sequence) + 1 < published) {
    connection.last = number->sequence;
    ++events_["late"];
  } else {
    response_bytes_ = static_cast<std::int64_t>(bytes.size());
    remember(index, number->sequence, response, bytes);
    count_delivery(index, number->sequence);
  }
}

void Subscribers::remember(std::uint32_t index, std::uint32_t sequence, const Response& response,
                           std::string_view bytes) {
  std::vector<Message>& messages = channels_[channel_of(index)].messages;
  if (messages.size() <= sequence) messages.resize(sequence + 1);
  if (sequence > kMessagesWithBytes) messages[sequence - kMessagesWithBytes].bytes.clear();
  Message& message = messages[sequence];
  if (response.keep_alive) message.bytes = bytes;
  if (settings_.cursors && message.next_request.empty())
    message.next_request = cursor_request(
        settings_.endpoint, channel_name(channel_of(index), settings_.channels), response.cursor);
}

void Subscribers::begin_round() {
  round_ = schedule_.published;
  outstanding_ = waiting_;
}

void Subscribers::count_delivery(std::uint32_t index, std::uint32_t sequence) {
  const std::int64_t now = now_ns();
  Connection& connection = connections_[index];
  if (settings_.rounds) {
    if (round_ != schedule_.published) begin_round();
    --outstanding_;
    connection.may_ask = settings_.ask_when_told && told_ != round_;
    if (connection.may_ask) answered_.push_back(index);
    last_delivery_ns_ = now;
  }
  ++delivered_;
  connection.last = sequence;
  connection.answered = true;
  if (!requests_after_timeout_.empty()) requests_after_timeout_.erase(index);
  const std::int64_t due_ns = schedule_.due_ns(number_of(index, sequence));
  count_arrival(due_ns, now);
  if (!schedule_.timed) return;
  latencies_.push_back(now - due_ns);
  Message& message = channels_[channel_of(index)].messages[sequence];
  if (message.first_ns == 0) message.first_ns = now;
  message.last_ns = now;
}

// If the time of day is set between a stamp and its reading, the stamp is wrong by as much.
void Subscribers::count_arrival(std::int64_t due_ns, std::int64_t read_ns) {
  if (arrived_ns_ == 0) return;
  if (arrived_ns_ < due_ns || arrived_ns_ > read_ns) {
    ++events_["clock_set"];
    return;
  }
  last_arrival_ns_ = std::max(last_arrival_ns_, arrived_ns_);
  if (schedule_.timed) socket_latencies_.push_back(arrived_ns_ - due_ns);
}

void Subscribers::copy_counts(ClientCounts& counts) const {
  counts.opened = opened_;
  counts.failed = failed_;
  counts.waiting = waiting_;
  counts.delivered = delivered_;
  counts.duplicate = duplicate_;
  counts.wrong = wrong_;
  counts.last_arrival_ns = last_arrival_ns_;
  counts.last_delivery_ns = last_delivery_ns_;
  counts.response_bytes = response_bytes_;
}

std::vector<std::int64_t> Subscribers::spans() const {
  std::vector<std::int64_t> spans;
  for (std::size_t channel = 0; channel < channels_.size(); ++channel) {
    const std::vector<Message>& messages = channels_[channel].messages;
    for (std::size_t sequence = 1; sequence < messages.size(); ++sequence) {
      const Message& message = messages[sequence];
      if (message.first_ns == 0) continue;
      const std::size_t number = (sequence - 1) * channels_.size() + channel;
      spans.insert(spans.end(), {static_cast<std::int64_t>(number), message.first_ns, message.last_ns});
    }
  }
  return spans;
}

}  // namespace comet::loadgen
