// The driver's side of the client processes: see client_processes.hpp.
#include "loadgen/clients/client_processes.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <new>
#include <stdexcept>
#include <thread>

#include "loadgen/clock.hpp"
#include "loadgen/errors.hpp"
#include "loadgen/machine/process_tree.hpp"
#include "loadgen/numbers.hpp"
#include "loadgen/signals.hpp"

namespace comet::loadgen {
namespace {

constexpr std::int64_t kCommandTimeout = 120 * kSecond;  // to ask again for a million takes half a minute
constexpr std::int64_t kEndTimeout = 5 * kSecond;

std::string how_it_ended(pid_t process) {
  siginfo_t info{};
  if (waitid(P_PID, static_cast<id_t>(process), &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0)
    return "";
  if (info.si_code == CLD_EXITED) return "ended with status " + std::to_string(info.si_status);
  return std::string("ended by signal ") + strsignal(info.si_status);
}

}  // namespace

struct ClientProcesses::SharedMemory {
  Schedule schedule;
  std::array<ClientCounts, kMaxClientProcesses> counts;
};

int client_processes_for(std::int64_t connections, std::size_t servers, std::optional<int> asked) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) throw std::runtime_error(system_error_text("getrlimit"));
  const std::int64_t each =
      static_cast<std::int64_t>(std::min<rlim_t>(limit.rlim_cur, INT32_MAX)) - kReservedClientDescriptors;
  const auto groups = static_cast<std::int64_t>(servers);
  const std::int64_t of_one = (connections + groups - 1) / groups;
  const std::int64_t needed = each < 1 ? kMaxClientProcesses + 1 : groups * ((of_one + each - 1) / each);
  const std::int64_t processes =
      asked ? std::min<std::int64_t>(*asked, std::max(groups, connections)) : needed;
  if (needed > kMaxClientProcesses || processes < needed)
    throw std::runtime_error(
        "the load generator's open-file limit allows " + with_commas(std::max<std::int64_t>(0, each)) +
        " connections per client process: " + with_commas(connections) + " need " + with_commas(needed) +
        " processes, at most " + std::to_string(kMaxClientProcesses) + " (ulimit -Hn, --client-processes)");
  return static_cast<int>(std::max<std::int64_t>(1, processes));
}

