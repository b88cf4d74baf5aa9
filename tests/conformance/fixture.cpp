// What the tests share: the life of the server under test and the checks that many answers have in common.
#include "tests/conformance/fixture.hpp"

#include <signal.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <charconv>
#include <cstring>
#include <thread>

namespace comet::test {
namespace {

using std::chrono::milliseconds;

constexpr unsigned kWatchDogSeconds = 50;
char watch_dog_message[256];

void end_hanging_test(int) {
  const ssize_t ignored = write(STDERR_FILENO, watch_dog_message, std::strlen(watch_dog_message));
  (void)ignored;
  ServerProcess::kill_running();
  _exit(99);
}

bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::uint64_t to_number(std::string_view digits) {
  std::uint64_t number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

}  // namespace

UnderTest& under_test() {
  static UnderTest chosen;
  return chosen;
}

void ServerTest::SetUp() { watch_dog(kWatchDogSeconds); }

void ServerTest::watch_dog(unsigned seconds) {
  const auto* test = testing::UnitTest::GetInstance()->current_test_info();
  std::snprintf(watch_dog_message, sizeof watch_dog_message,
                "watch-dog: %s.%s still runs after %u s; ended\n", test->test_suite_name(), test->name(),
                seconds);
  signal(SIGALRM, end_hanging_test);
  alarm(seconds);
}

void ServerTest::TearDown() {
  if (server_) {
    bool serves = false;
    try {
      serves = get("/healthz").status == 200;
    } catch (const ClientError&) {
    }
    EXPECT_TRUE(serves) << "the server does not serve at the end of the test";
    // One that has just closed all its connections may be a moment from its end.
    if (const auto status = server_->wait_for_exit(milliseconds(serves ? 0 : 1'000))) {
      ADD_FAILURE() << "the server ended during the test, with status " << *status << "; standard error:\n"
                    << server_->errors();
      server_.reset();
    } else {
      drain();
    }
  }
  alarm(0);
}

void ServerTest::start(const std::vector<std::string>& options, int connections,
                       const Surroundings& surroundings) {
  CommandValues values;
  values.options = options;
  values.connections = connections;
  server_ = launch(values, surroundings);
  server_->wait_until_ready(patience());
}

std::unique_ptr<ServerProcess> ServerTest::launch(const CommandValues& values,
                                                  const Surroundings& surroundings) {
  const Entry& entry = under_test().entry;
  const std::vector<std::string> words = command_line(entry, values);
  return std::make_unique<ServerProcess>(under_test().program, entry.folder, words, surroundings);
}

void ServerTest::drain() {
  server_->signal(SIGTERM);
  finish();
}

void ServerTest::finish() {
  const auto status = server_->wait_for_exit(kDrainBound);
  if (status) {
    EXPECT_EQ(*status, 0) << "exit status of a drained server";
    EXPECT_TRUE(server_->group_has_ended(patience())) << "a drained server has left processes behind";
  } else {
    ADD_FAILURE() << "the server still runs " << kDrainBound.count() << " ms after it was asked to drain";
  }
  EXPECT_EQ(server_->rest_of_output(), "") << "standard output carries more than the READY line";
  const std::string errors = server_->errors();
  for (const char* report : {"Sanitizer", "runtime error:"}) {
    EXPECT_EQ(errors.find(report), std::string::npos) << "standard error carries a sanitizer report:\n"
                                                      << errors;
  }
  if (HasFailure() && !errors.empty()) std::printf("standard error of the server:\n%s\n", errors.c_str());
  server_.reset();
}

Response ServerTest::exchange(std::string_view bytes) {
  Connection connection = connect();
  connection.send(bytes);
  return connection.read_response();
}

Response ServerTest::get(std::string_view target) {
  return exchange(request("GET", target, "Connection: close\r\n"));
}

Response ServerTest::head(std::string_view target) {
  Connection connection = connect();
  connection.send(request("HEAD", target));
  Response response = connection.read_response(Expect::kHeadersOnly);
  connection.end_sending();
  EXPECT_EQ(connection.read_until_closed(), "") << "an answer to HEAD has a body";
  return response;
}

Response ServerTest::publish(std::string_view message, const std::string& channel) {
  return exchange(request("POST", "/publish?channel=" + channel,
                          "Content-Type: text/plain\r\nConnection: close\r\n" +
                              std::string(message.empty() ? "Content-Length: 0\r\n" : ""),
                          message));
}

Connection ServerTest::ask_for_big_message(std::string_view requests) {
  EXPECT_EQ(publish(big_message()).status, 200);
  Connection reader = connect(1 << 18);
  reader.send(requests);
  EXPECT_TRUE(reader.readable_within(patience()));
  return reader;
}

const std::string& ServerTest::big_message() {
  static const std::string message(std::size_t{16} << 20, 'b');
  return message;
}

Connection ServerTest::hold(std::string_view target) {
  const std::int64_t held = stat("held");
  Connection connection = connect();
  connection.send(get_request(target));
  wait_for("held", held + 1);
  return connection;
}

std::int64_t ServerTest::stat(const std::string& name) {
  const std::string text = get("/stats").body;
  boost::system::error_code error;
  const boost::json::value parsed = boost::json::parse(text, error);
  const boost::json::value* number =
      !error && parsed.is_object() ? parsed.as_object().if_contains(name) : nullptr;
  if (!number || !number->is_number()) throw ClientError("/stats has no number '" + name + "': " + text);
  return number->to_number<std::int64_t>();
}

void ServerTest::wait_for(const std::string& name, std::int64_t value, milliseconds bound) {
  const auto deadline = std::chrono::steady_clock::now() + bound;
  for (;;) {
    // One that began in time may be late.
    const bool last_look = std::chrono::steady_clock::now() >= deadline;
    const std::int64_t now = stat(name);
    if (now == value) return;
    if (last_look) {
      throw ClientError("/stats: '" + name + "' stayed at " + std::to_string(now) + " for " +
                        std::to_string(bound.count()) + " ms, expected " + std::to_string(value));
    }
    std::this_thread::sleep_for(milliseconds(5));
  }
}

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

void expect_message(const Response& response, std::string_view message) {
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, message);
  EXPECT_EQ(response.header("Content-Type"), "text/plain;charset=utf-8");
  EXPECT_EQ(response.header("Cache-Control"), "no-store");
  EXPECT_EQ(response.header("Content-Length"), std::to_string(message.size())) << "wrong Content-Length";
  EXPECT_GT(cursor(cursor_of(response)), cursor("0"));
}

void expect_nothing_new(const Response& response) {
  EXPECT_EQ(response.status, 204);
  EXPECT_EQ(response.body, "");
  EXPECT_EQ(response.header("Cache-Control"), "no-store");
  // RFC 9110, 8.6: no Content-Length on a 204.
  EXPECT_FALSE(response.has("Content-Length"));
  cursor_of(response);
}

void expect_error(const Response& response, int status) {
  EXPECT_EQ(response.status, status);
  EXPECT_EQ(response.header("Content-Type").substr(0, 10), "text/plain");
  EXPECT_EQ(response.header("Content-Length"), std::to_string(response.body.size()));
  std::string line = response.body;
  if (!line.empty() && line.back() == '\n') line.pop_back();
  EXPECT_NE(line, "") << "an error says nothing in its body";
  EXPECT_EQ(line.find_first_of("\r\n"), std::string::npos)
      << "an error's body is more than one line: " << line;
}

void expect_error_and_close(Connection& connection, int status) {
  const Response response = connection.read_response();
  expect_error(response, status);
  EXPECT_EQ(response.header("Connection"), "close");
  EXPECT_EQ(connection.read_until_closed(), "") << "bytes after the answer to a framing error";
}

void expect_retry_after(const Response& response) {
  EXPECT_TRUE(all_digits(response.header("Retry-After")))
      << "a 503 needs Retry-After in seconds, got '" << response.header("Retry-After") << "'";
}

}  // namespace comet::test
