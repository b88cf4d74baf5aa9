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

constexpr int kMostClients = 64;
// What a client process keeps of its open files for other things than connections.
constexpr std::int64_t kClientDescriptorsBesides = 64;

// All clients together.
struct ClientTotals {
  std::int64_t opened = 0;
  std::int64_t failed = 0;
  std::int64_t waiting = 0;
  std::int64_t left = 0;
  std::int64_t delivered = 0;
  std::int64_t duplicate = 0;
  std::int64_t wrong = 0;

  // Those that have a request out, or will once they are connected again.
  std::int64_t subscribed() const { return opened - failed; }
};

// How many are needed for `connections` under the open-file limit; `asked` of them when given. Throws
// std::runtime_error when those do not suffice.
int client_processes_for(std::int64_t connections, std::optional<int> asked);

class ClientProcesses {
 public:
  // Forks `processes` clients that share settings.count subscribers (`first` and `stride` are set here).
  // Throws std::runtime_error.
  ClientProcesses(SubscriberSettings settings, int processes);
  // Their connections are reset and they are gone afterwards.
  ~ClientProcesses();
  ClientProcesses(const ClientProcesses&) = delete;
  ClientProcesses& operator=(const ClientProcesses&) = delete;

  int size() const { return static_cast<int>(clients_.size()); }
  Schedule& schedule();
  ClientTotals totals() const;

  // `count` more connections, shared evenly; returns how many that were, fewer at the end.
  std::int64_t open(std::int64_t count);
  // Churn: `count` arrivals, `interval_ns` apart, together.
  void arrive(std::int64_t count, std::int64_t start_ns, double interval_ns, std::int64_t hold_ns);
  // Waits until each client has said that the round of message `published` is done, `timeout_ms` at most.
  // False when one has not yet.
  bool wait_round(std::int64_t published, int timeout_ms);
  // All samples so far.
  Samples collect();
  // CPU time of each client process in nanoseconds.
  std::vector<std::int64_t> cpu_ns() const;
  // Throws std::runtime_error when one has ended.
  void check_alive() const;

 private:
  struct Client {
    pid_t pid = -1;
    int commands = -1;
    int file = -1;
    std::int64_t capacity = 0;
    std::int64_t opened = 0;
    std::int64_t round = 0;  // done
    bool collected = false;
  };
  struct Share;

  void start(const SubscriberSettings& settings, std::size_t index);
  void stop();
  // Throws std::runtime_error once one has ended; returns where none does.
  void await_end() const;
  void command(Client& client, const Command& command);
  void read_reports(int timeout_ms);

  Share* share_ = nullptr;
  std::vector<Client> clients_;
  std::size_t next_ = 0;
};

}  // namespace comet::loadgen
