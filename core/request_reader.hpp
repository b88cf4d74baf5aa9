// Bytes in, decisions out, for one connection. Between requests, and so while one is held, it keeps no
// parser, only the bytes that came early.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/decision.hpp"
#include "core/http_parser.hpp"
#include "core/routes.hpp"

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

  // Puts aside bytes that come while a request is held or answered. False once they pass the bound, or
  // memory: close then.
  bool store(std::string_view bytes);
  // Whether the bound allows so many more.
  bool may_store(std::size_t size) const;

  // A request has begun and not ended: --header-timeout runs, and timeout_response() is the answer when it is
  // over.
  bool mid_request() const { return parser_ != nullptr || !buffer_.empty(); }
  Response timeout_response();
  // The answer where memory lacks for `bytes`. They may not end the request: the connection closes.
  Response refuse_without_memory(std::string_view bytes);

 private:
  Decision take(std::string_view bytes);
  Decision advance(std::string_view input, std::size_t& used);
  Decision fail(Refusal refusal, std::string_view bytes);
  void clear();

  const Service* service_;
  std::string buffer_;  // bytes not taken yet, behind `taken_` that were
  std::size_t taken_ = 0;
  std::unique_ptr<HttpParser> parser_;  // only while a body arrives
  std::size_t line_ = 0;    // where in the bytes not taken the line of the head begins that has not ended
  bool continued_ = false;  // 100 Continue was sent for the current request
  bool failed_ = false;
};

}  // namespace comet::core
