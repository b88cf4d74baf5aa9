// Finds the head of the next request, has it parsed, and routes it once it is whole.
#include "core/request_reader.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "core/access.hpp"
#include "core/routes.hpp"

namespace comet::core {
namespace {

constexpr std::size_t kStoredBytes = 65536;  // early bytes beside one whole message

enum class Head { incomplete, complete, malformed, line_too_long, too_long };

// Looks for the empty line that ends the head. `line` is the offset of the first line that was not seen to
// end, and moves on. Every line must end in CRLF: a bare LF or CR is an error (RFC 9112 section 2.2 lets a
// server choose that), and so is a folded line (section 5.2).
Head scan_head(std::string_view input, std::size_t& line) {
  while (true) {
    const std::size_t line_feed = input.find('\n', line);
    if (line_feed == line) return Head::malformed;
    const std::size_t end = std::min(line_feed, input.size());
    if (line == 0 && end > kLongestRequestLine) return Head::line_too_long;
    if (end > kLongestHead) return Head::too_long;
    const std::size_t carriage_return = input.substr(0, end).find('\r', line);
    if (carriage_return < end - 1) return Head::malformed;
    if (line_feed == std::string_view::npos) return Head::incomplete;
    if (carriage_return != end - 1) return Head::malformed;
    if (carriage_return == line) return Head::complete;
    if (line > 0 && (input[line] == ' ' || input[line] == '\t')) return Head::malformed;
    line = line_feed + 1;
  }
}

// For a head that was not parsed: no answer to HEAD has a body, not even a refusal.
bool begins_as_head(std::string_view bytes) {
  while (bytes.starts_with("\r\n")) bytes.remove_prefix(2);
  return bytes.starts_with("HEAD ");
}

}  // namespace

Decision RequestReader::feed(std::string_view bytes) {
  if (failed_) return NeedsInput{};
  try {
    return take(bytes);
  } catch (const std::bad_alloc&) {
    return Reply{refuse_without_memory(bytes)};
  }
}

Decision RequestReader::take(std::string_view bytes) {
  const bool from_buffer = !buffer_.empty();
  if (from_buffer) buffer_.append(bytes);
  const std::string_view input = from_buffer ? rest() : bytes;
  std::size_t used = 0;
  Decision decision = advance(input, used);
  if (failed_) return decision;
  if (!from_buffer) {
    buffer_.assign(input.substr(used));
  } else if (used == input.size()) {
    clear();
  } else if (taken_ += used; taken_ > buffer_.size() / 2) {
    // Not sooner: moving the rest up after each of many small pipelined requests would cost quadratic time.
    buffer_.erase(0, std::exchange(taken_, 0));
  }
  return decision;
}

bool RequestReader::may_store(std::size_t size) const {
  return buffer_.size() - taken_ + size <= kStoredBytes + service_->options.max_message;
}

bool RequestReader::store(std::string_view bytes) {
  if (!may_store(bytes.size())) return false;
  try {
    buffer_.append(bytes);
  } catch (const std::bad_alloc&) {
    return false;
  }
  return true;
}

Response RequestReader::timeout_response() {
  return std::get<Reply>(fail({408, "the request did not arrive within --header-timeout"}, {})).response;
}

Response RequestReader::refuse_without_memory(std::string_view bytes) {
  return std::get<Reply>(fail({503, "no memory for this request"}, bytes)).response;
}

Decision RequestReader::advance(std::string_view input, std::size_t& used) {
  if (!parser_) {
    // RFC 9112 section 2.2: empty lines before a request line are ignored.
    while (input.substr(used, 2) == "\r\n") used += 2;
    const std::string_view head = input.substr(used);
    if (head.empty()) return NeedsInput{};
    switch (scan_head(head, line_)) {
      case Head::malformed:
        return fail({400, "a line of the head is folded or does not end in CRLF"}, input);
      case Head::line_too_long:
        return fail({414, "the request line is over 8 KiB"}, input);
      case Head::too_long:
        return fail({431, "the head of the request is over 16 KiB"}, input);
      case Head::incomplete:
        return NeedsInput{};
      case Head::complete:
        break;
    }
    line_ = 0;
    parser_ = HttpParser::create(service_->options.max_message);
  }
  std::size_t taken = 0;
  const auto progress = parser_->put(input.substr(used), taken);
  used += taken;
  HttpRequest& request = parser_->request;
  if (!request.head_complete) return fail(parser_->refusal, input);
  const auto target = parse_target(request.target);
  // This comes before all checks of the body: a refused sender's body is not read.
  if (target) {
    if (const auto refusal = refuse_sender(request, *target, service_->options)) return fail(*refusal, input);
  }
  if (progress == HttpParser::Progress::refused) return fail(parser_->refusal, input);
  if (progress == HttpParser::Progress::complete) {
    Decision decision = route(std::move(request), target, *service_);
    parser_.reset();  // not before: if memory runs out for the decision, the refusal asks it for the method
    continued_ = false;
    return decision;
  }
  if (input.size() - used > kLongestChunkLine) return fail({400, kChunkLineTooLong}, input);
  if (request.expects_continue && !continued_ && request.body.empty()) {
    continued_ = true;
    return Reply{continue_response()};
  }
  return NeedsInput{};
}

// A held request keeps no buffer: its memory goes too.
void RequestReader::clear() {
  std::string().swap(buffer_);
  taken_ = 0;
}

// The connection's framing is lost: answer, close, read nothing more. `bytes` are those given last.
Decision RequestReader::fail(Refusal refusal, std::string_view bytes) {
  failed_ = true;
  ReplyForm form{.keep_alive = false};
  if (parser_ && parser_->request.head_complete) {
    form.head_only = parser_->request.method == Method::head;
  } else {
    form.head_only = begins_as_head(buffer_.empty() ? bytes : rest());
  }
  parser_.reset();
  clear();
  if (!service_->counters) return Reply{error_response(refusal.status, refusal.text, form)};
  return Reply{service_->refuse(refusal, form)};
}

}  // namespace comet::core
