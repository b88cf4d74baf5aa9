// Bayeux 1.0 on /live, by long polling and by WebSocket, as the clients of Faye and CometD speak it
// (https://docs.cometd.org/current/reference/#_bayeux). A channel's messages are the stream's; a session is this
// gateway's alone, and a client that comes to another one is told to shake hands again.
#pragma once

#include <boost/json.hpp>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "nodes/gateway/bayeux_session.hpp"
#include "nodes/gateway/connection.hpp"

namespace comet::gateway {

class Bayeux {
 public:
  explicit Bayeux(Gateway& gateway) : gateway_(gateway) {}

  void start();
  // Sends all clients away; they shake hands at another gateway.
  void stop();

  asio::awaitable<core::Response> serve_post(Connection& connection, const Request& request);
  asio::awaitable<void> serve_socket(Connection& connection, const Request& request);

 private:
  using SessionPtr = std::shared_ptr<BayeuxSession>;
  // What is answered to a batch of messages. If `held` is set, one is a connect, whose answer waits.
  struct Answer {
    std::vector<std::string> replies{};
    SessionPtr held{};
    boost::json::object connect{};
    Outbox::Clock::time_point until{};
    SessionPtr last{};  // that was spoken for
  };

  asio::awaitable<void> expire();
  asio::awaitable<Answer> handle(boost::json::array messages, std::string address);
  boost::json::object shake_hands(const boost::json::object& message, const std::string& address);
  void connect(const boost::json::object& message, const SessionPtr& session, Answer& answer);
  boost::json::object subscribe(const boost::json::object& message, BayeuxSession& session, bool leaves);
  asio::awaitable<boost::json::object> publish(const boost::json::object& message, BayeuxSession& session);
  // Adds what the session has to the answer, and the answer to its connect.
  void finish(Answer& answer);
  asio::awaitable<void> hold(Answer answer, std::shared_ptr<Waiting> socket);

  Gateway& gateway_;
  std::unordered_map<std::string, SessionPtr> sessions_;  // by client ID
};

}  // namespace comet::gateway
