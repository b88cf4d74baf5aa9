// comet-loadgen: the command line. What it does is in bench.hpp, run.hpp and
// results_commands.hpp.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <filesystem>

#include "loadgen/bench.hpp"
#include "loadgen/errors.hpp"
#include "loadgen/results_commands.hpp"
#include "loadgen/run.hpp"
#include "loadgen/server_process.hpp"
#include "loadgen/signals.hpp"

namespace comet {
namespace {

namespace fs = std::filesystem;

constexpr int kUsage = 64;

constexpr char kExamples[] =
    "Examples:\n"
    "  comet-loadgen bench                                  every entry at 100, 1,000 and 4,000 held "
    "requests\n"
    "  comet-loadgen bench --entries async,floor --held 15000 --seconds 5\n"
    "  comet-loadgen run --url http://127.0.0.1:8001 --held 1000 --rounds 20\n"
    "  comet-loadgen report                                 the latest run as a page: results/index.html\n"
    "  comet-loadgen compare results/runs/A results/runs/B  what differs by more than its repeats do\n"
    "What the columns mean: loadgen/README.md. SUBCOMMAND --help shows its options.";

void add_rounds(CLI::App& command, BroadcastOptions& broadcast) {
  auto* rounds =
      command.add_option("--rounds", broadcast.rounds, "rounds that count (one more is the warm-up)")
          ->check(CLI::Range(1, 1'000'000));
  command.add_option("--seconds", broadcast.seconds, "time for the rounds, at least 3 are made")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str()
      ->excludes(rounds);
}

void add_bench(CLI::App& command, BenchOptions& bench) {
  command.add_option("--entries", bench.entries, "entries or folders, separated by commas; default: all")
      ->delimiter(',');
  command.add_option("--held", bench.sizes, "numbers of held requests, separated by commas")
      ->delimiter(',')
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  add_rounds(command, bench.broadcast);
  command.add_option("--seed", bench.seed,
                     "order of the entries; default: a new one, recorded in the results");
  command.add_option("--root", bench.root,
                     "project folder with patterns/ and peers/; default: found upwards from here");
  command.add_option("--bin-dir", bench.program_folder,
                     "where the servers' programs are; default: beside this program");
  command.add_option("--out", bench.results, "folder for the results; each run makes one in it")
      ->default_str("ROOT/results/runs");
}

void add_run(CLI::App& command, RunOptions& run) {
  command.add_option("--url", run.url, "the server, as in http://127.0.0.1:8001")->required();
  command.add_option("--held", run.broadcast.held, "number of held requests")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  add_rounds(command, run.broadcast);
  command.add_option("--channel", run.broadcast.channel, "channel to subscribe to and publish on")
      ->capture_default_str();
  command.add_flag("--json", run.json, "print the result as JSON");
}

// The nearest folder upwards of `start` that has patterns/; empty when there is none.
fs::path find_root(fs::path start) {
  for (;; start = start.parent_path()) {
    if (fs::is_directory(start / "patterns")) return start;
    if (start == start.parent_path()) return {};
  }
}

fs::path program_folder() { return fs::read_symlink("/proc/self/exe").parent_path(); }

// From the working directory, or else from where this program is.
fs::path project_root() {
  fs::path root = find_root(fs::current_path());
  if (root.empty()) root = find_root(program_folder());
  if (root.empty())
    throw UsageError(
        "no folder with patterns/ found upwards from here: name the project's folder with --root");
  return root;
}

void complete(BenchOptions& bench) {
  bench.root = bench.root.empty() ? project_root() : fs::absolute(bench.root);
  if (bench.program_folder.empty()) bench.program_folder = program_folder();
  if (bench.results.empty()) bench.results = bench.root / "results" / "runs";
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return;  // the limit as it is then holds, and is checked before use
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int run_program(int argc, char** argv) {
  BenchOptions bench;
  RunOptions run;
  ResultsOptions results;
  CLI::App app("Measures servers that hold requests: memory, latency and CPU of delivering messages to them.",
               "comet-loadgen");
  app.footer(kExamples);
  app.require_subcommand(1);
  CLI::App& bench_command =
      *app.add_subcommand("bench", "start, verify, measure and stop entries of this project");
  CLI::App& run_command = *app.add_subcommand("run", "measure a server that is already running");
  add_bench(bench_command, bench);
  add_run(run_command, run);
  add_results_commands(app, results);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "comet-loadgen: %s (comet-loadgen --help shows commands and options)\n",
                 error.what());
    return kUsage;
  }
  if (!bench_command.parsed() && !run_command.parsed()) {
    if (results.root.empty()) results.root = project_root();
    if (app.got_subcommand("validate")) return run_validate(results);
    return app.got_subcommand("compare") ? run_compare(results) : run_report(results);
  }
  raise_descriptor_limit();
  install_signal_handlers();
  if (run_command.parsed()) return run_against(run);
  adopt_orphans();
  bench.command_line.assign(argv, argv + argc);
  complete(bench);
  return run_bench(bench);
}

}  // namespace
}  // namespace comet

int main(int argc, char** argv) {
  try {
    return comet::run_program(argc, argv);
  } catch (const comet::UsageError& error) {
    std::fprintf(stderr, "comet-loadgen: %s\n", error.what());
    return comet::kUsage;
  } catch (const comet::Interrupted&) {
    return 128 + comet::last_stop_signal();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "comet-loadgen: %s\n", error.what());
    return 1;
  }
}
