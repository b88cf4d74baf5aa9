// Bytes in, decisions out, for one connection. Between requests, and so while one is held, it keeps no
// parser, only the bytes that came early.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/decision.hpp"
#include "core/http_parser.hpp"
#include "core/service.hpp"

namespace comet::core {

constexpr std::size_t kLongestRequestLine = 8192;  // bytes; RFC 9112 section 3 asks for at least 8000
constexpr std::size_t kLongestHead = 16384;        // bytes, request line included

class RequestReader {
 public:
  // `service` must outlive the reader.
  explicit RequestReader(const Service& service) : service_(&service) {}

  // Takes all of `bytes` and yields the first decision; ask next() until NeedsInput for those that follow.
  // After a framing error the reply closes and every later call yields NeedsInput.
  Decision feed(std::string_view bytes);
  Decision next() { return feed({}); }

  // Puts aside bytes that come while a request is held or answered. False, and the connection is to be
  // closed, if they pass the bound or memory runs out.
  bool store(std::string_view bytes);
  // Whether the bound allows `size` bytes more.
  bool may_store(std::size_t size) const;

  // A request has begun and not ended: --header-timeout runs, and timeout_response() is the answer when it is
  // over. An empty line before a request, or the half of one, begins none.
  bool mid_request() const { return parser_ != nullptr || (taken_ < buffer_.size() && rest() != "\r"); }
  Response timeout_response();
  // The answer if memory runs out for `bytes`. They may not be the end of the request: the connection closes.
  Response refuse_without_memory(std::string_view bytes);

 private:
  Decision take(std::string_view bytes);
  Decision advance(std::string_view input, std::size_t& used);
  Decision fail(Refusal refusal, std::string_view bytes);
  void clear();
  std::string_view rest() const { return std::string_view(buffer_).substr(taken_); }

  const Service* service_;
  std::string buffer_;  // bytes that came: first `taken_` that were consumed, then the rest
  std::size_t taken_ = 0;
  std::unique_ptr<HttpParser> parser_;  // only while a body arrives
  std::size_t line_ = 0;                // offset, in the rest, of the head's line that is still incomplete
  bool continued_ = false;              // 100 Continue was sent for the current request
  bool failed_ = false;
};

}  // namespace comet::core
