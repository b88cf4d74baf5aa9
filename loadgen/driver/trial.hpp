// One repeat of one scenario against one running server: what all scenarios have in common.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "loadgen/clients/client_processes.hpp"
#include "loadgen/clients/http.hpp"
#include "loadgen/clients/paced_requests.hpp"
#include "loadgen/driver/costs.hpp"
#include "loadgen/driver/progress.hpp"
#include "loadgen/driver/scenario.hpp"
#include "loadgen/driver/smoke.hpp"
#include "loadgen/machine/core_times.hpp"
#include "loadgen/results/measurement.hpp"

namespace comet::loadgen {

// The server that is measured, or several that share their messages and are measured as one.
struct ServerUnderTest {
  std::vector<Endpoint> endpoints;                    // of each server
  Endpoint publish_to;                                // the server itself, or a relay of several
  std::vector<pid_t> roots;                           // of their process trees; none if that is not known
  std::function<std::optional<std::string>()> death;  // how it ended, nothing while it runs
  std::optional<ClientCount>
      before{};                // before the first of several trials: the next waits until it is so again
  double warm_up_seconds = 0;  // of messages before anything is timed
};

// The server holds fewer requests than it was asked to. That is a result, not a failure.
struct Ceiling : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// While it exists, timed waits of this thread and of the client processes that it forks end on time: the
// kernel may delay them by 1 ns instead of the usual 50 us, which would be in every latency that counts from
// a due time. It ends with the trial, so that no server inherits it.
class PreciseTimers {
 public:
  PreciseTimers();
  ~PreciseTimers();
  PreciseTimers(const PreciseTimers&) = delete;
  PreciseTimers& operator=(const PreciseTimers&) = delete;

 private:
  int before_ns_;
};

class Trial {
 public:
  // Starts the client processes, for at most `connections` in all, before memory at rest is read. The
  // references outlive this object.
  Trial(const ServerUnderTest& server, const Scenario& scenario, std::int64_t connections,
        int client_processes, Progress& progress, Measurement& result);
  // Puts the clients' counts and errors into the result, also after an exception.
  ~Trial();

  const ServerUnderTest& server() const { return server_; }
  const Scenario& scenario() const { return scenario_; }
  Progress& progress() { return progress_; }
  Measurement& result() { return result_; }
  ClientProcesses& clients() { return *clients_; }
  HttpClient& publisher() { return publisher_; }

  // Throws std::runtime_error if the server or a client process has ended, and Interrupted on a stop signal.
  void check_alive();
  // Throws std::runtime_error if a subscriber was refused or its connection was closed.
  void check_connections() const;
  void read_memory(std::optional<std::int64_t> MemoryFigures::*moment);
  std::optional<std::int64_t> user_bytes() const;
  // Held requests by the server's own count, without those of other clients.
  std::int64_t held();
  // Connects, a few at a time, until `count` requests are held. Throws Ceiling.
  void hold(std::int64_t count);
  // Waits until the server holds every request that waits for an answer. Returns how often it has asked the
  // server. Throws std::runtime_error after 10 s without progress.
  int wait_until_all_held();

  // Before and after the timed part.
  void start_costs();
  void stop_costs();
  // Takes time out of the timed part: a wait for deliveries that never came.
  void exclude_idle_time(std::int64_t idle_ns) { idle_ns_ += idle_ns; }
  // Counts the server's system calls while `deliver` causes some more deliveries.
  void count_system_calls(const std::function<void()>& deliver);
  static double machine_cores();
  CpuReading read_cpu() const { return clocks_.read(*clients_); }
  CpuClocks& clocks() { return clocks_; }
  // Fetches the samples of the timed part, and sets latency, skew, lag and the costs per delivery. `use`: of
  // the timed part; nothing for all of it.
  Samples take_samples(std::optional<CpuUse> use = {});

 private:
  KernelCounts read_counts();
  void wait_until_left(const ClientCount& before);

  const ServerUnderTest& server_;
  const Scenario& scenario_;
  Progress& progress_;
  Measurement& result_;
  Connections control_;  // one to each server, for /stats
  HttpClient publisher_;
  PreciseTimers precise_timers_;
  std::unique_ptr<ClientProcesses> clients_;
  CpuClocks clocks_;
  std::int64_t held_by_others_ = 0;
  std::int64_t connections_asked_ = 0;  // of the client processes, so far
  KernelCounts counts_before_, counts_after_;
  CpuReading cpu_before_, cpu_after_;
  std::vector<CoreTimes> cores_before_;
  std::int64_t idle_ns_ = 0;
};

}  // namespace comet::loadgen
