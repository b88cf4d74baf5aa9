// Model: prefork. Worker processes serve one connection at a time, by calls that block.
// Owner of a connection: the worker that accepted it, from accept_connection() to close().
// Runs on: a worker; the master runs run() and drain() and never sees a connection.
// Wakes a held request: one write to the bell of its channel, by publish() in another worker.
#include "patterns/prefork/server.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <new>
#include <unordered_set>
#include <utility>

#include "patterns/common/startup.hpp"
#include "patterns/prefork/waits.hpp"
#include "patterns/prefork/worker_heap.hpp"

namespace comet::prefork {

Server::Server(const Options& options, const PoolOptions& pool)
    : service_{options, [this] { return stats(); }},
      pool_options_(pool),
      started_(unix_milliseconds()),
      master_(getpid()),
      listener_(open_listener(options)),
      board_(pool.most),
      log_({.history = options.history, .idle_seconds = options.announced_idle_seconds()}, Cursor{started_, 0}),
      pool_(pool, board_, bells_, [this](std::size_t slot) { work(slot); }),
      drain_event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  service_.counters = &board_.counters();
  service_.count_held = [this] { return board_.held(); };
  if (drain_event_ < 0) fail("eventfd", errno);
  if (!set_no_delay(listener_)) fail("TCP_NODELAY", errno);  // accepted sockets inherit it
  if (fcntl(listener_, F_SETFL, O_NONBLOCK) != 0) fail("fcntl", errno);
}

void Server::run() {
  rehearse();
  expect_room_for_a_connection();
  if (!pool_.start()) std::exit(1);
  announce_ready(listener_, service_.options);
  pool_.supervise();
  drain();
}

