// The driver's side of the client processes: starts them, commands them, adds up what they count, ends them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "loadgen/clients/client_process.hpp"
#include "loadgen/clients/client_share.hpp"

namespace comet::loadgen {

constexpr int kMaxClientProcesses = 64;
// Open files of a client process that are kept back from connections.
constexpr std::int64_t kReservedClientDescriptors = 64;

// All clients together.
struct ClientTotals {
  std::int64_t opened = 0;
  std::int64_t failed = 0;
  std::int64_t waiting = 0;
  std::int64_t left = 0;
  std::int64_t delivered = 0;
  std::int64_t duplicate = 0;
  std::int64_t wrong = 0;
  std::int64_t last_arrival_ns = 0;
  std::int64_t last_delivery_ns = 0;
  std::int64_t response_bytes = 0;

  // Those that are waiting for an answer, or will be as soon as they are connected again.
  std::int64_t subscribed() const { return opened - failed; }
};

// How many processes the open-file limit makes necessary for `connections`, or `asked` if that is given;
// as many for each of `servers`. Throws std::runtime_error if those are too few.
int client_processes_for(std::int64_t connections, std::size_t servers, std::optional<int> asked);

class ClientProcesses {
 public:
  // Forks `processes` clients and divides settings.count subscribers among them (`endpoint`, `first` and
  // `stride` are set here). Each client has one of the servers; there are no fewer clients than servers.
  // Throws std::runtime_error.
  ClientProcesses(SubscriberSettings settings, const std::vector<Endpoint>& servers, int processes);
  // Ends them; their connections are reset.
  ~ClientProcesses();
  ClientProcesses(const ClientProcesses&) = delete;
  ClientProcesses& operator=(const ClientProcesses&) = delete;

  int size() const { return static_cast<int>(clients_.size()); }
  Schedule& schedule();
  ClientTotals totals() const;

  // Opens `count` more connections, divided evenly. Returns how many there were left to open, at
  // most `count`.
  std::int64_t open(std::int64_t count);
  // Churn: `count` arrivals of all clients together, `interval_ns` apart.
  void arrive(std::int64_t count, std::int64_t start_ns, double interval_ns, std::int64_t hold_ns);
  // Waits until each client has reported that the round of message number `published` is done, at most
  // `timeout_ms`. False if one has not.
  bool wait_round(std::int64_t published, int timeout_ms);
  // All that have the newest message and were not to ask again at once send their next request. Returns when
  // they have sent it.
  void ask_again();
  // All samples so far.
  Samples collect();
  // Proportional set size of all client processes, in bytes.
  std::optional<std::int64_t> user_bytes() const;
  // CPU time of each client process in nanoseconds.
  std::vector<std::int64_t> cpu_ns() const;
  // Throws std::runtime_error if one has ended.
  void check_alive() const;

 private:
  struct Client {
    pid_t pid = -1;
    int commands = -1;
    int file = -1;
    std::int64_t capacity = 0;
    std::int64_t opened = 0;
    std::int64_t round = 0;  // done
    bool done = false;       // with the last command
  };
  struct SharedMemory;

  void start(const SubscriberSettings& settings, std::size_t index);
  void stop();
  // Throws std::runtime_error as soon as one has ended; returns if none does within 5 s.
  void await_end() const;
  void command(Client& client, const Command& command);
  // To all; waits until all are done with it.
  void command_all(CommandKind kind);
  void read_reports(int timeout_ms);

  SharedMemory* shared_ = nullptr;
  std::vector<Client> clients_;
  std::size_t next_ = 0;
};

}  // namespace comet::loadgen
