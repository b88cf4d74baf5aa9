// Verification before measuring: see smoke.hpp.
#include "loadgen/smoke.hpp"

#include <boost/json.hpp>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>

#include "loadgen/clock.hpp"

namespace comet {
namespace {

const std::string kChannel = "channel=smoke";

void expect(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error("not verified: " + what);
}

void expect_response(const Response& response, unsigned status, const std::string& body,
                     const std::string& what) {
  expect(response.status == status, what + " was answered " + std::to_string(response.status) + " where " +
                                        std::to_string(status) + " was expected");
  expect(response.body == body,
         what + " was answered '" + response.body.substr(0, 60) + "' where '" + body + "' was expected");
}

void wait_until_held(HttpClient& client, std::int64_t count) {
  const std::int64_t deadline = now_ns() + 5 * kSecond;
  while (held_by_server(client) != count) {
    expect(now_ns() < deadline, "/stats does not say that " + std::to_string(count) + " are held");
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void verify_cursor(const Response& message) {
  expect(message.content_type == "text/plain;charset=utf-8",
         "a message came with Content-Type '" + message.content_type +
             "' where text/plain;charset=utf-8 was expected");
  expect(!message.cursor.empty(), "a message came without Comet-Cursor");
}

void verify_resume(HttpClient& client, HttpClient& publisher, const std::string& cursor) {
  const std::string second = "second message";
  expect_response(publisher.post("/publish?" + kChannel, second), 200, "ok", "/publish");
  expect_response(client.get("/subscribe?" + kChannel + "&since=" + cursor), 200, second,
                  "/subscribe?since=CURSOR");
  expect_response(client.get("/subscribe?" + kChannel + "&timeout=0"), 204, "", "/subscribe?timeout=0");
  const Response missing = client.get("/no-such-page");
  expect(missing.status == 404,
         "/no-such-page was answered " + std::to_string(missing.status) + " where 404 was expected");
}

}  // namespace

ClientCount count_clients(HttpClient& client) {
  const Response response = client.get("/stats");
  boost::system::error_code error;
  const auto document = boost::json::parse(response.body, error);
  const auto number = [&](const char* key) -> std::optional<std::int64_t> {
    const auto* value = error || !document.is_object() ? nullptr : document.get_object().if_contains(key);
    if (value == nullptr || !value->is_number()) return std::nullopt;
    return value->to_number<std::int64_t>();
  };
  const auto held = number("held");
  if (response.status != 200 || !held)
    throw std::runtime_error("/stats does not say how many requests are held");
  return {*held, number("connections")};
}

void verify(const Endpoint& endpoint, bool keeps_all) {
  const std::string first = "first m\xc3\xa9ssage & 100% <ok>";
  HttpClient subscribers[2]{HttpClient(endpoint), HttpClient(endpoint)};
  HttpClient publisher(endpoint);
  const std::int64_t held_before = held_by_server(publisher);
  for (HttpClient& subscriber : subscribers) subscriber.send(get_request(endpoint, "/subscribe?" + kChannel));
  wait_until_held(publisher, held_before + 2);
  expect_response(publisher.post("/publish?" + kChannel, first), 200, "ok", "/publish");
  Response message;
  for (HttpClient& subscriber : subscribers) {
    message = subscriber.receive();
    expect_response(message, 200, first, "/subscribe");
  }
  if (!keeps_all) return;
  verify_cursor(message);
  verify_resume(subscribers[0], publisher, message.cursor);
}

}  // namespace comet
