// `comet-loadgen run`: see run.hpp.
#include "loadgen/driver/run.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <stdexcept>

#include "loadgen/driver/scenarios.hpp"
#include "loadgen/driver/smoke.hpp"
#include "loadgen/machine/machine.hpp"
#include "loadgen/machine/process_tree.hpp"
#include "loadgen/numbers.hpp"
#include "loadgen/results/report_json.hpp"
#include "loadgen/results/report_table.hpp"
#include "loadgen/signals.hpp"

namespace comet::loadgen {
namespace {

// A server's name, from its /stats; its process is added to `roots`, but only if it is the one on this machine
// that listens on the port: a server in a container may say the number of another process.
std::string ask_who(const Endpoint& endpoint, std::vector<pid_t>& roots) {
  HttpClient client(endpoint);
  boost::system::error_code error;
  const auto document = boost::json::parse(client.get("/stats").body, error);
  if (error || !document.is_object())
    throw std::runtime_error(host_and_port(endpoint) + " answers no JSON at /stats");
  const auto& stats = document.get_object();
  const auto* pattern = stats.if_contains("pattern");
  const auto* pid = stats.if_contains("pid");
  if (pid != nullptr && pid->is_int64()) {
    const auto process = static_cast<pid_t>(pid->get_int64());
    const bool is_here = endpoint.address.starts_with("127.") || endpoint.address == "::1";
    if (is_here && listens_on(process, endpoint.port))
      roots.push_back(process);
    else
      std::fprintf(
          stderr,
          "comet-loadgen: process %d of /stats does not listen on port %u here, or is not ours to read: "
          "no CPU, no user memory\n",
          process, endpoint.port);
  }
  return pattern != nullptr && pattern->is_string() ? boost::json::value_to<std::string>(*pattern) : "server";
}

Measurement measure(const ServerUnderTest& server, const Scenario& scenario, const RunOptions& options,
                    std::int64_t held, int repeat, Progress& progress) {
  Measurement result;
  result.repeat = result.position = repeat;
  result.started_at = utc_now();
  try {
    run_scenario(server, scenario, held, options.client_processes, progress, result);
  } catch (const Interrupted&) {
    result.status = Status::kInterrupted;
    result.note = "interrupted";
  }
  return result;
}

ClientCount clients_now(const std::vector<Endpoint>& endpoints) {
  Connections servers(endpoints);
  return count_clients(servers);
}

}  // namespace

int run_against(const RunOptions& options) {
  ServerUnderTest server;
  server.death = [] { return std::optional<std::string>(); };
  std::string name;
  for (const std::string& url : options.urls) {
    server.endpoints.push_back(parse_url(url));
    name = ask_who(server.endpoints.back(), server.roots);
  }
  server.publish_to = options.publish_url.empty() ? server.endpoints.front() : parse_url(options.publish_url);
  // Without the process of one, what is known of the others is no sum.
  if (server.roots.size() < server.endpoints.size()) server.roots.clear();
  const ClientCount before = clients_now(server.endpoints);
  for (const Endpoint& endpoint : server.endpoints)
    verify(
        endpoint, server.publish_to, [](const std::string&) { return false; },
        "smoke-" + std::to_string(endpoint.port));
  std::vector<std::int64_t> sizes = options.scenario.held;
  if (options.scenario.kind == Kind::kHold) sizes = {sizes.back()};
  std::vector<Series> all;
  const auto run = run_facts(options.command_line, options.root);
  std::string json;
  bool complete = true;
  Progress progress;
  const std::string title = options.urls.size() == 1
                                ? name + " at " + options.urls.front()
                                : with_commas(static_cast<std::int64_t>(options.urls.size())) + " nodes";
  const auto measure_series = [&](const Scenario& scenario, Series series) {
    if (scenario.rates.size() > 1) series.rate = scenario.publishes_per_second;
    for (int repeat = 1; repeat <= options.repeats && stop_signals() == 0; ++repeat) {
      progress.start(title, std::nullopt);
      series.repeats.push_back(measure(server, scenario, options, series.held_wanted, repeat, progress));
      server.before = before;
      complete = complete && series.repeats.back().status == Status::kComplete;
    }
    if (series.repeats.empty()) return;
    json += pretty(document(run, scenario, series));
    all.push_back(std::move(series));
  };
  for (const std::int64_t held : sizes)
    for (const Scenario& scenario : options.scenario.by_rate())
      measure_series(scenario, {name, "", "pattern", "", held, {}});
  progress.clear();
  std::printf("%s",
              (options.json ? json : results_table(options.scenario, all, options.all_columns)).c_str());
  if (stop_signals() > 0) return 128 + last_stop_signal();
  return complete ? 0 : 1;
}

}  // namespace comet::loadgen
