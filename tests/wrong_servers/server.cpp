// The poll() loop. A client is in one state at a time, and each state has one deadline.
#include "tests/wrong_servers/server.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "patterns/common/startup.hpp"
#include "patterns/common/stop_signals.hpp"

namespace comet::wrong_server {
using namespace common;

namespace {

volatile sig_atomic_t signals_seen = 0;

void on_signal(int) {
  if (signals_seen > 0) _exit(1);
  signals_seen = 1;
}

// Smaller each time.
std::uint64_t shrinking_number() {
  return (std::uint64_t{1} << 62) - static_cast<std::uint64_t>(Clock::now().time_since_epoch().count());
}

// A joined server that `forgets` begins at 0, as if nothing had been before it.
Options with_the_beginning(Options options, bool forgets) {
  if (forgets && options.joined) options.joined = Cursor{};
  return options;
}

}  // namespace

WrongServer::WrongServer(const Options& options, std::string fault)
    : options_(options),
      fault_(std::move(fault)),
      started_(unix_milliseconds()),
      service_{options, [this] { return read_stats(counters_, "wrong-server", started_); }, &counters_},
      channels_(with_the_beginning(options, has("forgets_where_it_begins")),
                Cursor{has("cursor_shrinks_after_restart") ? shrinking_number() : started_, 0}),
      listener_(open_listener(options)),
      work_done_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (has("asks_no_token")) service_.options.publish_token.clear();
  if (has("answers_to_any_name")) service_.options.on_loopback = false;
}

int WrongServer::run() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  // Blocked but inside ppoll(), so that no signal falls between the look at the flag and the wait.
  sigset_t ours = stop_signals();
  if (has("ends_on_hangup")) sigdelset(&ours, SIGHUP);
  if (has("drains_in_spite_of_nohup")) sigaddset(&ours, SIGHUP);
  sigprocmask(SIG_BLOCK, &ours, nullptr);
  if (options_.publish_work_threads > 0)
    work_pool_ = std::make_unique<boost::asio::thread_pool>(options_.publish_work_threads);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
    if (sigismember(&ours, signal) == 1) sigaction(signal, &action, nullptr);
  }
  if (has("leaves_a_child") && fork() == 0) {
    pause();
    _exit(0);
  }
  announce_ready(listener_, options_);
  if (has("announces_twice")) announce_ready(listener_, options_);
  while (!draining_ || (!clients_.empty() && Clock::now() < drain_deadline_)) poll_once();
  return has("exits_1_after_drain") ? 1 : 0;
}

