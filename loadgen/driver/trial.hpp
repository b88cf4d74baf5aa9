// One repeat of one scenario against one running server: what all scenarios have in common.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "loadgen/clients/client_processes.hpp"
#include "loadgen/clients/http.hpp"
#include "loadgen/driver/costs.hpp"
#include "loadgen/driver/progress.hpp"
#include "loadgen/driver/scenario.hpp"
#include "loadgen/driver/smoke.hpp"
#include "loadgen/machine/process_tree.hpp"
#include "loadgen/results/measurement.hpp"

namespace comet::loadgen {

// The server as the scenario sees it.
struct ServerUnderTest {
  Endpoint endpoint;
  std::optional<pid_t> root;                          // of its process tree; nothing when it runs elsewhere
  std::function<std::optional<std::string>()> death;  // how it ended, nothing while it runs
  std::optional<ClientCount> before{};  // the first of several trials: their clients must be gone
  double warm_up_seconds = 0;           // of rounds before anything is timed
};

// The server does not hold as many as it is asked to: a result, not a failure.
struct Ceiling : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// While it lives, timed waits of this thread, and of the client processes that it forks, end on time: within
// 1 ns by the kernel's timers and not the usual 50 us, which would be in every latency that runs from a due
// time. Ends with the trial, so that no server is started with it.
class ExactWaits {
 public:
  ExactWaits();
  ~ExactWaits();
  ExactWaits(const ExactWaits&) = delete;
  ExactWaits& operator=(const ExactWaits&) = delete;

 private:
  int before_ns_;
};

class Trial {
 public:
  // Starts the client processes for at most `connections` in all, so that they are there when memory at rest
  // is read. The references outlive it.
  Trial(const ServerUnderTest& server, const Scenario& scenario, std::int64_t connections,
        int client_processes, Progress& progress, Measurement& result);
  // Takes the clients' counts and errors over, also on the way out by an exception.
  ~Trial();

  const ServerUnderTest& server() const { return server_; }
  const Scenario& scenario() const { return scenario_; }
  Progress& progress() { return progress_; }
  Measurement& result() { return result_; }
  ClientProcesses& clients() { return *clients_; }
  HttpClient& publisher() { return publisher_; }

  // Throws when the server or a client process has ended, and Interrupted.
  void check_alive();
  // Throws when a subscriber was refused or cut off.
  void check_connections() const;
  void read_memory(std::optional<std::int64_t> MemoryFigures::*moment);
  std::optional<std::int64_t> user_bytes() const;
  // Held requests by the server's own count, less those of others.
  std::int64_t held();
  // Connects, few at a time, until `count` are held. Throws Ceiling.
  void hold(std::int64_t count);
  // Until the server holds every request that is out.
  void wait_until_all_held();

  // Around the timed part. Reading the server's costs takes long where it has many processes: that is before
  // the first clock and after the last.
  void start_costs();
  void stop_costs();
  // Of the timed part: a wait for deliveries that never came. Costs are not spread over it.
  void leave_out(std::int64_t idle_ns) { idle_ns_ += idle_ns; }
  // Counts the server's system calls while `deliver` makes some more deliveries.
  void count_system_calls(const std::function<void()>& deliver);
  // Fetches the samples of the timed part and sets latency, skew, lag and costs per delivery.
  Samples take_samples();

 private:
  void read_server_costs(Costs& costs);
  void read_own_costs(Costs& costs) const;
  void wait_until_left(const ClientCount& before);

  const ServerUnderTest& server_;
  const Scenario& scenario_;
  Progress& progress_;
  Measurement& result_;
  HttpClient control_;
  HttpClient publisher_;
  ExactWaits exact_waits_;
  std::unique_ptr<ClientProcesses> clients_;
  std::int64_t held_before_ = 0;  // by others
  std::int64_t asked_ = 0;        // connections so far
  Costs before_;
  Costs after_;
  std::int64_t idle_ns_ = 0;
};

}  // namespace comet::loadgen
