// What the tests share: the life of the server under test and the checks that many answers have in common.
#include "tests/conformance/fixture.hpp"

#include <signal.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cstdio>
#include <cstring>
#include <thread>

#include "tests/conformance/process_group.hpp"
#include "tests/conformance/transcript.hpp"

namespace comet::test {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr unsigned kWatchDogSeconds = 50;
constexpr unsigned kSecondsToFail = 10;
constexpr milliseconds kCompiledBound{120'000};
constexpr milliseconds kSettled{500};
char watch_dog_message[256];
volatile sig_atomic_t watch_dog_has_barked = 0;

// First only the server is ended: then the test fails by itself, and prints what happened.
void end_hanging_test(int) {
  const ssize_t ignored = write(STDERR_FILENO, watch_dog_message, std::strlen(watch_dog_message));
  (void)ignored;
  ServerProcess::kill_running();
  if (watch_dog_has_barked) _exit(99);
  watch_dog_has_barked = 1;
  alarm(kSecondsToFail);
}

}  // namespace

void ServerTest::SetUp() { watch_dog(kWatchDogSeconds); }

void ServerTest::watch_dog(unsigned seconds) {
  const auto* test = testing::UnitTest::GetInstance()->current_test_info();
  std::snprintf(watch_dog_message, sizeof watch_dog_message,
                "watch-dog: %s.%s still runs after %u s; ended\n", test->test_suite_name(), test->name(),
                seconds);
  watch_dog_has_barked = 0;
  signal(SIGALRM, end_hanging_test);
  alarm(seconds);
}

void ServerTest::TearDown() {
  if (server_) {
    // One that has just closed a connection may be a moment from its end.
    constexpr milliseconds kMoment{1'000};
    auto status = server_->wait_for_exit(HasFailure() ? kMoment : milliseconds(0));
    if (!status && !serves()) {
      ADD_FAILURE() << "the server does not serve at the end of the test";
      status = server_->wait_for_exit(kMoment);
    }
    if (status) {
      ADD_FAILURE() << "the server ended during the test, with status " << *status << "; standard error:\n"
                    << server_->errors();
      server_.reset();
    } else {
      drain();
    }
  }
  alarm(0);
  EXPECT_FALSE(watch_dog_has_barked) << watch_dog_message;
}

// Whether it answers, or at least takes a connection.
bool ServerTest::serves() {
  try {
    if (keeps("health")) return get("/healthz").status == 200;
    connect();
    return true;
  } catch (const ClientError&) {
    return false;
  }
}

void ServerTest::start(const std::vector<std::string>& options, int connections,
                       const Surroundings& surroundings) {
  CommandValues values;
  values.options = options;
  values.connections = connections;
  server_ = launch(values, surroundings);
  // A peer may have to be compiled first, and that is not time of the test.
  const unsigned seconds_left = alarm(0);
  server_->wait_until_ready(under_test().entry.packages.empty() ? patience() : kCompiledBound);
  alarm(seconds_left);
}

std::unique_ptr<ServerProcess> ServerTest::launch(const CommandValues& values,
                                                  const Surroundings& surroundings) {
  return std::make_unique<ServerProcess>(under_test().program, under_test().entry.folder,
                                         command_line(values), surroundings);
}

void ServerTest::drain() {
  server_->signal(SIGTERM);
  finish();
}

void ServerTest::finish() {
  const auto status = server_->wait_for_exit(kDrainBound);
  if (status) {
    if (keeps("drain")) {
      EXPECT_EQ(*status, 0) << "exit status of a drained server";
    }
    EXPECT_TRUE(server_->group_has_ended(patience())) << "a drained server has left processes behind";
  } else {
    ADD_FAILURE() << "the server still runs " << kDrainBound.count() << " ms after it was asked to drain";
  }
  if (keeps("process")) {
    EXPECT_EQ(server_->rest_of_output(), "") << "standard output carries more than the READY line";
  }
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
  return exchange(request("POST", channel == "all" ? "/publish" : "/publish?channel=" + channel,
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
  Connection connection = connect();
  hold_on(connection, get_request(target));
  return connection;
}

void ServerTest::hold_on(Connection& connection, std::string_view bytes) {
  if (keeps("stats")) {
    const std::int64_t held = stat("held");
    connection.send(bytes);
    wait_for("held", held + 1);
  } else {
    connection.send(bytes);
    wait_until_settled(connection);
  }
}

// The kernel says that the server has read all bytes. Then its threads must all have slept at the same
// moment: what is to be done about those bytes is done. A server that never sleeps has kSettled for it.
void ServerTest::wait_until_settled(const Connection& connection) {
  connection.wait_until_received();
  const auto give_up = Clock::now() + patience();
  while (!connection.is_read_by_server()) {
    if (Clock::now() > give_up) throw ClientError("the server does not read a request");
    std::this_thread::sleep_for(milliseconds(1));
  }
  const auto settled = Clock::now() + kSettled;
  std::string before;
  while (Clock::now() < settled) {
    const std::string now = sleeping_threads(server_->pid());
    if (!now.empty() && now == before) break;
    before = now;
    std::this_thread::sleep_for(milliseconds(1));
  }
  transcript().happened("the server has read all that was sent, and waits");
}

std::string ServerTest::delivered_by(std::string_view publish_request) {
  Connection subscriber = hold();
  const Response published = exchange(publish_request);
  EXPECT_EQ(published.status, 200) << published.body;
  const Response received = subscriber.read_response();
  EXPECT_EQ(received.status, 200);
  return received.body;
}

std::int64_t ServerTest::read_stat(const std::string& name) {
  Connection connection(server_->port(), 0, Recorded::kNo);
  connection.send(request("GET", "/stats", "Connection: close\r\n"));
  std::string text;
  try {
    text = connection.read_response().body;
  } catch (const ClientError&) {
    transcript().happened("/stats is asked, and does not answer");
    throw;
  }
  boost::system::error_code error;
  const boost::json::value parsed = boost::json::parse(text, error);
  const boost::json::value* number =
      !error && parsed.is_object() ? parsed.as_object().if_contains(name) : nullptr;
  if (!number || !number->is_number()) throw ClientError("/stats has no number '" + name + "': " + text);
  return number->to_number<std::int64_t>();
}

std::int64_t ServerTest::stat(const std::string& name) {
  const std::int64_t value = read_stat(name);
  transcript().happened("/stats says " + name + " " + std::to_string(value));
  return value;
}

// The story has the last answer only: what comes before it is chance.
void ServerTest::wait_for(const std::string& name, std::int64_t value, milliseconds bound) {
  const auto deadline = Clock::now() + bound;
  for (;;) {
    // One that began in time may be late.
    const bool last_look = Clock::now() >= deadline;
    const std::int64_t now = read_stat(name);
    if (now == value || last_look) transcript().happened("/stats says " + name + " " + std::to_string(now));
    if (now == value) return;
    if (last_look) {
      throw ClientError("/stats: '" + name + "' stayed at " + std::to_string(now) + " for " +
                        std::to_string(bound.count()) + " ms, expected " + std::to_string(value));
    }
    std::this_thread::sleep_for(milliseconds(5));
  }
}

}  // namespace comet::test