ClientProcesses::ClientProcesses(SubscriberSettings settings, const std::vector<Endpoint>& servers,
                                 int processes) {
  void* memory =
      mmap(nullptr, sizeof(SharedMemory), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::runtime_error(system_error_text("mmap"));
  shared_ = new (memory) SharedMemory;
  const auto count = static_cast<std::uint32_t>(std::clamp(processes, 1, kMaxClientProcesses));
  const std::uint32_t subscribers = settings.count;
  settings.stride = count;
  try {
    for (std::uint32_t i = 0; i < count; ++i) {
      settings.endpoint = servers[i % servers.size()];
      settings.first = i;
      settings.count = subscribers / count + (i < subscribers % count ? 1 : 0);
      start(settings, i);
    }
  } catch (...) {
    stop();
    throw;
  }
}

void ClientProcesses::start(const SubscriberSettings& settings, std::size_t index) {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    throw std::runtime_error(system_error_text("socketpair"));
  Client& client = clients_.emplace_back();
  client.commands = ends[0];
  client.capacity = settings.count;
  client.file = memfd_create("samples", MFD_CLOEXEC);
  client.pid = client.file < 0 ? -1 : fork();
  if (client.pid == 0) {
    // Otherwise the other clients would not see that the driver has closed its end.
    for (const Client& other : clients_) close(other.commands);
    run_client(settings, shared_->schedule, shared_->counts[index], ends[1], client.file);
  }
  const std::string problem = system_error_text("cannot start a client process");
  close(ends[1]);
  if (client.pid < 0) throw std::runtime_error(problem);
}

ClientProcesses::~ClientProcesses() { stop(); }

void ClientProcesses::stop() {
  for (const Client& client : clients_) close(client.commands);
  const std::int64_t deadline = now_ns() + kEndTimeout;
  for (const Client& client : clients_) {
    while (client.pid > 0 && waitpid(client.pid, nullptr, WNOHANG) == 0) {
      if (now_ns() > deadline) kill(client.pid, SIGKILL);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    if (client.file >= 0) close(client.file);
  }
  munmap(shared_, sizeof(SharedMemory));
}

Schedule& ClientProcesses::schedule() { return shared_->schedule; }

ClientTotals ClientProcesses::totals() const {
  ClientTotals totals;
  for (std::size_t i = 0; i < clients_.size(); ++i) {
    const ClientCounts& counts = shared_->counts[i];
    totals.opened += counts.opened;
    totals.failed += counts.failed;
    totals.waiting += counts.waiting;
    totals.left += counts.left;
    totals.delivered += counts.delivered;
    totals.duplicate += counts.duplicate;
    totals.wrong += counts.wrong;
    totals.last_arrival_ns = std::max<std::int64_t>(totals.last_arrival_ns, counts.last_arrival_ns);
    totals.last_delivery_ns = std::max<std::int64_t>(totals.last_delivery_ns, counts.last_delivery_ns);
    totals.response_bytes = std::max<std::int64_t>(totals.response_bytes, counts.response_bytes);
  }
  return totals;
}

void ClientProcesses::command(Client& client, const Command& command) {
  if (send(client.commands, &command, sizeof command, MSG_NOSIGNAL) == sizeof command) return;
  const std::string problem = system_error_text("cannot command a client process");
  await_end();
  throw std::runtime_error(problem);
}

std::int64_t ClientProcesses::open(std::int64_t count) {
  std::vector<std::int64_t> added(clients_.size(), 0);
  std::int64_t total = 0;
  for (std::size_t full = 0; total < count && full < clients_.size(); next_ = (next_ + 1) % clients_.size()) {
    Client& client = clients_[next_];
    if (client.opened == client.capacity) {
      ++full;
      continue;
    }
    full = 0;
    ++client.opened;
    ++added[next_];
    ++total;
  }
  for (std::size_t i = 0; i < clients_.size(); ++i)
    if (added[i] > 0) command(clients_[i], {CommandKind::kOpen, added[i]});
  return total;
}

void ClientProcesses::arrive(std::int64_t count, std::int64_t start_ns, double interval_ns,
                             std::int64_t hold_ns) {
  const auto clients = static_cast<std::int64_t>(clients_.size());
  for (std::int64_t i = 0; i < clients; ++i)
    command(clients_[static_cast<std::size_t>(i)],
            {CommandKind::kArrive, count / clients + (i < count % clients ? 1 : 0),
             start_ns + std::llround(interval_ns * static_cast<double>(i)),
             std::llround(interval_ns * static_cast<double>(clients)), hold_ns});
}

void ClientProcesses::read_reports(int timeout_ms) {
  std::vector<pollfd> entries;
  for (const Client& client : clients_) entries.push_back({client.commands, POLLIN, 0});
  if (poll(entries.data(), entries.size(), timeout_ms) <= 0) return;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].revents == 0) continue;
    Report report{};
    const ssize_t size = recv(entries[i].fd, &report, sizeof report, MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (size != sizeof report) {
      await_end();
      throw std::runtime_error("a client process ended");
    }
    if (report.kind == ReportKind::kRoundDone) clients_[i].round = report.message;
    if (report.kind == ReportKind::kDone) clients_[i].done = true;
  }
}

bool ClientProcesses::wait_round(std::int64_t published, int timeout_ms) {
  const auto done = [&] {
    return std::all_of(clients_.begin(), clients_.end(),
                       [published](const Client& client) { return client.round >= published; });
  };
  if (!done()) read_reports(timeout_ms);
  return done();
}

void ClientProcesses::command_all(CommandKind kind) {
  for (Client& client : clients_) {
    client.done = false;
    command(client, {kind});
  }
  const std::int64_t deadline = now_ns() + kCommandTimeout;
  while (!std::all_of(clients_.begin(), clients_.end(), [](const Client& client) { return client.done; })) {
    if (now_ns() > deadline) throw std::runtime_error("a client process did not answer within 120 s");
    read_reports(100);
  }
}

void ClientProcesses::ask_again() { command_all(CommandKind::kAskAgain); }

Samples ClientProcesses::collect() {
  command_all(CommandKind::kCollect);
  Samples samples;
  for (const Client& client : clients_)
    if (!append_samples(client.file, samples)) throw std::runtime_error("a client process wrote no samples");
  return samples;
}

std::optional<std::int64_t> ClientProcesses::user_bytes() const {
  std::vector<pid_t> processes;
  for (const Client& client : clients_) processes.push_back(client.pid);
  return proportional_set_size(processes);
}

std::vector<std::int64_t> ClientProcesses::cpu_ns() const {
  std::vector<std::int64_t> times;
  for (const Client& client : clients_) times.push_back(cpu_clock_ns(client.pid));
  return times;
}

// The kernel closes a process's sockets a moment before waitid() reports its end.
void ClientProcesses::await_end() const {
  for (const std::int64_t deadline = now_ns() + kEndTimeout; now_ns() < deadline;
       std::this_thread::sleep_for(std::chrono::milliseconds(1)))
    check_alive();
}

void ClientProcesses::check_alive() const {
  for (std::size_t i = 0; i < clients_.size(); ++i) {
    const std::string end = how_it_ended(clients_[i].pid);
    const std::string why = shared_->counts[i].error.data();
    if (!end.empty())
      throw std::runtime_error("a client process of the load generator " + end +
                               (why.empty() ? "" : ": " + why));
  }
}

}  // namespace comet::loadgen
