// What a lab's server is built on: the command line, HTTP as requests and answers, a channel's log, the
// counters. Nothing in it owns a thread or takes a lock, and only the functions at the end wait. "(lab 3)"
// means that you do not need a thing before lab 3.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "core/channel_log.hpp"
#include "core/request_reader.hpp"
#include "core/stats.hpp"
#include "labs/kit/mutex.hpp"
#include "labs/kit/pause_point.hpp"
#include "patterns/common/minimal_start.hpp"
#include "patterns/common/stop_signals.hpp"

namespace kit {

using comet::core::Counters;
using comet::core::Cursor;        // a place in a log; a smaller one comes before, and Cursor{} before all
using comet::core::Milliseconds;  // of std::chrono
using comet::core::Options;       // the command line's, by the names in core/options.hpp

// What a client wants of its answer, such as that the connection stays open. Hand it on as it is; only
// `missed` is yours to set, in a copy (lab 2).
using comet::core::ReplyForm;

// An answer. Send all of *bytes; if `close` is set, the connection ends then. With `is_delivery` it is a
// message, which counts as delivered once it is sent whole (lab 3).
using comet::core::Response;

// A system call's result, if it is not negative; else the process ends with a line that says what failed and
// why.
using comet::common::check;
// The signals that ask a server to end (SIGTERM, SIGINT, SIGHUP), as a descriptor that is readable when one
// has come. restore() sleeps until one has come and takes it; the next one ends the process (lab 3).
using comet::common::StopSignals;

// What every server does before it serves. Made once, in main(), and there until the end.
class Setup {
 public:
  // Reads the command line, opens the listening socket and prints READY. A mistake ends the process with one
  // line that says what to do. From here on SIGTERM ends the process at once with status 0 (lab 3 replaces
  // that), and sending to a client that is gone is an error instead of a signal. `workers`: a number that the
  // option --workers may change (lab 6).
  Setup(int argc, char** argv, std::size_t* workers = nullptr);
  Setup(const Setup&) = delete;
  Setup& operator=(const Setup&) = delete;

  const Options& options() const { return service_.options; }
  int listener() const { return listener_; }
  const comet::core::Service& service() const { return service_; }

  // What /stats says. Atomic, and in memory that is shared with the processes that this one forks.
  Counters& counters;
  const Cursor started;  // before any message

 private:
  const comet::core::Service service_;
  const int listener_;
};

// Counts one held request in /stats, as long as it lives. The tests wait for that number, and then publish.
// So make it when a publisher can find the request, before you unlock what guards that, and let it end before
// you answer.
class Held {
 public:
  explicit Held(Setup& setup) : held_(setup.counters.held) { ++held_; }
  ~Held() { --held_; }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

 private:
  std::atomic<std::uint64_t>& held_;
};

struct Request {
  enum class What : std::uint8_t {
    subscribe,  // answer with the next message, or, when `hold` is over, with nothing_new()
    publish,    // append `body` to the channel's log, wake who is held, answer with published()
    reply,      // anything else (/stats, a mistake): send `reply` as it is
  };

  What what = What::reply;
  std::string channel = {};          // of a subscribe and a publish
  std::optional<Cursor> since = {};  // of a subscribe: the last that the client has seen (lab 2)
  Milliseconds hold = {};            // of a subscribe; 0: answer at once
  std::string body = {};             // of a publish
  Response reply = {};
  ReplyForm form = {};  // for the answer to a subscribe and a publish
};

// Makes requests of the bytes that come on one connection.
class RequestReader {
 public:
  explicit RequestReader(const Setup& setup) : reader_(setup.service()) {}

  // Takes all of `bytes`. The first request that is whole now, if there is one; next() has those that follow.
  std::optional<Request> feed(std::string_view bytes);
  std::optional<Request> next() { return feed({}); }

  // Keeps bytes for next(), such as those that come while a request is held (lab 3). False: they are too
  // many; close the connection.
  bool store(std::string_view bytes) { return reader_.store(bytes); }

 private:
  comet::core::RequestReader reader_;
};

using comet::core::Message;  // its `cursor`, and the answer to a subscriber, made once

// The retained messages of one channel: as many as --history says, the oldest first (lab 2).
class Log {
 public:
  explicit Log(const Setup& setup)
      : options_(&setup.options()), begin_(setup.started), last_(setup.started) {}

  // Good until the next append.
  const Message& append(std::string_view body);
  // The first message after `after`, good until the next append; null if there is none yet.
  const Message* first_after(Cursor after) const;

  Cursor begin() const { return begin_; }  // nothing up to here is retained
  Cursor last() const { return last_; }    // of the newest message; at first the server's start

 private:
  const Options* options_;
  std::deque<Message> messages_;
  Cursor begin_;
  Cursor last_;
};

// Where a poll with a cursor goes on in a log, and whether it has missed messages, as {after, missed}: lab 2
// as a function (lab 3).
using comet::core::resume_point;

// A message that is in no log. `last` is the cursor of the message before it.
Message make_message(Cursor last, std::string_view body, const Setup& setup);
// The two steps of it, for a log that keeps its messages as bytes: the cursor, and later the message (lab 6).
Cursor next_cursor(Cursor last);
Message make_message_at(Cursor cursor, std::string_view body, const Setup& setup);

// The answers. `form` is the request's.
// To a subscriber; with form.missed it says Comet-Missed.
inline Response message(const Message& sent, ReplyForm form) {
  return comet::core::message_response(sent, form);
}
// To a subscriber whose time is over: 204. With its next poll the client goes on from `cursor`.
inline Response nothing_new(Cursor cursor, ReplyForm form) {
  return comet::core::no_content_response(cursor, form);
}
// To a publisher: its message's cursor, and how many held requests it woke.
inline Response published(Cursor cursor, std::size_t receivers, ReplyForm form) {
  return comet::core::published_response(cursor, receivers, form);
}
// To anyone, during a drain: 503 with Retry-After, from 1 to N seconds in turn, so that the clients do not
// all come back at once. `turn` counts those that were told so before, `held` those that were held when the
// drain began (lab 3).
Response shutting_down(std::uint64_t turn, std::uint64_t held, ReplyForm form);
// 501, and the connection ends: what a starter answers where you have not written anything yet.
Response not_written(const Request& request);

// For sockets that block. Each of these functions may sleep.
// Waits for the next client, and returns its socket.
int accept_client(const Setup& setup);
// Waits for the client's next request. None: the client has closed the connection, or is gone.
std::optional<Request> receive(int socket, RequestReader& reader);
// Waits until the socket has taken all of the answer. False: the client is gone.
bool send_all(int socket, const Response& response);
// The same. False: close this connection, because the client is gone or this was the last answer.
inline bool send(int socket, const Response& response) {
  return send_all(socket, response) && !response.close;
}

// Serves one client after the other, for ever, with not_written(): what a starter does.
[[noreturn]] void serve_not_written(const Setup& setup);
// The blocking work of one publish, such as a call of a database: sleeps as long as --publish-work says
// (lab 5).
void work(const Setup& setup);

}  // namespace kit
