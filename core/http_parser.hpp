// One HTTP/1.x request from its bytes. Boost.Beast does the work and is compiled in http_parser.cpp alone.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "core/response.hpp"

namespace comet::core {

constexpr std::size_t kLongestChunkLine = 16384;  // bytes; of a chunk's header, and of all trailers together
constexpr std::string_view kChunkLineTooLong = "a chunk header or trailer is over 16 KiB";

enum class Method { get, head, post, other_registered, unknown };
enum class BodyType { none_given, form, text, other };
// What Sec-Fetch-Site says of the page that made a browser send the request.
enum class FetchSite { not_said, own, other };

struct HttpRequest {
  Method method = Method::unknown;
  std::string target;
  bool http_1_0 = false;
  bool keep_alive = true;
  bool expects_continue = false;
  bool head_complete = false;
  bool has_body = false;  // its framing says that there is one, which may be empty
  BodyType body_type = BodyType::none_given;
  bool is_utf8 = true;      // as far as the body's type says
  bool is_encoded = false;  // by a content coding such as gzip
  FetchSite fetch_site = FetchSite::not_said;
  std::string host;
  std::string origin;
  std::string authorization;
  std::string cursor;  // of Comet-Cursor
  std::string body;    // chunks joined, framing removed
};

class HttpParser {
 public:
  enum class Progress { needs_input, complete, refused };

  // Bodies over `max_message` bytes are refused with 413; a form body may be three times that, its
  // encoded size.
  static std::unique_ptr<HttpParser> create(std::size_t max_message);
  virtual ~HttpParser() = default;

  // The first call must hold the whole head. `used` receives the bytes taken from `input`; give
  // the rest again.
  virtual Progress put(std::string_view input, std::size_t& used) = 0;

  HttpRequest request;
  Refusal refusal;  // after Progress::refused
};

}  // namespace comet::core
