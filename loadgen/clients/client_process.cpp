// A client process: see client_process.hpp.
#include "loadgen/clients/client_process.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <exception>

#include "loadgen/clock.hpp"

namespace comet::loadgen {
namespace {

// Churn: connections that come at fixed times, stay for a while and leave.
class Arrivals {
 public:
  explicit Arrivals(Subscribers& subscribers) : subscribers_(subscribers) {}

  void start(const Command& command) { plan_ = command; }
  // Does everything that is due. Returns the nanoseconds until the next thing is due, below 0 if nothing
  // ever will be.
  std::int64_t step();
  std::int64_t left() const { return left_; }
  const std::vector<std::int64_t>& lags() const { return lags_; }

 private:
  struct Held {
    std::int64_t index;
    std::int64_t end_ns;
  };

  Subscribers& subscribers_;
  Command plan_{CommandKind::kArrive};
  std::int64_t arrived_ = 0;
  std::int64_t left_ = 0;
  std::deque<Held> held_;  // all are held equally long, so the first to arrive is the first to leave
  std::vector<std::int64_t> lags_;
};

std::int64_t Arrivals::step() {
  for (;;) {
    const std::int64_t now = now_ns();
    const std::int64_t arrival =
        arrived_ < plan_.count ? plan_.start_ns + arrived_ * plan_.interval_ns : INT64_MAX;
    const std::int64_t leave = held_.empty() ? INT64_MAX : held_.front().end_ns;
    if (std::min(arrival, leave) > now)
      return std::min(arrival, leave) == INT64_MAX ? -1 : std::min(arrival, leave) - now;
    if (leave <= arrival) {
      subscribers_.leave(held_.front().index);
      held_.pop_front();
      ++left_;
    } else {
      ++arrived_;
      lags_.push_back(now - arrival);
      held_.push_back({subscribers_.opened(), now + plan_.hold_ns});
      subscribers_.open(1);
    }
  }
}

using Column = std::vector<std::int64_t>;

void append_column(std::string& out, const Column& column) {
  const auto size = static_cast<std::int64_t>(column.size());
  out.append(reinterpret_cast<const char*>(&size), sizeof size);
  out.append(reinterpret_cast<const char*>(column.data()), column.size() * sizeof(std::int64_t));
}

bool read_column(std::string_view& in, Column& column) {
  std::int64_t size = 0;
  if (in.size() < sizeof size) return false;
  std::memcpy(&size, in.data(), sizeof size);
  in.remove_prefix(sizeof size);
  const std::size_t bytes = static_cast<std::size_t>(size) * sizeof(std::int64_t);
  if (in.size() < bytes) return false;
  const std::size_t before = column.size();
  column.resize(before + static_cast<std::size_t>(size));
  if (bytes > 0) std::memcpy(column.data() + before, in.data(), bytes);
  in.remove_prefix(bytes);
  return true;
}

// Five columns, then one line "KIND COUNT" for each kind of event.
void write_samples(int file, const Subscribers& subscribers, const Arrivals& arrivals) {
  std::string out;
  for (const Column& column : {subscribers.latencies(), subscribers.socket_latencies(), subscribers.lags(),
                               arrivals.lags(), subscribers.spans()})
    append_column(out, column);
  for (const auto& [kind, count] : subscribers.events()) out += kind + " " + std::to_string(count) + "\n";
  if (ftruncate(file, 0) != 0) _exit(1);
  for (std::size_t done = 0; done < out.size();) {
    const ssize_t size = pwrite(file, out.data() + done, out.size() - done, static_cast<off_t>(done));
    if (size <= 0 && errno != EINTR) _exit(1);
    if (size > 0) done += static_cast<std::size_t>(size);
  }
}

void report(int commands, Report report) {
  if (send(commands, &report, sizeof report, MSG_NOSIGNAL) != sizeof report) _exit(1);
}

class Client {
 public:
  Client(const SubscriberSettings& settings, const Schedule& schedule, ClientCounts& counts, int commands,
         int file)
      : subscribers_(settings, schedule),
        arrivals_(subscribers_),
        counts_(counts),
        commands_(commands),
        file_(file) {
    subscribers_.watch(commands);
  }

  // Until the driver closes its end.
  void run();

 private:
  bool handle_command();  // false at the end

  Subscribers subscribers_;
  Arrivals arrivals_;
  ClientCounts& counts_;
  int commands_;
  int file_;
  std::int64_t round_reported_ = 0;
};

void Client::run() {
  for (;;) {
    const std::int64_t timeout_ns = arrivals_.step();
    subscribers_.copy_counts(counts_);
    counts_.left = arrivals_.left();
    const std::int64_t round = subscribers_.round_done();
    if (round > round_reported_) report(commands_, {ReportKind::kRoundDone, round});
    round_reported_ = std::max(round_reported_, round);
    if (subscribers_.poll(timeout_ns) && !handle_command()) return;
  }
}

bool Client::handle_command() {
  Command command{};
  const ssize_t size = recv(commands_, &command, sizeof command, MSG_DONTWAIT);
  if (size < 0) return errno == EAGAIN || errno == EINTR;
  if (size != sizeof command) return false;
  switch (command.kind) {
    case CommandKind::kOpen:
      subscribers_.open(command.count);
      break;
    case CommandKind::kArrive:
      arrivals_.start(command);
      break;
    case CommandKind::kAskAgain:
      subscribers_.ask_again();
      report(commands_, {ReportKind::kDone});
      break;
    case CommandKind::kCollect:
      subscribers_.poll(0);  // duplicates may have come since
      subscribers_.copy_counts(counts_);
      write_samples(file_, subscribers_, arrivals_);
      report(commands_, {ReportKind::kDone});
      break;
  }
  return true;
}

}  // namespace

void run_client(const SubscriberSettings& settings, const Schedule& schedule, ClientCounts& counts,
                int commands, int file) {
  // Ctrl-C on a terminal reaches all processes, but only the driver is to act on it: it ends its clients. If
  // the driver dies, the kernel kills them.
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_DFL);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_NAME, "loadgen-client");
  try {
    Client(settings, schedule, counts, commands, file).run();
  } catch (const std::exception& error) {
    std::strncpy(counts.error.data(), error.what(), counts.error.size() - 1);
    _exit(1);
  }
  _exit(0);
}

bool append_samples(int file, Samples& samples) {
  struct stat facts {};
  if (fstat(file, &facts) != 0) return false;
  std::string text(static_cast<std::size_t>(facts.st_size), '\0');
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t size = pread(file, text.data() + done, text.size() - done, static_cast<off_t>(done));
    if (size <= 0) return false;
    done += static_cast<std::size_t>(size);
  }
  std::string_view unread(text);
  for (Column* column : {&samples.latencies_ns, &samples.socket_latencies_ns, &samples.lags_ns,
                         &samples.arrival_lags_ns, &samples.spans})
    if (!read_column(unread, *column)) return false;
  while (!unread.empty()) {
    const std::size_t blank = unread.find(' ');
    const std::size_t end = unread.find('\n');
    if (blank == std::string_view::npos || end == std::string_view::npos) return false;
    samples.events[std::string(unread.substr(0, blank))] +=
        std::stoll(std::string(unread.substr(blank + 1, end - blank)));
    unread.remove_prefix(end + 1);
  }
  return true;
}

}  // namespace comet::loadgen