Milliseconds WrongServer::time_in(State state) const {
  switch (state) {
    case State::kReading:
      return has("no_header_timeout") ? Milliseconds(60'000) : options_.header_timeout;
    case State::kLingering:
      return kLingerTimeout;
    case State::kWorking:
      return std::chrono::hours(1);
    case State::kIdle:
      return has("closes_before_the_announced_time") ? options_.idle_timeout / 2 : service_.idle_time();
    default:
      return options_.idle_timeout;
  }
}

// A client that stays in a state keeps its deadline: a header that trickles in does not extend it.
void WrongServer::enter(Client& client, State state) {
  if (client.state == state && client.deadline != Clock::time_point{}) return;
  client.state = state;
  client.deadline = Clock::now() + (state == State::kHeld ? client.hold : time_in(state));
}

void WrongServer::accept_client() {
  const int socket = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (socket < 0) return;
  if (clients_.size() >= connection_limit()) {
    const Response full = service_.unavailable("no connection left", {.keep_alive = false});
    (void)!write(socket, full.bytes->data(), full.bytes->size());
    close(socket);
    return;
  }
  set_no_delay(socket);
  add(counters_.connections);
  enter(clients_.emplace_back(socket, service_), State::kIdle);
}

void WrongServer::read_from(Client& client) {
  char bytes[16384];
  const ssize_t count = recv(client.socket, bytes, sizeof bytes, 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) {
    if (client.state == State::kHeld) {
      unhold(client);
      add(counters_.disconnects);
      if (has("counts_leaving_as_delivered")) add(counters_.delivered);
    }
    return drop(client);
  }
  const std::string input = spoilt_request({bytes, static_cast<std::size_t>(count)});
  if (client.state == State::kHeld) {
    if (!client.reader.store(input) && !has("takes_any_flood")) {
      unhold(client);
      add(counters_.disconnects);
      drop(client);
    }
  } else if (client.state != State::kLingering) {
    decide(client, client.reader.feed(input));
  }
}

// Carries out decisions until more input is needed, the client is held, or its output does not
// fit the socket.
void WrongServer::decide(Client& client, Decision decision) {
  for (;; decision = client.reader.next()) {
    if (std::holds_alternative<NeedsInput>(decision)) {
      if (has("renews_idle_time")) client.deadline = {};
      return enter(client, client.reader.mid_request() ? State::kReading : State::kIdle);
    }
    if (const auto* wanted = std::get_if<Subscribe>(&decision)) {
      subscribe(client, *wanted);
    } else if (const auto* message = std::get_if<Publish>(&decision)) {
      publish(client, *message);
    } else {
      answer(client, std::get<Reply>(decision).response);
    }
    if (has("drops_pipelined")) client.reader = RequestReader(service_);
    if (client.state == State::kHeld || client.state == State::kWorking) return;
    flush(client);
    if (client.dead || client.closing || !client.output.empty()) return;
  }
}

void WrongServer::unhold(Client& client) {
  std::erase(client.channel->waiters, &client);
  channels_.close_if_unused(*client.channel);
  client.channel = nullptr;
  counters_.channels = channels_.size();
  subtract(counters_.held);
  enter(client, State::kWriting);
}

// Puts the answer in the client's output; the loop or flush() writes it.
void WrongServer::answer(Client& client, const Response& response) {
  if (has("dies_on_garbage") && response.bytes->starts_with("HTTP/1.1 400")) std::abort();
  client.output += spoilt(client, *response.bytes);
  client.closing = response.close && !has("keeps_open_after_framing_error");
  if (has("closes_after_each_answer")) client.closing = true;
  if (!is_interim(response) || has("renews_time_at_continue")) enter(client, State::kWriting);
}

void WrongServer::flush(Client& client) {
  while (!client.output.empty()) {
    const ssize_t count = send(client.socket, client.output.data(), client.output.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return;
    if (count < 0) return drop(client);
    client.output.erase(0, static_cast<std::size_t>(count));
    if (client.state == State::kWriting && !has("cuts_slow_reader"))
      client.deadline = Clock::now() + options_.idle_timeout;
  }
  if (client.delivering) add(counters_.delivered);
  client.delivering = false;
  if (!client.closing) return;
  shutdown(client.socket, SHUT_WR);
  enter(client, State::kLingering);
}

void WrongServer::expire(Client& client) {
  if (client.state == State::kHeld) {
    const Cursor last = client.channel->log.last();
    unhold(client);
    add(counters_.timeouts);
    client.form.missed = false;
    answer(client, no_content_response(last, client.form));
  } else if (client.state == State::kReading) {
    answer(client, client.reader.timeout_response());
  } else {
    drop(client);
  }
}

void WrongServer::drop(Client& client) { client.dead = true; }

void WrongServer::drain() {
  counters_.held_at_drain = counters_.held.load();
  draining_ = true;
  drain_deadline_ = Clock::now() + kDrainTimeout;
  close(listener_);
  for (Client& client : clients_) {
    if (client.state == State::kHeld && !has("drops_held_at_drain")) {
      unhold(client);
      client.form.keep_alive = false;
      answer(client, service_.shutting_down(client.form));
    } else if (client.state == State::kWriting) {
      client.closing = true;
    } else if (client.state != State::kWorking) {
      drop(client);
    }
  }
}

void WrongServer::poll_once() {
  std::vector<pollfd> events{{draining_ ? -1 : listener_, POLLIN, 0}, {work_done_, POLLIN, 0}};
  auto next = Clock::now() + std::chrono::hours(1);
  if (draining_) next = drain_deadline_;
  for (const Client& client : clients_) {
    const bool deaf = client.state == State::kWorking ||
                      (has("never_releases_dead_client") && client.state == State::kHeld);
    const bool unread = has("leaves_early_bytes_unread") && client.state == State::kHeld;
    short wanted = client.output.empty() ? POLLIN : POLLOUT;
    if (unread) wanted = POLLRDHUP;
    events.push_back({deaf ? -1 : client.socket, wanted, 0});
    next = std::min(next, client.deadline);
  }
  if (!not_yet_logged_.empty()) next = Clock::now() + std::chrono::milliseconds(50);
  const auto wait = std::max(Clock::duration(0), next - Clock::now());
  const timespec time_out{wait / std::chrono::seconds(1), (wait % std::chrono::seconds(1)).count()};
  sigset_t none;
  sigemptyset(&none);
  const int ready = ppoll(events.data(), events.size(), &time_out, &none);
  if (signals_seen > 0 && !draining_ && !has("ignores_sigterm")) {
    drain();
  } else if (ready >= 0) {
    auto client = clients_.begin();
    for (std::size_t i = 2; i < events.size(); ++i) {
      Client& ready_client = *client++;
      if (events[i].revents == 0 || ready_client.dead) continue;
      if (ready_client.output.empty()) {
        read_from(ready_client);
      } else {
        flush(ready_client);
        if (ready_client.output.empty() && !ready_client.closing && !ready_client.dead)
          decide(ready_client, ready_client.reader.next());
      }
    }
    if (events[1].revents != 0) finish_work();
    if (events[0].revents != 0) accept_client();
  }
  if (ready == 0) {
    for (const auto& [channel, body] : std::exchange(not_yet_logged_, {}))
      append(channels_.open(channel), body);
  }
  for (Client& client : clients_) {
    if (!client.dead && Clock::now() >= client.deadline) expire(client);
  }
  for (auto client = clients_.begin(); client != clients_.end();) {
    if (!client->dead) {
      ++client;
      continue;
    }
    if (client->channel) unhold(*client);
    close(client->socket);
    subtract(counters_.connections);
    client = clients_.erase(client);
  }
}

}  // namespace comet::wrong_server
