// Each check asks an entry for what it keeps, and for nothing else.
#include "tests/conformance/expectations.hpp"

#include <gtest/gtest.h>

#include <charconv>

#include "tests/conformance/under_test.hpp"

namespace comet::test {
namespace {

bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::uint64_t to_number(std::string_view digits) {
  std::uint64_t number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

struct Trace : testing::ScopedTrace {
  explicit Trace(const Caller& caller) : testing::ScopedTrace(caller.file, caller.line, "called from here") {}
};

}  // namespace

std::pair<std::uint64_t, std::uint64_t> cursor(const std::string& text) {
  if (text == "0") return {0, 0};
  const std::string_view all = text;
  const auto dash = all.find('-');
  if (dash == std::string::npos || !all_digits(all.substr(0, dash)) || !all_digits(all.substr(dash + 1))) {
    throw ClientError("'" + text + "' is not a cursor");
  }
  return {to_number(all.substr(0, dash)), to_number(all.substr(dash + 1))};
}

std::string cursor_of(const Response& response) {
  if (!response.has("Comet-Cursor")) {
    throw ClientError("no Comet-Cursor on the answer " + std::to_string(response.status));
  }
  std::string text = response.header("Comet-Cursor");
  cursor(text);
  return text;
}

void expect_message(const Response& response, std::string_view message, Caller caller) {
  const Trace trace(caller);
  EXPECT_EQ(response.status, 200);
  if (response.status != 200) return;
  EXPECT_EQ(response.body, message);
  EXPECT_EQ(response.header("Content-Type"), "text/plain;charset=utf-8");
  expect_not_stored(response);
  if (keeps("http")) {
    EXPECT_EQ(response.header("Content-Length"), std::to_string(message.size())) << "wrong Content-Length";
  }
  if (keeps("cursors")) {
    EXPECT_GT(cursor(cursor_of(response)), cursor("0"));
  }
}

void expect_nothing_new(const Response& response, Caller caller) {
  const Trace trace(caller);
  EXPECT_EQ(response.status, 204);
  if (response.status != 204) return;
  EXPECT_EQ(response.body, "");
  expect_not_stored(response);
  // RFC 9110, 8.6: no Content-Length on a 204.
  if (keeps("http")) {
    EXPECT_FALSE(response.has("Content-Length"));
  }
  if (keeps("cursors")) cursor_of(response);
}

void expect_not_stored(const Response& response, Caller caller) {
  const Trace trace(caller);
  if (keeps("http")) {
    EXPECT_EQ(response.header("Cache-Control"), "no-store");
  }
}

void expect_receivers(const Response& response, std::size_t count, Caller caller) {
  const Trace trace(caller);
  EXPECT_EQ(response.status, 200);
  if (keeps("receivers")) {
    EXPECT_EQ(response.header("Comet-Receivers"), std::to_string(count));
  }
}

void expect_error(const Response& response, int status, Caller caller) {
  const Trace trace(caller);
  EXPECT_EQ(response.status, status);
  if (!keeps("refusals")) return;
  EXPECT_EQ(response.header("Content-Type").substr(0, 10), "text/plain");
  EXPECT_EQ(response.header("Content-Length"), std::to_string(response.body.size()));
  std::string line = response.body;
  if (!line.empty() && line.back() == '\n') line.pop_back();
  EXPECT_NE(line, "") << "an error says nothing in its body";
  EXPECT_EQ(line.find_first_of("\r\n"), std::string::npos)
      << "an error's body is more than one line: " << line;
}

void expect_error_and_close(Connection& connection, int status, Caller caller) {
  const Trace trace(caller);
  const Response response = connection.read_response();
  expect_error(response, status);
  EXPECT_EQ(response.header("Connection"), "close");
  EXPECT_EQ(connection.read_until_closed(), "") << "bytes after the answer to a framing error";
}

void expect_retry_after(const Response& response, Caller caller) {
  const Trace trace(caller);
  EXPECT_TRUE(all_digits(response.header("Retry-After")))
      << "a 503 needs Retry-After in seconds, got '" << response.header("Retry-After") << "'";
}

}  // namespace comet::test
