// The bench driver: see bench.hpp.
#include "loadgen/driver/bench.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <map>
#include <random>

#include "loadgen/clock.hpp"
#include "loadgen/driver/doctor.hpp"
#include "loadgen/driver/manifest.hpp"
#include "loadgen/driver/plan.hpp"
#include "loadgen/driver/program_path.hpp"
#include "loadgen/driver/scenarios.hpp"
#include "loadgen/driver/server_process.hpp"
#include "loadgen/driver/smoke.hpp"
#include "loadgen/errors.hpp"
#include "loadgen/machine/machine.hpp"
#include "loadgen/numbers.hpp"
#include "loadgen/results/report_json.hpp"
#include "loadgen/results/report_table.hpp"
#include "loadgen/signals.hpp"

namespace comet::loadgen {
namespace {

constexpr double kReadyTimeout = 30;
constexpr double kDiscardedSeconds = 1;  // of each measurement in the pass that is discarded
constexpr double kMostStolen = 5;        // percent; a repeat with more is measured again
constexpr int kMostAttempts = 3;

class Bench {
 public:
  explicit Bench(const BenchOptions& options)
      : options_(options), entries_(select_entries(find_entries(options.root), options.entries)) {}

  int run();

 private:
  // One entry at one size and rate.
  struct Job {
    const Entry* entry;
    Scenario scenario;
    Series series;
    double seconds = 0;  // that its repeats have taken
    int done = 0;
  };

  static bool measured(const Job& job);
  void prepare(std::uint64_t seed);
  void make_jobs();
  double remaining_seconds(int repeat, const std::vector<std::size_t>& order, std::size_t next) const;
  void run_job(Job& job, Measurement result);
  void discard_first_pass();
  void measure(const Job& job, Measurement& result);
  void measure_undisturbed(const Job& job, Measurement& result);
  int wait_until_ready(ServerProcess& process, const Job& job);
  void record(Job& job, Measurement result);
  void print_table();

