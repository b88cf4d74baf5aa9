// Checks that many answers have in common. Of an entry that keeps only some parts of the contract they ask
// only what those parts say: no cursor without `cursors`, no Cache-Control without `http`, no text in a
// refusal without `refusals`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "tests/conformance/client.hpp"

namespace comet::test {

// A cursor, ordered. Throws ClientError if `text` is neither 0 nor MILLISECONDS-SEQUENCE.
std::pair<std::uint64_t, std::uint64_t> cursor(const std::string& text);
// The cursor that an answer carries; throws ClientError if there is none.
std::string cursor_of(const Response& response);

// Where a check is called from, so that its failure says it. (Clang 14 has no std::source_location.)
struct Caller {
  const char* file;
  int line;
  static Caller current(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    return {file, line};
  }
};

void expect_message(const Response& response, std::string_view message, Caller caller = Caller::current());
// The 204 of /subscribe.
void expect_nothing_new(const Response& response, Caller caller = Caller::current());
// An answer of /subscribe: no cache may keep it.
void expect_not_stored(const Response& response, Caller caller = Caller::current());
// The answer to a publish that woke `count` held requests.
void expect_receivers(const Response& response, std::size_t count, Caller caller = Caller::current());
// The status, and what every error carries: a one-line text body and its length.
void expect_error(const Response& response, int status, Caller caller = Caller::current());
// An error after which the server closes the connection, whatever followed the bad bytes.
void expect_error_and_close(Connection& connection, int status, Caller caller = Caller::current());
void expect_retry_after(const Response& response, Caller caller = Caller::current());

}  // namespace comet::test
