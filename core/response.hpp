// Every byte that a server sends. A message is encoded once and its bytes are shared by all its receivers; a
// receiver that needs another framing (close, HEAD, missed messages to be told of) gets bytes of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/cursor.hpp"

namespace comet::core {

// Why a request is not done: a status and one line for its client.
struct Refusal {
  int status = 400;
  std::string_view text;
};

// How the answer to one request is framed, and whether it must say that messages were missed.
struct ReplyForm {  // in 4 bytes, for each held request keeps one
  bool keep_alive : 1 = true;
  bool head_only : 1 = false;
  bool missed : 1 = false;
  // How long the connection may then be idle: an answer with keep-alive says it.
  std::uint32_t idle_seconds : 29 = 0;
};

// Bytes ready to send.
struct Response {
  std::shared_ptr<const std::string> bytes;
  bool close = false;        // the connection ends after them
  bool is_delivery = false;  // a message: once sent whole it counts as delivered
};

// A published message in a channel's log: its whole response, made once.
struct Message {
  Cursor cursor;
  std::shared_ptr<const std::string> response;
  std::size_t head_size = 0;  // bytes of `response` before the body
};

// The bytes for a subscriber whose connection stays open; `head_size` receives where the body starts.
// `idle_seconds` as in ReplyForm.
std::string encode_message(Cursor cursor, std::string_view body, std::uint32_t idle_seconds,
                           std::size_t& head_size);
Message make_message(Cursor cursor, std::string_view body, std::uint32_t idle_seconds = 0);

// True if the shared bytes serve `form` as they are.
bool takes_shared_bytes(ReplyForm form);
// The same bytes reframed for a form that the shared ones do not fit.
std::string reframe_message(std::string_view response, std::size_t head_size, ReplyForm form);
// Throws std::bad_alloc if memory runs out for bytes of its own; Service::message() does not.
Response message_response(const Message& message, ReplyForm form);

// 204 of /subscribe: the hold is over; the next poll goes on from `cursor`.
Response no_content_response(Cursor cursor, ReplyForm form);
// 200 of /publish: the message is in the log and `receivers` held requests were woken.
Response published_response(Cursor cursor, std::size_t receivers, ReplyForm form);
// 200 with a body of the given type.
Response page_response(std::string_view content_type, std::string_view body, ReplyForm form);
// An error with a one-line text body; `extra_headers` are whole lines, each ended by CRLF.
Response error_response(int status, std::string_view text, ReplyForm form,
                        std::string_view extra_headers = {});
// 503 for the client that is refused after `refused` others, while `held` requests are held or were when the
// drain began. Retry-After goes in turn from 1 to N seconds, so that clients do not all come back at once: N
// grows with `held` to 5, then by one for each 1,000, to 60.
Response unavailable_response(std::string_view text, ReplyForm form, std::uint64_t refused,
                              std::uint64_t held);
// Whether it is a 100, which is not the answer yet.
bool is_interim(const Response& response);
// The same answer, saying that the connection ends with it; it must not be an interim one.
Response closing(const Response& response);
// The interim 100 that a client with `Expect: 100-continue` waits for.
Response continue_response();

}  // namespace comet::core