  const BenchOptions& options_;
  std::vector<Entry> entries_;
  std::filesystem::path folder_;
  boost::json::object run_facts_;
  Progress progress_;
  std::vector<Job> jobs_;              // in the order of the table
  std::vector<std::size_t> shuffled_;  // the jobs that can be measured; each repeat shuffles them anew
  // The smallest size at which an entry did not become ready, and why. It is not started again at that or a
  // larger size.
  std::map<const Entry*, std::pair<std::int64_t, std::string>> not_ready_;
};

void Bench::prepare(std::uint64_t seed) {
  run_facts_ = run_facts(options_.command_line, options_.root);
  run_facts_["seed"] = seed;
  auto stamp = boost::json::value_to<std::string>(run_facts_.at("started_at"));
  std::erase(stamp, ':');
  folder_ = options_.results / stamp;
  std::error_code error;  // before any work, so that a full disk is noticed at once
  std::filesystem::create_directories(options_.results, error);
  // Another bench may have started in the same second.
  for (int number = 2; !error && !std::filesystem::create_directory(folder_, error); ++number)
    folder_ = options_.results / (stamp + "-" + std::to_string(number));
  if (error)
    throw std::runtime_error("cannot make " + folder_.string() + ": " + error.message() + " (see --out)");
}

void Bench::make_jobs() {
  const Scenario& scenario = options_.scenario;
  const Limits limits = read_limits("/", geteuid());
  for (const std::int64_t held : scenario.measured_sizes())
    for (const Scenario& one : scenario.by_rate())
      for (const Entry& entry : entries_) {
        jobs_.push_back({&entry, one, {entry.name, entry.model, entry.group, entry.floor, held, {}}});
        jobs_.back().series.packages = package_versions(entry.packages);
        if (scenario.rates.size() > 1) jobs_.back().series.rate = one.publishes_per_second;
        Measurement skipped;
        skipped.note = why_not_measured(entry, scenario, limits, held);
        if (skipped.note.empty()) {
          shuffled_.push_back(jobs_.size() - 1);
          continue;
        }
        std::fprintf(stderr, "%s at %s is skipped: %s\n", entry.name.c_str(), with_commas(held).c_str(),
                     skipped.note.c_str());
        skipped.status = Status::kSkipped;
        skipped.started_at = utc_now();
        record(jobs_.back(), std::move(skipped));
      }
}

bool Bench::measured(const Job& job) {
  const auto& repeats = job.series.repeats;
  return std::any_of(repeats.begin(), repeats.end(),
                     [](const Measurement& repeat) { return repeat.status == Status::kComplete; });
}

int Bench::run() {
  const std::uint64_t seed = options_.seed.value_or(std::random_device()());
  prepare(seed);
  make_jobs();
  std::mt19937_64 random(seed);
  if (options_.discard_first) discard_first_pass();
  const auto all = static_cast<int>(shuffled_.size()) * options_.repeats;
  int position = 0;
  for (int repeat = 1; repeat <= options_.repeats; ++repeat) {
    std::shuffle(shuffled_.begin(), shuffled_.end(), random);
    for (std::size_t i = 0; i < shuffled_.size() && stop_signals() == 0; ++i) {
      Job& job = jobs_[shuffled_[i]];
      ++position;
      const std::string place =
          std::string("[") + std::to_string(position) + "/" + std::to_string(all) + "] ";
      progress_.start(place + series_name(job.series),
                      position == 1 ? std::nullopt : std::optional(remaining_seconds(repeat, shuffled_, i)));
      Measurement result;
      result.repeat = repeat;
      result.position = position;
      run_job(job, std::move(result));
    }
  }
  print_table();
  if (stop_signals() > 0) return 128 + last_stop_signal();
  return std::any_of(jobs_.begin(), jobs_.end(), measured) ? 0 : 1;
}

// The first measurements on a machine that was idle are slow for all. A failure here will show again.
void Bench::discard_first_pass() {
  for (std::size_t i = 0; i < shuffled_.size() && stop_signals() == 0; ++i) {
    Job short_job = jobs_[shuffled_[i]];
    Scenario& scenario = short_job.scenario;
    if (scenario.kind == Kind::kBroadcast) scenario.rounds.reset();
    if (scenario.kind != Kind::kChurn)
      scenario.duration_seconds = std::min(scenario.duration_seconds, kDiscardedSeconds);
    progress_.start("discarded: " + series_name(short_job.series), std::nullopt);
    Measurement discarded;
    try {
      measure(short_job, discarded);
    } catch (const std::exception& error) {
      discarded.note = error.what();
    }
    progress_.finish(outcome(discarded));
  }
}

// Estimated from what the repeats of each job have taken, or from the mean of all jobs if there was none yet.
double Bench::remaining_seconds(int repeat, const std::vector<std::size_t>& order, std::size_t next) const {
  double seconds = 0;
  int done = 0;
  for (const Job& job : jobs_) {
    seconds += job.seconds;
    done += job.done;
  }
  const double mean = done == 0 ? 0 : seconds / done;
  double left = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const Job& job = jobs_[order[i]];
    const int times = options_.repeats - repeat + (i >= next ? 1 : 0);
    left += times * (job.done == 0 ? mean : job.seconds / job.done);
  }
  return left;
}

void Bench::run_job(Job& job, Measurement result) {
  const std::int64_t start = now_ns();
  result.started_at = utc_now();
  try {
    if (const auto found = not_ready_.find(job.entry);
        found != not_ready_.end() && job.series.held_wanted >= found->second.first) {
      result.status = Status::kSkipped;
      result.note = "not started again: " + found->second.second;
    } else {
      measure_undisturbed(job, result);
    }
  } catch (const Interrupted&) {
    result.status = Status::kInterrupted;
    result.note = "interrupted";
  } catch (const std::exception& error) {
    result.status = Status::kFailed;
    result.note = error.what();
  }
  job.seconds += static_cast<double>(now_ns() - start) / kSecond;
  ++job.done;
  progress_.finish(outcome(result));
  record(job, std::move(result));
}

// Measures again if another guest of the host took too much of the cores; the last attempt is kept,
// with a note.
void Bench::measure_undisturbed(const Job& job, Measurement& result) {
  const Measurement unmeasured = result;
  for (int attempt = 1;; ++attempt) {
    measure(job, result);
    if (!result.cores || result.cores->stolen_percent <= kMostStolen) return;
    if (attempt == kMostAttempts)
      return result.add_note(with_commas(result.cores->stolen_percent, 1) +
                             "% of the cores' time were stolen by the host, in each of " +
                             std::to_string(kMostAttempts) + " attempts");
    result = unmeasured;
  }
}

int Bench::wait_until_ready(ServerProcess& process, const Job& job) {
  try {
    return process.wait_until_ready(kReadyTimeout);
  } catch (const std::runtime_error& error) {
    not_ready_[job.entry] = {job.series.held_wanted, error.what()};
    throw;
  }
}

void Bench::measure(const Job& job, Measurement& result) {
  progress_.phase("starting");
  const std::string address = "127.0.0.1";
  const Entry& entry = *job.entry;
  const Scenario& scenario = job.scenario;
  const std::int64_t held = job.series.held_wanted;
  const auto connections = connections_at_a_time(scenario, held) + kOtherConnections;
  result.server_command = entry_command(entry, address, "0", static_cast<std::size_t>(connections));
  result.server_command.insert(result.server_command.end(), scenario.server_options.begin(),
                               scenario.server_options.end());
  ServerProcess process(result.server_command, entry.folder, options_.program_folder);
  const auto stop = [&] {
    progress_.phase("stopping");
    const ServerExit end = process.stop();
    result.server.stop_seconds = end.seconds;
    result.server.exit_status = end.exit_status;
    result.server.killed = end.killed;
  };
  try {
    const Endpoint endpoint{address, static_cast<std::uint16_t>(wait_until_ready(process, job))};
    progress_.phase("verifying");
    verify(endpoint, endpoint, [&entry](const std::string& part) { return entry.keeps_part(part); });
    const ServerUnderTest server{
        {endpoint},           endpoint, {process.pid()}, [&process] { return process.death(); }, {},
        entry.warm_up_seconds};
    run_scenario(server, scenario, held, options_.client_processes, progress_, result);
  } catch (...) {
    stop();
    throw;
  }
  stop();
}

void Bench::record(Job& job, Measurement result) {
  job.series.repeats.push_back(std::move(result));
  try {
    write_series(folder_, run_facts_, job.scenario, job.series);
  } catch (const std::runtime_error&) {
    progress_.clear();
    print_table();
    throw;
  }
}

void Bench::print_table() {
  std::vector<Series> all;
  for (const Job& job : jobs_)
    if (!job.series.repeats.empty()) all.push_back(job.series);
  std::printf("\n%s", results_table(options_.scenario, all, options_.all_columns).c_str());
  std::printf("\nresults: %s\n", folder_.c_str());
  std::fflush(stdout);
}

}  // namespace

int run_bench(const BenchOptions& options) {
  look_up_first_in(options.program_folder);
  return options.plan ? print_plan(options) : Bench(options).run();
}

}  // namespace comet::loadgen
