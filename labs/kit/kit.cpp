// The kit, on core/ and patterns/common.
#include "labs/kit/kit.hpp"

#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <new>
#include <thread>
#include <utility>
#include <variant>

#include "patterns/common/minimal_start.hpp"
#include "patterns/common/startup.hpp"

namespace kit {
namespace {

namespace core = comet::core;
namespace common = comet::common;

Options read_options(int argc, char** argv, std::size_t* workers) {
  Options options;
  core::CommandLine line("A server of the course lab.", program_invocation_short_name);
  core::add_shared_options(line, options);
  if (workers) line.add_number("--workers", *workers, 1, 100000, "number of worker processes");
  line.parse_or_exit(argc, argv);
  common::prepare_process();
  for (const int signal : {SIGTERM, SIGINT}) {
    if (std::signal(signal, [](int) { _exit(0); }) == SIG_ERR)
      common::fail("setting a signal's handler", errno);
  }
  return options;
}

Counters& shared_counters() {
  void* const memory =
      mmap(nullptr, sizeof(Counters), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) common::fail("mapping the counters", errno);
  return *new (memory) Counters;
}

core::Service make_service(const Options& options, Counters& counters) {
  const auto read_stats = [&counters, pid = getpid(), started = core::unix_milliseconds()] {
    core::Stats stats = core::read_stats(counters, program_invocation_short_name, started);
    stats.pid = pid;  // a process that was forked answers for the whole server
    return stats;
  };
  return {options, read_stats, &counters};
}

}  // namespace

Setup::Setup(int argc, char** argv, std::size_t* workers)
    : counters(shared_counters()),
      started{core::unix_milliseconds(), 0},
      service_(make_service(read_options(argc, argv, workers), counters)),
      listener_(common::open_minimal_listener(service_.options)) {
  pause_point("start");  // a test learns that the server has points
  common::announce_ready(listener_, service_.options);
}

std::optional<Request> RequestReader::feed(std::string_view bytes) {
  core::Decision decision = reader_.feed(bytes);
  if (auto* subscribe = std::get_if<core::Subscribe>(&decision)) {
    return Request{.what = Request::What::subscribe,
                   .channel = std::move(subscribe->channel),
                   .since = subscribe->since,
                   .hold = subscribe->hold,
                   .form = subscribe->form};
  }
  if (auto* publish = std::get_if<core::Publish>(&decision)) {
    return Request{.what = Request::What::publish,
                   .channel = std::move(publish->channel),
                   .body = std::move(publish->body),
                   .form = publish->form};
  }
  if (auto* reply = std::get_if<core::Reply>(&decision)) return Request{.reply = std::move(reply->response)};
  return std::nullopt;
}

const Message& Log::append(std::string_view body) {
  last_ = core::next_cursor(last_, core::unix_milliseconds());
  messages_.push_back(core::make_message(last_, body, options_->announced_idle_seconds()));
  if (messages_.size() > options_->history) {
    begin_ = messages_.front().cursor;
    messages_.pop_front();
  }
  return messages_.back();
}

const Message* Log::first_after(Cursor after) const {
  const auto found = std::ranges::upper_bound(messages_, after, {}, &Message::cursor);
  return found == messages_.end() ? nullptr : &*found;
}

Message make_message(Cursor last, std::string_view body, const Setup& setup) {
  return make_message_at(next_cursor(last), body, setup);
}

Cursor next_cursor(Cursor last) { return core::next_cursor(last, core::unix_milliseconds()); }

Message make_message_at(Cursor cursor, std::string_view body, const Setup& setup) {
  return core::make_message(cursor, body, setup.options().announced_idle_seconds());
}

Response shutting_down(std::uint64_t turn, std::uint64_t held, ReplyForm form) {
  form.keep_alive = false;
  return core::unavailable_response("the server is shutting down", form, turn, held);
}

Response not_written(const Request& request) {
  ReplyForm form = request.form;
  form.keep_alive = false;
  return core::error_response(501, "this part of the lab is not written yet", form);
}

int accept_client(const Setup& setup) {
  while (true) {
    const int socket = accept4(setup.listener(), nullptr, nullptr, SOCK_CLOEXEC);
    if (socket >= 0) return socket;
    std::this_thread::sleep_for(common::kAcceptPause);  // no descriptor is free, for instance
  }
}

std::optional<Request> receive(int socket, RequestReader& reader) {
  std::optional<Request> request = reader.next();
  while (!request) {
    char input[16384];
    const ssize_t size = recv(socket, input, sizeof input, 0);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return std::nullopt;
    request = reader.feed({input, static_cast<std::size_t>(size)});
  }
  return request;
}

bool send_all(int socket, const Response& response) {
  if (response.is_delivery) pause_point("deliver");
  std::string_view rest = *response.bytes;
  while (!rest.empty()) {
    const ssize_t size = ::send(socket, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return false;
    rest.remove_prefix(static_cast<std::size_t>(size));
  }
  return true;
}

void serve_not_written(const Setup& setup) {
  while (true) {
    const int socket = accept_client(setup);
    RequestReader reader(setup);
    if (const auto request = receive(socket, reader)) send(socket, not_written(*request));
    close(socket);
  }
}

void work(const Setup& setup) {
  pause_point("work");
  std::this_thread::sleep_for(setup.options().publish_work);
}

}  // namespace kit
