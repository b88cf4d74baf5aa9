// Commands on results: see results_commands.hpp.
#include "loadgen/results/results_commands.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <fstream>

#include "loadgen/errors.hpp"
#include "loadgen/results/compare.hpp"
#include "loadgen/results/growth.hpp"
#include "loadgen/results/page.hpp"
#include "loadgen/results/page_data.hpp"
#include "loadgen/results/validate.hpp"

namespace comet::loadgen {
namespace {

namespace fs = std::filesystem;

void print_faults(const Validated& validated) {
  for (const std::string& fault : validated.faults) std::fprintf(stderr, "%s\n", fault.c_str());
}

Validated check(const ResultsOptions& options, const std::vector<fs::path>& runs) {
  return validate(runs, options.root / "results" / "schema.json");
}

void write_file(const fs::path& path, const std::string& text) {
  if (path.has_parent_path()) fs::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary);
  file << text << std::flush;
  if (!file) throw std::runtime_error(system_error_text("cannot write " + path.string()));
}

std::vector<fs::path> runs_or_latest(const ResultsOptions& options) {
  if (!options.runs.empty()) return options.runs;
  const fs::path own = options.root / "results" / "runs";
  const fs::path reference = options.root / "results" / "reference";
  if (!fs::is_directory(reference) || (fs::is_directory(own) && !fs::is_empty(own))) return {latest_run(own)};
  std::vector<fs::path> runs;
  for (const auto& item : fs::directory_iterator(reference)) runs.push_back(item.path());
  return runs;
}

// The committed page, results/index.html, shows the committed run only. The page of any other run goes into
// the folder of that run, so that the work tree does not change and the next run records a clean commit.
fs::path page_of(const ResultsOptions& options, const std::vector<fs::path>& runs) {
  if (!options.out.empty()) return options.out;
  const fs::path results = fs::canonical(options.root / "results");
  const auto is_reference = [&results](const fs::path& run) {
    return fs::canonical(run).string().rfind((results / "reference").string() + "/", 0) == 0;
  };
  const auto other = std::find_if_not(runs.begin(), runs.end(), is_reference);
  if (other == runs.end()) return options.root / "results" / "index.html";
  return (fs::is_directory(*other) ? *other : other->parent_path()) / "index.html";
}

// Null if there is no such file.
boost::json::value parsed_if_there(const fs::path& path) {
  if (!fs::exists(path)) return nullptr;
  boost::json::error_code fault;
  boost::json::value value = boost::json::parse(file_text(path), fault);
  if (fault) throw std::runtime_error(path.string() + " is no JSON: make it again");
  return value;
}

}  // namespace

int run_validate(const ResultsOptions& options) {
  const Validated validated = check(options, runs_or_latest(options));
  print_faults(validated);
  if (!validated.faults.empty()) return 1;
  std::printf("%zu result files, no faults\n", validated.results.size());
  const auto older = std::count_if(validated.results.begin(), validated.results.end(),
                                   [](const ResultFile& file) { return is_of_older_form(file.content); });
  if (older > 0)
    std::printf(
        "%td of them are of an older form: a broadcast has no phases there, and cores were not checked\n",
        older);
  return 0;
}

int run_compare(const ResultsOptions& options) {
  const Validated a = check(options, {options.runs[0]});
  const Validated b = check(options, {options.runs[1]});
  print_faults(a);
  print_faults(b);
  if (!a.faults.empty() || !b.faults.empty()) return 1;
  const Comparison comparison = compare(a.results, b.results);
  if (options.json)
    std::printf("%s\n", boost::json::serialize(to_json(comparison)).c_str());
  else
    std::fputs(to_table(comparison).c_str(), stdout);
  return 0;
}

int run_report(const ResultsOptions& options) {
  const std::vector<fs::path> runs = runs_or_latest(options);
  const Validated validated = check(options, runs);
  print_faults(validated);
  if (!validated.faults.empty()) return 1;
  const fs::path results = options.root / "results";
  const auto data = page_data(
      validated.results,
      parsed_if_there(options.microbench.empty() ? results / "microbench.json" : options.microbench),
      parsed_if_there(options.nodes.empty() ? results / "nodes.json" : options.nodes),
      find_entries(options.root));
  const std::string growth = growth_table(growth_of(validated.results));
  if (!growth.empty()) std::printf("%s\n", growth.c_str());
  const fs::path out = page_of(options, runs);
  write_file(out, page(results / "page", data));
  std::printf("%s: %zu result files\n", out.c_str(), validated.results.size());
  return 0;
}

}  // namespace comet::loadgen