// What libraries set up at their first use is set up here, once, instead of in every worker's own memory.
void Server::rehearse() {
  RequestReader reader(service_);
  for (const char* path :
       {"/subscribe?channel=a&since=0&timeout=1", "/publish?message=a%20b", "/stats", "/x"}) {
    reader.feed("GET " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n");
  }
  std::size_t head_size = 0;
  encode_message(Cursor{started_, 0}, "a", 0, head_size);
  continue_response();
}

void Server::work(std::size_t slot) {
  use_worker_heap();
  slot_ = slot;
  idle_epoll_ = open_epoll(drain_event_);
  epoll_ = open_epoll(drain_event_);
  add_to(idle_epoll_, pool_.retirement(), EPOLLIN | EPOLLEXCLUSIVE, kRetirement);
  while (pool_options_.max_requests == 0 || requests_ < pool_options_.max_requests) {
    Connection connection(service_);
    if (!accept_connection(connection)) return;
    while (connection.socket >= 0) {
      try {
        read_request(connection);
      } catch (const std::bad_alloc&) {  // for a copy of a message, of which no byte was sent then
        end_hold();
        connection.form.keep_alive = false;
        respond(connection, service_.unavailable("no memory for this message",
                                          connection.form));
      }
    }
  }
}

// Step 1: accept. A connection wakes one idle worker. False: this worker is to end.
bool Server::accept_connection(Connection& connection) {
  board_.idle.add(slot_);
  board_.available.add(slot_);
  add_to(idle_epoll_, listener_, EPOLLIN | EPOLLEXCLUSIVE, kListener);
  while (connection.socket < 0) {
    epoll_event event{};
    if (epoll_wait(idle_epoll_, &event, 1, -1) < 0 && errno != EINTR) fail("epoll_wait", errno);
    if (board_.shared().draining) return false;
    eventfd_t token;
    if (event.data.u32 == kRetirement && eventfd_read(pool_.retirement(), &token) == 0) return false;
    connection.socket = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (connection.socket < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
      poll(nullptr, 0, static_cast<int>(kAcceptPause.count()));
    }
  }
  board_.connected.add(slot_);
  board_.idle.remove(slot_);
  if (board_.fresh.contains(slot_)) board_.fresh.remove(slot_);
  pool_.ask_for_growth();
  if (epoll_ctl(idle_epoll_, EPOLL_CTL_DEL, listener_, nullptr) != 0) fail("epoll_ctl", errno);
  connection.deadline = Clock::now() + service_.options.idle_timeout;
  return true;
}

// Step 2: read. Bytes become decisions; an end of input is the client's leaving.
void Server::read_request(Connection& connection) {
  const ssize_t size = receive(connection);
  if (size > 0) return handle(connection, connection.reader.feed({input_, static_cast<std::size_t>(size)}));
  if (size == 0) return close(connection);
  board_.available.remove(slot_);
  const auto last_worker = Clock::now() + kCrowdedWait;
  const bool go_on = wait(
      connection, board_.crowded(slot_) ? std::min(last_worker, connection.deadline) : connection.deadline);
  board_.available.add(slot_);
  if (go_on) return;
  if (board_.shared().draining || !connection.reading) return close(connection);
  respond(connection, connection.reader.timeout_response());
}

// Step 3: decide. Goes on until the input is used up or the connection is closed.
void Server::handle(Connection& connection, Decision decision) {
  while (!std::holds_alternative<NeedsInput>(decision)) {
    ++requests_;
    const auto* reply = std::get_if<Reply>(&decision);
    connection.reading = connection.reading && reply && is_interim(reply->response);
    if (const auto* request = std::get_if<Subscribe>(&decision)) {
      connection.form = request->form;
      subscribe(connection, *request);
    } else if (const auto* message = std::get_if<Publish>(&decision)) {
      connection.form = message->form;
      publish(connection, *message);
    } else {
      respond(connection, reply->response);
    }
    if (connection.socket < 0) return;
    decision = connection.reader.next();
  }
  // The header time runs from a request's first byte and is not renewed by later ones.
  if (connection.reading) return;
  connection.reading = connection.reader.mid_request();
  connection.deadline =
      Clock::now() + (connection.reading ? service_.options.header_timeout : service_.options.idle_timeout);
}

// Step 4: subscribe. Answer from the log, or hold.
void Server::subscribe(Connection& connection, const Subscribe& request) {
  SharedLog::Channel channel(request.channel);
  const auto [message, missed, last] = log_.first_after(channel, request.since);
  ReplyForm form = request.form;
  form.missed = missed;
  if (message) return respond(connection, message_response(*message, form));
  if (request.hold == Milliseconds{0}) return respond(connection, no_content_response(last, form));
  hold(connection, channel, request.hold, form, last);
}

// Step 6: hold. The process sleeps until the bell of its channel rings, the client leaves, the time is over
// or the master drains. The bell is heard before the log is looked at, so that no message comes unheard in
// between.
void Server::hold(Connection& connection, SharedLog::Channel& channel, Milliseconds time, ReplyForm form,
                  Cursor last) {
  hear(bells_.of(channel.hash));
  board_.begin_hold(slot_, channel.hash, log_.published());
  board_.available.remove(slot_);
  const char* why = why_not_to_hold(form);
  const auto until = Clock::now() + time;
  for (bool time_left = true;; time_left = wait(connection, until)) {
    store_input(connection);
    if (connection.ended) return leave(connection);
    const bool draining = board_.shared().draining;
    if (!why && board_.take_shedding(slot_)) why = "no worker is free";
    // No publish counts it from here on; one that did is found in the log.
    if (why || draining || !time_left) end_hold();
    const auto found = log_.first_after(channel, last);
    form.missed = form.missed || found.missed;
    if (found.message) return deliver(connection, *found.message, form);
    if (draining) return drain_hold(connection, form);
    if (why) return respond(connection, service_.unavailable(why, form));
    if (!time_left) return expire(connection, found.last, form);
  }
}

// Null where the request may be held. Asked once the hold is counted, so that two that come together see each
// other.
const char* Server::why_not_to_hold(ReplyForm& form) const {
  const std::size_t most = service_.options.max_held;
  if (most != 0 && board_.held() > most) return "too many held requests";
  if (!board_.crowded(slot_)) return nullptr;
  form.keep_alive = false;
  return "no worker is free";
}

// Step 7: a hold ends in one of four ways: a message, the time, the client's leaving, the drain.
void Server::end_hold() {
  board_.end_hold(slot_);
  board_.available.add(slot_);
}

void Server::deliver(Connection& connection, const Message& message, ReplyForm form) {
  end_hold();
  respond(connection, message_response(message, form));
}

void Server::expire(Connection& connection, Cursor last, ReplyForm form) {
  end_hold();
  add(board_.counters().timeouts);
  respond(connection, no_content_response(last, form));
}

void Server::leave(Connection& connection) {
  end_hold();
  add(board_.counters().disconnects);
  close(connection);
}

// Step 8: respond. Most answers fit the socket's buffer and leave at once; for the rest the process waits
// until there is room. A client that does not read is closed when its idle time is over.
void Server::respond(Connection& connection, Response response) {
  if (!response.close && !is_interim(response) && !keeps_open(connection)) response = closing(response);
  std::string_view rest = *response.bytes;
  while (!rest.empty()) {
    const auto until =
        is_interim(response) ? connection.deadline : Clock::now() + service_.options.idle_timeout;
    const ssize_t sent = send(connection.socket, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      rest.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN ? !wait_for_room(connection, until) : errno != EINTR) {
      return close(connection);
    }
  }
  finish_response(connection, response);
}

void Server::finish_response(Connection& connection, const Response& response) {
  if (response.is_delivery) add(board_.counters().delivered);
  if (response.close || board_.shared().draining) linger(connection);
}

// Not where the worker is needed for others: no other is available, or it is to be replaced and nothing has
// been asked yet.
bool Server::keeps_open(const Connection& connection) const {
  const bool worn = pool_options_.max_requests != 0 && requests_ >= pool_options_.max_requests;
  return !(worn && !connection.reader.mid_request()) && !board_.crowded(slot_);
}

// Step 9: close. First the sending side, so that the client reads the answer; then all, when it has closed
// too.
void Server::linger(Connection& connection) {
  const auto until = Clock::now() + (board_.crowded(slot_) ? kCrowdedLinger : kLingerTimeout);
  bool open = shutdown(connection.socket, SHUT_WR) == 0;
  while (open && wait_for(connection, POLLIN, until)) {
    const ssize_t size = recv(connection.socket, input_, sizeof input_, 0);
    open = size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR));
  }
  close(connection);
}

void Server::close(Connection& connection) {
  hear(-1);
  ::close(connection.socket);
  connection.socket = -1;
  board_.connected.remove(slot_);
}

// What holds counts the living; see scoreboard.hpp. Channels are those with messages and those that are
// waited for.
Stats Server::stats() {
  Stats stats = read_stats(board_.counters(), "prefork", started_);
  stats.pid = master_;
  stats.connections = board_.connected.count();
  std::unordered_set<std::uint64_t> channels;
  log_.for_each_channel([&channels](std::uint64_t hash) { channels.insert(hash); });
  board_.for_each_hold([&](std::uint64_t hash) {
    ++stats.held;
    channels.insert(hash);
  });
  stats.channels = channels.size();
  return stats;
}

}  // namespace comet::prefork
