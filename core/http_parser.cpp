// The only place that compiles Beast. Beast checks the grammar; what it lets pass and RFC 9110/9112 or the
// contract refuse (Host, transfer codings, Expect, chunk extensions, sizes) is checked in the callbacks.
#include "core/http_parser.hpp"

// Beast asserts that the last chunk's header was cut after five bytes or more; that of an empty body has
// three, and no bytes of a client may end a debug build.
#define BOOST_DISABLE_ASSERTS

#include <algorithm>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <cstdint>
#include <limits>

namespace comet::core {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using beast::error_code;
using beast::string_view;

Method method_of(http::verb verb) {
  switch (verb) {
    case http::verb::get:
      return Method::get;
    case http::verb::head:
      return Method::head;
    case http::verb::post:
      return Method::post;
    case http::verb::unknown:
      return Method::unknown;
    default:
      return Method::other_registered;
  }
}

BodyType body_type_of(string_view content_type) {
  const string_view type = content_type.substr(0, content_type.find_first_of("; \t"));
  if (beast::iequals(type, "application/x-www-form-urlencoded")) return BodyType::form;
  if (beast::iequals(type, "text/plain")) return BodyType::text;
  return BodyType::other;
}

string_view without_spaces(string_view text) {
  const std::size_t first = std::min(text.find_first_not_of(" \t"), text.size());
  return text.substr(first, text.find_last_not_of(" \t") + 1 - first);
}

// Whether the bytes of a body of that type are UTF-8, as far as its parameters say. US-ASCII is a part of it.
// A name may stand in quotes (RFC 9110 section 8.3.1).
bool is_utf8(string_view content_type) {
  while (!content_type.empty()) {
    const std::size_t end = std::min(content_type.find(';'), content_type.size());
    const string_view parameter = content_type.substr(0, end);
    content_type.remove_prefix(std::min(end + 1, content_type.size()));
    const std::size_t equals = std::min(parameter.find('='), parameter.size());
    if (!beast::iequals(without_spaces(parameter.substr(0, equals)), "charset")) continue;
    string_view charset = without_spaces(parameter.substr(std::min(equals + 1, parameter.size())));
    if (charset.size() >= 2 && charset.front() == '"' && charset.back() == '"') {
      charset = charset.substr(1, charset.size() - 2);
    }
    if (!beast::iequals(charset, "utf-8") && !beast::iequals(charset, "us-ascii")) return false;
  }
  return true;
}

// Values that are not known are as if they were not there: browsers may get new ones.
FetchSite fetch_site_of(string_view value) {
  if (value == "cross-site") return FetchSite::other;
  if (value == "same-origin" || value == "same-site" || value == "none") return FetchSite::own;
  return FetchSite::not_said;
}

bool is_control(unsigned char byte) { return (byte < ' ' && byte != '\t') || byte == 127; }

// Only bytes of a host and port (RFC 9112 section 3.2 asks for the refusal of others); may be empty.
bool is_host(std::string_view value) {
  return std::none_of(value.begin(), value.end(), [](char byte) {
    switch (byte) {
      case ' ':
      case '\t':
      case '"':
      case '#':
      case '/':
      case '<':
      case '>':
      case '?':
      case '@':
      case '\\':
      case '^':
      case '`':
      case '{':
      case '|':
      case '}':
        return true;
      default:
        return false;
    }
  });
}

class BeastParser final : public HttpParser, private http::basic_parser<true> {
 public:
  explicit BeastParser(std::size_t max_message) : max_message_(max_message) {
    eager(true);
    body_limit(boost::none);  // on_header_impl knows the limit, Beast does not yet
    header_limit(std::numeric_limits<std::uint32_t>::max());  // the reader bounds the head
  }

  Progress put(std::string_view input, std::size_t& used) override {
    error_code error;
    used = http::basic_parser<true>::put({input.data(), input.size()}, error);
    // The whole head is here: if Beast wants more of it, the request line ends before its version does.
    const bool waits = error == http::error::need_more && request.head_complete;
    if (error && !waits) return refused(error, input);
    return is_done() ? Progress::complete : Progress::needs_input;
  }

 private:
  void reject(int status, std::string_view text, error_code& error) {
    refusal = {status, text};
    error = http::error::bad_value;
  }

  // A refusal that a callback gave stands; the others are Beast's own.
  Progress refused(error_code error, std::string_view input) {
    if (!refusal.text.empty()) return Progress::refused;
    if (error == http::error::bad_version) {
      // "HTTP/" DIGIT "." DIGIT is a version, only not one of ours.
      const auto line = input.substr(0, input.find('\r'));
      const auto version = line.substr(line.find(' ', line.find(' ') + 1) + 1);  // behind method and target
      const auto digit = [](char c) { return c >= '0' && c <= '9'; };
      const bool well_formed = version.size() == 8 && version.substr(0, 5) == "HTTP/" && digit(version[5]) &&
                               version[6] == '.' && digit(version[7]);
      refusal =
          well_formed ? Refusal{505, "use HTTP/1.1 or HTTP/1.0"} : Refusal{400, "malformed HTTP version"};
    } else if (error == http::error::bad_content_length || error == http::error::multiple_content_length) {
      refusal = {400, "bad, doubled or conflicting Content-Length"};
    } else if (error == http::error::bad_transfer_encoding) {
      refusal = {400, "bad or conflicting Transfer-Encoding"};
    } else if (error == http::error::bad_chunk || error == http::error::bad_chunk_extension) {
      refusal = {400, "malformed chunk"};
    } else {
      refusal = {400, "malformed request"};
    }
    return Progress::refused;
  }

