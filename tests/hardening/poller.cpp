// One request after another on a connection that is kept while the server keeps it.
#include "tests/hardening/poller.hpp"

namespace comet::test {
namespace {

void send(std::optional<Connection>& connection, std::uint16_t port, std::string_view request) {
  if (!connection) connection.emplace(port);
  connection->send(request);
}

Response receive(std::optional<Connection>& connection) {
  Response response = connection->read_response();
  if (response.header("Connection") == "close") connection.reset();
  return response;
}

ClientError unexpected(const Response& response) {
  return ClientError("the answer was " + std::to_string(response.status) + ": " + response.body);
}

}  // namespace

std::string Poller::request() const {
  return get_request("/subscribe?channel=" + channel_ + query_ + "&since=" + cursor_);
}

std::optional<std::string> Poller::poll() {
  ask();
  return take();
}

void Poller::ask() { send(connection_, port_, request()); }

std::optional<std::string> Poller::take() {
  const Response response = receive(connection_);
  if (response.status != 200 && response.status != 204) throw unexpected(response);
  if (response.has("Comet-Missed")) throw ClientError("messages were missed behind " + cursor_);
  cursor_ = response.header("Comet-Cursor");
  if (response.status == 204) return std::nullopt;
  return response.body;
}

void Poller::ask_and_leave(bool by_reset) {
  Connection connection(port_);
  connection.send(request());
  if (by_reset) connection.reset();
}

int Publisher::publish(std::string_view message) {
  send(connection_, port_,
       request("POST", "/publish?channel=" + channel_, "Content-Type: text/plain\r\n", message));
  const Response response = receive(connection_);
  if (response.status != 200) throw unexpected(response);
  return std::stoi(response.header("Comet-Receivers"));
}

}  // namespace comet::test
