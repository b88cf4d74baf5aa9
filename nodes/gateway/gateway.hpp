// What all connections of a gateway share, and the clients that wait.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "core/service.hpp"
#include "nodes/common/bus_client.hpp"
#include "nodes/gateway/gateway_options.hpp"
#include "nodes/gateway/hub.hpp"
#include "nodes/gateway/registry.hpp"

namespace comet::gateway {

struct Gateway {
  Gateway(asio::io_context& io_loop, const GatewayOptions& given);

  std::string stats() const;      // JSON
  std::string user_list() const;  // JSON: the names of users at all gateways
  void lose(const std::string& user);
  // Bytes that one client may have yet to be sent.
  std::size_t most_unsent() const;

  asio::io_context& loop;
  const GatewayOptions& options;
  const std::string name;  // that no other gateway has
  const std::uint64_t started;
  const std::size_t most_waiting;
  core::Counters counters;
  core::Service service;
  Hub hub;
  nodes::BusClient bus;
  Registry registry;
  std::unordered_map<std::string, Outbox*> users;  // at this gateway, by name
  std::uint64_t sessions = 0;                      // of users, since the start
  std::size_t bayeux_sessions = 0;
  std::unordered_set<Outbox*> outboxes;                  // of all clients that wait
  std::unordered_map<std::string, std::size_t> waiting;  // clients, by address
};

// One client that waits, from its beginning to its end: counted, and known when the gateway ends.
class Waiting {
 public:
  // Whether there is room for one more; else why not.
  static std::optional<core::Refusal> refuse(const Gateway& gateway, const std::string& address);

  Waiting(Gateway& gateway, const std::string& address);
  ~Waiting();
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

  Outbox outbox;

 private:
  Gateway& gateway_;
  const std::string address_;
};

// Brings one channel's messages to an outbox, in the form of its client.
class ChannelReader final : public Receiver {
 public:
  enum class Form { event, action, direct };
  // From `since` on: what the hub has comes first.
  ChannelReader(Hub& hub, const std::string& channel, core::Cursor since, Outbox& outbox, Form form);
  ~ChannelReader() { hub_.leave(channel_, *this); }
  ChannelReader(const ChannelReader&) = delete;
  ChannelReader& operator=(const ChannelReader&) = delete;

  void take(const ChannelMessage& message) override;
  void miss() override;

 private:
  Hub& hub_;
  const std::string channel_;
  core::Cursor after_;  // the last message that the client has, or will be sent
  Outbox& outbox_;
  const Form form_;
};

}  // namespace comet::gateway
