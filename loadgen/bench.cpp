// The bench driver: see bench.hpp.
#include "loadgen/bench.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <random>

#include "loadgen/errors.hpp"
#include "loadgen/machine.hpp"
#include "loadgen/manifest.hpp"
#include "loadgen/report_json.hpp"
#include "loadgen/report_table.hpp"
#include "loadgen/server_process.hpp"
#include "loadgen/signals.hpp"
#include "loadgen/smoke.hpp"

namespace comet {
namespace {

// Publisher, /stats, and the smoke set's connections, which the server may not yet have seen leave.
constexpr std::size_t kConnectionsBesides = 8;
constexpr double kReadyTimeout = 30;

class Bench {
 public:
  explicit Bench(const BenchOptions& options)
      : options_(options), entries_(select_entries(find_entries(options.root), options.entries)) {}

  int run();

 private:
  struct Job {
    std::size_t entry;
    std::int64_t held;
  };

  std::vector<Job> shuffled_jobs(std::uint64_t seed) const;
  void run_job(const Job& job);
  void measure(const Entry& entry, std::int64_t held, Measurement& result);
  void keep(Result result);
  void print_table();

  const BenchOptions& options_;
  std::vector<Entry> entries_;
  std::filesystem::path folder_;
  boost::json::object run_facts_;
  Progress progress_;
  std::vector<Result> results_;
};

int Bench::run() {
  if (entries_.empty())
    throw UsageError("no patterns/*/pattern.json or peers/*/pattern.json under " + options_.root.string() +
                     ": name the project's folder with --root");
  const std::uint64_t seed = options_.seed.value_or(std::random_device()());
  const std::string started = utc_now();
  const std::string commit = commit_of(options_.root);
  std::string stamp = started;
  std::erase(stamp, ':');
  folder_ = options_.results / stamp;
  run_facts_ = {{"schema", 1},
                {"scenario", "broadcast"},
                {"run_started_at", started},
                {"command_line", boost::json::value_from(options_.command_line)},
                {"seed", seed},
                {"commit", commit.empty() ? boost::json::value(nullptr) : boost::json::value(commit)},
                {"machine", machine_facts()}};
  std::error_code error;
  std::filesystem::create_directories(folder_,
                                      error);  // before the work: a disk that takes nothing is known at once
  if (error)
    throw std::runtime_error("cannot make " + folder_.string() + ": " + error.message() + " (see --out)");
  const std::vector<Job> jobs = shuffled_jobs(seed);
  for (std::size_t i = 0; i < jobs.size() && stop_signals() == 0; ++i) {
    progress_.start("[" + std::to_string(i + 1) + "/" + std::to_string(jobs.size()) + "] " +
                    entries_[jobs[i].entry].name + " at " + with_commas(jobs[i].held));
    run_job(jobs[i]);
  }
  print_table();
  return stop_signals() == 0 ? 0 : 128 + last_stop_signal();
}

// Sizes rise; within a size the order is random, so that no entry always follows the same neighbour.
std::vector<Bench::Job> Bench::shuffled_jobs(std::uint64_t seed) const {
  std::vector<std::int64_t> sizes = options_.sizes;
  std::sort(sizes.begin(), sizes.end());
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  std::mt19937_64 random(seed);
  std::vector<Job> jobs;
  for (const std::int64_t held : sizes) {
    const auto first = static_cast<std::ptrdiff_t>(jobs.size());
    for (std::size_t entry = 0; entry < entries_.size(); ++entry) jobs.push_back({entry, held});
    std::shuffle(jobs.begin() + first, jobs.end(), random);
  }
  return jobs;
}

void Bench::run_job(const Job& job) {
  const Entry& entry = entries_[job.entry];
  Measurement result;
  result.entry = entry.name;
  result.model = entry.model;
  result.held_wanted = job.held;
  result.started_at = utc_now();
  try {
    measure(entry, job.held, result);
  } catch (const Interrupted&) {
    result.status = Status::kInterrupted;
    result.note = "interrupted";
  } catch (const std::exception& error) {
    result.status = Status::kFailed;
    result.note = error.what();
  }
  keep(Result(std::move(result)));
}

void Bench::measure(const Entry& entry, std::int64_t held, Measurement& result) {
  for (const char* part : {"subscribe", "publish", "stats"})
    if (!entry.keeps_part(part))
      throw std::runtime_error(std::string("keeps no ") + part + ", which the bench needs");
  progress_.phase("starting");
  const std::string address = "127.0.0.1";
  result.server_command =
      entry_command(entry, address, 0, static_cast<std::size_t>(held) + kConnectionsBesides);
  ServerProcess process(result.server_command, entry.folder, options_.program_folder);
  const auto stop = [&] {
    progress_.phase("stopping");
    const ServerExit end = process.stop();
    result.stop_seconds = end.seconds;
    result.exit_status = end.exit_status;
    result.killed = end.killed;
  };
  try {
    const Endpoint endpoint{address, static_cast<std::uint16_t>(process.wait_until_ready(kReadyTimeout))};
    progress_.phase("verifying");
    verify(endpoint, entry.keeps_all);
    BroadcastOptions broadcast = options_.broadcast;
    broadcast.held = held;
    run_broadcast({endpoint, process.pid(), [&process] { return process.death(); }}, broadcast, progress_,
                  result);
  } catch (...) {
    stop();
    throw;
  }
  stop();
}

void Bench::keep(Result result) {
  progress_.finish(outcome(result));
  results_.push_back(std::move(result));
  try {
    write_result(folder_, run_facts_, results_.back());
  } catch (const std::runtime_error&) {
    print_table();
    throw;
  }
}

void Bench::print_table() {
  const auto position = [this](const Result& result) {
    return std::find_if(entries_.begin(), entries_.end(),
                        [&result](const Entry& entry) { return entry.name == result.measurement.entry; });
  };
  std::stable_sort(results_.begin(), results_.end(),
                   [&position](const Result& a, const Result& b) { return position(a) < position(b); });
  std::printf("\n%s", results_table(results_).c_str());
  std::printf("\nresults: %s\n", folder_.c_str());
  std::fflush(stdout);
}

}  // namespace

int run_bench(const BenchOptions& options) { return Bench(options).run(); }

}  // namespace comet
