// Encoding of responses. Header names and values are the contract's (docs/contract.md).
#include "core/response.hpp"

#include <algorithm>
#include <ctime>
#include <utility>

namespace comet::core {
namespace {

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 431:
      return "Request Header Fields Too Large";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Internal Server Error";
  }
}

// Status line and Date, which RFC 9110 section 6.6.1 asks of a server with a clock.
std::string start_head(int status) {
  char date[64];
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  const std::size_t length = std::strftime(date, sizeof date, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts);
  std::string head = "HTTP/1.1 " + std::to_string(status) + ' ';
  head.append(reason_phrase(status)).append("\r\n").append(date, length);
  return head;
}

constexpr std::string_view kFraming = "Connection: ";  // begins the last lines of every head

// The lines that depend on the request, and the empty line that ends the head. Keep-Alive concerns the
// connection alone, so Connection names it (RFC 9110 section 7.6.1); HTTP/1.0 needs that line anyway.
void finish_head(std::string& head, ReplyForm form) {
  if (form.missed) head += "Comet-Missed: true\r\n";
  head += kFraming;
  if (form.keep_alive) {
    head.append("keep-alive\r\nKeep-Alive: timeout=")
        .append(std::to_string(form.idle_seconds))
        .append("\r\n\r\n");
  } else {
    head += "close\r\n\r\n";
  }
}

Response finish(std::string head, std::string_view body, ReplyForm form) {
  head.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
  finish_head(head, form);
  if (!form.head_only) head.append(body);
  return {std::make_shared<const std::string>(std::move(head)), !form.keep_alive};
}

}  // namespace

std::string encode_message(Cursor cursor, std::string_view body, std::uint32_t idle_seconds,
                           std::size_t& head_size) {
  std::string response = start_head(200);
  response.append("Content-Type: text/plain;charset=utf-8\r\nCache-Control: no-store\r\nComet-Cursor: ")
      .append(to_string(cursor))
      .append("\r\nContent-Length: ")
      .append(std::to_string(body.size()))
      .append("\r\n");
  finish_head(response, {.idle_seconds = idle_seconds});
  head_size = response.size();
  response.append(body);
  return response;
}

Message make_message(Cursor cursor, std::string_view body, std::uint32_t idle_seconds) {
  Message message{.cursor = cursor, .response = nullptr};
  message.response =
      std::make_shared<const std::string>(encode_message(cursor, body, idle_seconds, message.head_size));
  return message;
}

bool takes_shared_bytes(ReplyForm form) { return form.keep_alive && !form.head_only && !form.missed; }

std::string reframe_message(std::string_view response, std::size_t head_size, ReplyForm form) {
  const std::string_view head = response.substr(0, head_size);
  std::string bytes(head.substr(0, head.rfind(kFraming)));
  finish_head(bytes, form);
  if (!form.head_only) bytes.append(response.substr(head_size));
  return bytes;
}

Response message_response(const Message& message, ReplyForm form) {
  if (takes_shared_bytes(form)) return {message.response, false, true};
  auto bytes = reframe_message(*message.response, message.head_size, form);
  return {std::make_shared<const std::string>(std::move(bytes)), !form.keep_alive, !form.head_only};
}

Response no_content_response(Cursor cursor, ReplyForm form) {
  std::string head = start_head(204);
  head.append("Cache-Control: no-store\r\nComet-Cursor: ").append(to_string(cursor)).append("\r\n");
  finish_head(head, form);
  return {std::make_shared<const std::string>(std::move(head)), !form.keep_alive};
}

Response published_response(Cursor cursor, std::size_t receivers, ReplyForm form) {
  std::string head = start_head(200);
  head.append("Content-Type: text/plain\r\nComet-Cursor: ")
      .append(to_string(cursor))
      .append("\r\nComet-Receivers: ")
      .append(std::to_string(receivers))
      .append("\r\n");
  return finish(std::move(head), "ok", form);
}

Response page_response(std::string_view content_type, std::string_view body, ReplyForm form) {
  std::string head = start_head(200);
  head.append("Content-Type: ").append(content_type).append("\r\n");
  return finish(std::move(head), body, form);
}

Response error_response(int status, std::string_view text, ReplyForm form, std::string_view extra_headers) {
  std::string head = start_head(status);
  // no-store on every error too: the contract asks it of all of /subscribe, and nobody should cache an error.
  head.append("Content-Type: text/plain;charset=utf-8\r\nCache-Control: no-store\r\n").append(extra_headers);
  // Asked of every 401 (RFC 9110 section 15.5.2), with at least one parameter (RFC 6750 section 3).
  if (status == 401) head += "WWW-Authenticate: Bearer realm=\"publish\"\r\n";
  return finish(std::move(head), std::string(text) + '\n', form);
}

Response unavailable_response(std::string_view text, ReplyForm form, std::uint64_t refused,
                              std::uint64_t held) {
  const std::uint64_t window =
      std::clamp<std::uint64_t>(held, 1, 5) + std::min<std::uint64_t>(held / 1000, 55);
  return error_response(503, text, form, "Retry-After: " + std::to_string(1 + refused % window) + "\r\n");
}

bool is_interim(const Response& response) { return response.bytes->starts_with("HTTP/1.1 1"); }

Response closing(const Response& response) {
  const std::size_t head_size = response.bytes->find("\r\n\r\n") + 4;
  auto bytes = reframe_message(*response.bytes, head_size, {.keep_alive = false});
  return {std::make_shared<const std::string>(std::move(bytes)), true, response.is_delivery};
}

Response continue_response() {
  static const auto bytes = std::make_shared<const std::string>("HTTP/1.1 100 Continue\r\n\r\n");
  return {bytes, false};
}

}  // namespace comet::core
