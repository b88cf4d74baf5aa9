// The command line: see command_line.hpp.
#include "loadgen/command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <limits>

#include "core/number_options.hpp"
#include "loadgen/errors.hpp"
#include "loadgen/project_root.hpp"

namespace comet::loadgen {
namespace {

namespace fs = std::filesystem;
using core::whole_number;

constexpr char kExamples[] =
    "Examples:\n"
    "  comet-loadgen bench                                  every entry at 100, 1,000 and 4,000 held "
    "requests\n"
    "  comet-loadgen bench --entries async,floor --held 15000 --seconds 5\n"
    "  comet-loadgen bench --scenario steady-no-cursors --entries async,threaded --repeats 3\n"
    "  comet-loadgen run --url http://127.0.0.1:8001 --held 1000 --rounds 20\n"
    "  comet-loadgen report                                 the latest run as a page, in its folder\n"
    "  comet-loadgen compare results/runs/A results/runs/B  what differs by more than its repeats do\n"
    "  comet-loadgen doctor --held 100000 --pattern threaded   can it be held here, and if not, why\n"
    "  comet-loadgen trace --entry threaded                 one publish as a picture, from the kernel's "
    "tracepoints\n"
    "Scenarios are small JSON files in loadgen/scenarios: copy one, change it, and name the copy with "
    "--scenario.\n"
    "What the columns mean: loadgen/README.md. SUBCOMMAND --help shows its options.";

constexpr char kRootHelp[] = "project folder with patterns/ and peers/; default: found upwards from here";

// What bench and run both take; each value that is given replaces the scenario file's.
struct ScenarioOptions {
  std::string name = "broadcast";
  std::vector<std::int64_t> held;
  std::optional<int> rounds;
  std::optional<double> seconds;
  std::optional<int> client_processes;
};

// Not by CLI11's delimiter, which drops an empty name: that is an unknown entry like any other.
void add_names(CLI::App& command, const std::string& option, std::vector<std::string>& names) {
  command.add_option_function<std::string>(
      option,
      [&names](const std::string& list) {
        for (std::size_t start = 0, end = 0; end != std::string::npos; start = end + 1) {
          end = list.find(',', start);
          names.push_back(list.substr(start, end - start));
        }
      },
      "entries or folders, separated by commas; default: all");
}

void add_repeats(CLI::App& command, int& repeats) {
  command.add_option("--repeats", repeats, "how often each entry is measured")
      ->check(whole_number(1, 1000))
      ->capture_default_str();
}

void add_all_columns(CLI::App& command, bool& all_columns) {
  command.add_flag("--all-columns", all_columns, "print every column of the table, not only the main ones");
}

void add_scenario(CLI::App& command, ScenarioOptions& scenario) {
  const std::string names = scenario_names(scenario_folder(find_project_root()));
  command.add_option("--scenario", scenario.name, "a file, or one of " + names)->capture_default_str();
  command
      .add_option("--held", scenario.held,
                  "numbers of held requests, separated by commas; default: the scenario's")
      ->delimiter(',')
      ->check(whole_number(1, 1'000'000));
  command
      .add_option("--rounds", scenario.rounds,
                  "broadcast: at least this many rounds that count (one more is the warm-up); without "
                  "--seconds no more than these")
      ->check(whole_number(1, 1'000'000));
  command
      .add_option("--seconds", scenario.seconds,
                  "time of the measured part; broadcast makes at least 3 rounds")
      ->check(core::decimal_seconds(0, 3600));
  command
      .add_option("--client-processes", scenario.client_processes,
                  "processes that hold the connections; default: as few as the open-file limit allows")
      ->check(whole_number(1, 64));
}

void add_bench(CLI::App& app, BenchOptions& bench, ScenarioOptions& scenario) {
  CLI::App& command = *app.add_subcommand("bench", "start, verify, measure and stop entries of this project");
  add_names(command, "--entries", bench.entries);
  add_repeats(command, bench.repeats);
  add_all_columns(command, bench.all_columns);
  command.add_flag("--plan", bench.plan,
                   "measure nothing: say how many measurements it is and about how long");
  command.add_flag("--discard-first", bench.discard_first,
                   "measure everything once, shortly, before the repeats that count");
  command
      .add_option("--seed", bench.seed, "order of the entries; default: a new one, recorded in the results")
      ->check(whole_number(0, std::numeric_limits<std::int64_t>::max()));
  command.add_option("--root", bench.root, kRootHelp);
  command.add_option("--bin-dir", bench.program_folder,
                     "where the servers' programs are; default: beside this program");
  command.add_option("--out", bench.results, "folder for the results; each run makes one in it")
      ->default_str("ROOT/results/runs");
  add_scenario(command, scenario);
}

void add_run(CLI::App& app, RunOptions& run, ScenarioOptions& scenario) {
  CLI::App& command = *app.add_subcommand("run", "measure a server that is already running");
  command
      .add_option("--url", run.urls,
                  "the server, as in http://127.0.0.1:8001 or http://[::1]:8001; several that share their "
                  "messages, separated by commas, are measured as one")
      ->delimiter(',')
      ->expected(1, kMaxClientProcesses)
      ->required();
  command.add_option("--publish-url", run.publish_url,
                     "who takes the publishes, such as a relay; default: the server, of several the first");
  add_repeats(command, run.repeats);
  add_all_columns(command, run.all_columns);
  command.add_flag("--json", run.json, "print the result as JSON");
  add_scenario(command, scenario);
}

void add_doctor(CLI::App& app, DoctorOptions& doctor) {
  CLI::App& command =
      *app.add_subcommand("doctor", "say how many requests can be held here, what binds, and what lifts it");
  command.add_option("--held", doctor.held, "number of held requests")
      ->check(whole_number(1, 10'000'000))
      ->capture_default_str();
  command.add_option("--nodes", doctor.nodes, "servers that share them, each with a relay")
      ->check(whole_number(1, 100'000))
      ->capture_default_str();
  add_names(command, "--pattern", doctor.entries);
  command.add_option("--root", doctor.root, kRootHelp);
}

void add_trace(CLI::App& app, TraceOptions& trace) {
  CLI::App& command =
      *app.add_subcommand("trace", "draw one publish, as the kernel's tracepoints record it (as root)");
  auto* entry = command.add_option("--entry", trace.entry, "the entry to start, to record and to draw");
  auto* from = command
                   .add_option("--from", trace.from,
                               "draw these recordings instead, one below the other; needs no root")
                   ->excludes(entry);
  command.add_option("--held", trace.held, "number of subscribers")
      ->check(whole_number(1, 100))
      ->capture_default_str()
      ->excludes(from);
  command.add_option("--root", trace.root, kRootHelp);
  command.add_option("--bin-dir", trace.program_folder,
                     "where the servers' programs are; default: beside this program");
  command.add_option("--out", trace.out, "the picture, an SVG file")->default_str("publish-ENTRY.svg");
  command.add_option("--events", trace.events, "the recording, a JSON file; default: beside the picture")
      ->excludes(from);
}

void add_results_commands(CLI::App& app, ResultsOptions& results) {
  const auto add = [&](const char* name, const char* about) {
    CLI::App* command = app.add_subcommand(name, about);
    command->add_option("--root", results.root, kRootHelp);
    return command;
  };
  CLI::App* validate = add("validate", "check result files: their form, and that their figures agree");
  validate->add_option("RUN", results.runs,
                       "folders of results/runs, or files; default: the latest run, or results/reference");
  CLI::App* compare = add("compare", "two runs side by side: what differs by more than its repeats do");
  compare->add_option("RUNS", results.runs, "two folders of results/runs, A and B")->required()->expected(2);
  compare->add_flag("--json", results.json, "print JSON");
  CLI::App* report = add("report", "make the results page: one HTML file that needs no network");
  report->add_option("RUN", results.runs,
                     "folders of results/runs; default: the latest run, or results/reference");
  report->add_option(
      "--out", results.out,
      "the page; default: results/index.html of results/reference, else index.html in the run's folder");
  report
      ->add_option("--microbench", results.microbench,
                   "Google Benchmark JSON of the mechanisms, drawn if it is there")
      ->default_str("ROOT/results/microbench.json");
  report
      ->add_option("--nodes", results.nodes, "figures of many nodes by nodes/bench, shown if they are there")
      ->default_str("ROOT/results/nodes.json");
}

// `root`: a tree of the reader's own may have entries and no scenarios.
Scenario chosen_scenario(const ScenarioOptions& options, const fs::path& root) {
  const fs::path folder = scenario_folder(fs::is_directory(scenario_folder(root)) ? root : project_root({}));
  Scenario scenario = find_scenario(folder, options.name);
  if (!options.held.empty()) scenario.held = options.held;
  std::sort(scenario.held.begin(), scenario.held.end());
  scenario.held.erase(std::unique(scenario.held.begin(), scenario.held.end()), scenario.held.end());
  if (options.rounds && scenario.kind != Kind::kBroadcast)
    throw UsageError("--rounds is for the broadcast scenario: use --seconds");
  if (options.rounds) {
    scenario.rounds = options.rounds;
    scenario.duration_seconds = 0;
  }
  if (options.seconds) scenario.duration_seconds = *options.seconds;
  if (scenario.kind == Kind::kChurn && scenario.duration_seconds < scenario.hold_seconds + 0.5)
    throw UsageError("churn is measured once hold_s is over: give it --seconds of at least hold_s + 0.5");
  return scenario;
}

void complete(const ScenarioOptions& scenario, CommandLine& line) {
  if (line.command == "bench") {
    BenchOptions& bench = line.bench;
    bench.root = fs::absolute(project_root(bench.root));
    if (bench.program_folder.empty()) bench.program_folder = program_folder();
    if (bench.results.empty()) bench.results = bench.root / "results" / "runs";
    bench.scenario = chosen_scenario(scenario, bench.root);
    bench.client_processes = scenario.client_processes;
  } else if (line.command == "run") {
    line.run.root = project_root({});
    line.run.scenario = chosen_scenario(scenario, line.run.root);
    line.run.client_processes = scenario.client_processes;
  } else if (line.command == "doctor") {
    line.doctor.root = project_root(line.doctor.root);
  } else if (line.command == "trace") {
    if (line.trace.entry.empty() && line.trace.from.empty())
      throw UsageError("trace needs an entry: comet-loadgen trace --entry threaded");
    if (!line.trace.entry.empty()) line.trace.root = fs::absolute(project_root(line.trace.root));
    if (line.trace.program_folder.empty()) line.trace.program_folder = program_folder();
  } else {
    line.results.root = project_root(line.results.root);
  }
}

}  // namespace

std::optional<int> parse_command_line(int argc, char** argv, CommandLine& line) {
  ScenarioOptions scenario;
  CLI::App app("Measures servers that hold requests: memory, latency and CPU of delivering messages to them.",
               "comet-loadgen");
  app.footer(kExamples);
  app.require_subcommand(1);
  add_bench(app, line.bench, scenario);
  add_run(app, line.run, scenario);
  add_doctor(app, line.doctor);
  add_trace(app, line.trace);
  add_results_commands(app, line.results);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    const auto unknown = app.remaining();
    const std::string what = app.get_subcommands().empty() && !unknown.empty()
                                 ? "unknown command '" + unknown.front() + "'"
                                 : error.what();
    std::fprintf(stderr, "comet-loadgen: %s (comet-loadgen --help shows commands and options)\n",
                 what.c_str());
    return kUsageStatus;
  }
  line.command = app.get_subcommands().front()->get_name();
  line.bench.command_line.assign(argv, argv + argc);
  line.run.command_line = line.bench.command_line;
  complete(scenario, line);
  return std::nullopt;
}

}  // namespace comet::loadgen
