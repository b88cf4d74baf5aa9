// Verification before measuring: see smoke.hpp.
#include "loadgen/driver/smoke.hpp"

#include <boost/json.hpp>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "loadgen/clock.hpp"

namespace comet::loadgen {
namespace {

const std::string kMessage = "a m\xc3\xa9ssage & 100% <ok>";
const std::string kField = "message=a+m%C3%A9ssage+%26+100%25+%3Cok%3E";

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

// The verification of one server.
class Verification {
 public:
  Verification(const Endpoint& endpoint, const Endpoint& publish_to, std::string channel)
      : endpoint_(endpoint),
        channel_(std::move(channel)),
        server_(endpoint),
        publisher_(publish_to),
        held_by_others_(held_by_server(server_)) {}

  void subscribe_and_publish();
  void publish_form() { deliver_published(form(), "/publish of a form"); }
  void publish_get() {
    deliver_published(get_request(endpoint_, "/publish?channel=" + channel_ + "&" + kField), "GET /publish");
  }
  void channels();
  void leaving();
  void cursors();
  void timeout();

 private:
  std::string form() const {
    return post_request(endpoint_, "/publish?channel=" + channel_, kField,
                        "application/x-www-form-urlencoded");
  }
  void hold(HttpClient& client, const std::string& channel, std::int64_t count);
  void deliver_published(const std::string& request, const std::string& what);

  const Endpoint& endpoint_;
  const std::string channel_;
  HttpClient server_;
  HttpClient publisher_;
  const std::int64_t held_by_others_;
  std::string cursor_;
};

// Sends a subscribe, and waits until `count` of our requests are held.
void Verification::hold(HttpClient& client, const std::string& channel, std::int64_t count) {
  client.send(get_request(endpoint_, "/subscribe?channel=" + channel));
  wait_until_held(server_, held_by_others_ + count);
}

void Verification::subscribe_and_publish() {
  HttpClient first(endpoint_), second(endpoint_);
  hold(first, channel_, 1);
  hold(second, channel_, 2);
  expect_response(publisher_.post("/publish?channel=" + channel_, kMessage), 200, "ok", "/publish");
  expect_response(first.receive(), 200, kMessage, "/subscribe");
  const Response message = second.receive();
  expect_response(message, 200, kMessage, "/subscribe");
  expect(message.content_type == "text/plain;charset=utf-8",
         "a message came with Content-Type '" + message.content_type +
             "' where text/plain;charset=utf-8 was expected");
  cursor_ = message.cursor;
}

void Verification::deliver_published(const std::string& request, const std::string& what) {
  HttpClient subscriber(endpoint_);
  hold(subscriber, channel_, 1);
  publisher_.connect();
  publisher_.send(request);
  expect_response(publisher_.receive(), 200, "ok", what);
  expect_response(subscriber.receive(), 200, kMessage, "/subscribe after a " + what);
}

void Verification::channels() {
  HttpClient here(endpoint_), there(endpoint_);
  hold(here, channel_, 1);
  hold(there, "other", 2);
  expect_response(publisher_.post("/publish?channel=other", "there"), 200, "ok", "/publish");
  expect_response(there.receive(), 200, "there", "/subscribe?channel=other");
  expect_response(publisher_.post("/publish?channel=" + channel_, "here"), 200, "ok", "/publish");
  expect_response(here.receive(), 200, "here", "/subscribe");
}

void Verification::leaving() {
  HttpClient client(endpoint_);
  hold(client, channel_, 1);
  client.close();
  wait_until_held(server_, held_by_others_);
}

void Verification::cursors() {
  expect(!cursor_.empty(), "a message came without Comet-Cursor");
  expect_response(publisher_.post("/publish?channel=" + channel_, "the next"), 200, "ok", "/publish");
  expect_response(server_.get("/subscribe?channel=" + channel_ + "&since=" + cursor_), 200, "the next",
                  "/subscribe?since=CURSOR");
}

void Verification::timeout() {
  expect_response(server_.get("/subscribe?channel=" + channel_ + "&timeout=0"), 204, "",
                  "/subscribe?timeout=0");
}

}  // namespace

namespace {

ClientCount clients_in(const Response& response) {
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

}  // namespace

ClientCount count_clients(HttpClient& client) { return clients_in(client.get("/stats")); }

// All are asked before one is waited for: a busy machine then lets each work once, not one after the other.
ClientCount count_clients(Connections& servers) {
  for (std::size_t i = 0; i < servers.size(); ++i) servers[i].send_get("/stats");
  ClientCount all{0, 0};
  for (std::size_t i = 0; i < servers.size(); ++i) {
    const ClientCount one = clients_in(servers[i].receive());
    all.held += one.held;
    if (all.connections && one.connections)
      *all.connections += *one.connections;
    else
      all.connections.reset();
  }
  return all;
}

void verify(const Endpoint& endpoint, const Endpoint& publish_to,
            const std::function<bool(const std::string& part)>& keeps, const std::string& channel) {
  Verification verification(endpoint, publish_to, channel);
  verification.subscribe_and_publish();
  if (keeps("cursors")) verification.cursors();  // behind the first message comes the next
  if (keeps("publish-form")) verification.publish_form();
  if (keeps("publish-get")) verification.publish_get();
  if (keeps("channels")) verification.channels();
  if (keeps("leaving")) verification.leaving();
  if (keeps("timeout")) verification.timeout();
}

}  // namespace comet::loadgen