  void on_request_impl(http::verb verb, string_view, string_view target, int version, error_code&) override {
    request.method = method_of(verb);
    request.target.assign(target.data(), target.size());
    request.http_1_0 = version == 10;
  }

  void on_field_impl(http::field name, string_view name_given, string_view value,
                     error_code& error) override {
    if (request.head_complete) {  // trailers say nothing here
      trailer_size_ += name_given.size() + value.size();
      if (trailer_size_ > kLongestChunkLine) reject(400, kChunkLineTooLong, error);
      return;
    }
    switch (name) {
      case http::field::host:
        if (has_host_) reject(400, "more than one Host", error);
        if (!is_host(value)) reject(400, "malformed Host", error);
        has_host_ = true;
        request.host.assign(value.data(), value.size());
        break;
      case http::field::connection:
        if (http::token_list(value).exists("close")) asks_close_ = true;
        break;
      case http::field::transfer_encoding:
        if (request.http_1_0) {
          reject(400, "Transfer-Encoding in HTTP/1.0", error);
        } else if (!beast::iequals(value, "chunked")) {
          reject(501, "the only transfer coding here is chunked", error);
        } else if (has_coding_) {
          reject(400, "chunked more than once", error);
        }
        has_coding_ = true;
        break;
      case http::field::expect:
        if (!beast::iequals(value, "100-continue"))
          reject(417, "the only expectation here is 100-continue", error);
        request.expects_continue = !request.http_1_0;
        break;
      case http::field::content_type:
        request.body_type = body_type_of(value);
        request.is_utf8 = request.is_utf8 && is_utf8(value);
        break;
      case http::field::content_encoding:
        if (!value.empty() && !beast::iequals(value, "identity")) request.is_encoded = true;
        break;
      case http::field::authorization:
        request.authorization.append(value.data(), value.size());  // two of them are no credentials
        break;
      case http::field::origin:
        request.origin.append(value.data(), value.size());  // two of them are nobody's
        break;
      case http::field::sec_fetch_site:
        if (request.fetch_site != FetchSite::other) request.fetch_site = fetch_site_of(value);
        break;
      case http::field::unknown:
        if (!beast::iequals(name_given, "Comet-Cursor")) break;
        if (!request.cursor.empty()) request.cursor += ',';  // two of them are malformed
        request.cursor.append(value.data(), value.size());
        break;
      default:
        break;
    }
  }

  void on_header_impl(error_code& error) override {
    if (!request.http_1_0 && !has_host_) return reject(400, "HTTP/1.1 needs a Host header", error);
    request.head_complete = true;
    request.has_body = content_length() || chunked();
    request.keep_alive = keep_alive() && !asks_close_;  // "close" wins (RFC 9112 section 9.3)
    body_allowance_ = request.body_type == BodyType::form ? 3 * max_message_ + 1024 : max_message_;
    if (content_length() && *content_length() > body_allowance_) reject_size(error);
  }

  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}

  std::size_t on_body_impl(string_view bytes, error_code& error) override {
    if (bytes.size() > body_allowance_ - request.body.size())
      reject_size(error);
    else
      request.body.append(bytes.data(), bytes.size());
    return bytes.size();
  }

  // Beast takes any byte in a quoted extension; one that others read as the line's end would split
  // the request.
  void on_chunk_header_impl(std::uint64_t size, string_view extension, error_code& error) override {
    if (std::any_of(extension.begin(), extension.end(), is_control))
      reject(400, "malformed chunk", error);
    else if (extension.size() > kLongestChunkLine)
      reject(400, kChunkLineTooLong, error);
    else if (size > body_allowance_ - request.body.size())
      reject_size(error);
  }
  std::size_t on_chunk_body_impl(std::uint64_t, string_view bytes, error_code& error) override {
    return on_body_impl(bytes, error);
  }
  void on_finish_impl(error_code&) override {}
  void on_response_impl(int, string_view, int, error_code&) override {}

  void reject_size(error_code& error) { reject(413, "the message is over --max-message bytes", error); }

  std::size_t max_message_;
  std::size_t body_allowance_ = 0;
  std::size_t trailer_size_ = 0;
  bool has_host_ = false;
  bool has_coding_ = false;
  bool asks_close_ = false;
};

}  // namespace

std::unique_ptr<HttpParser> HttpParser::create(std::size_t max_message) {
  return std::make_unique<BeastParser>(max_message);
}

}  // namespace comet::core
