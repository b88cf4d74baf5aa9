// `comet-loadgen run`: see run.hpp.
#include "loadgen/run.hpp"

#include <boost/json.hpp>
#include <cstdio>
#include <stdexcept>

#include "loadgen/machine.hpp"
#include "loadgen/report_json.hpp"
#include "loadgen/report_table.hpp"
#include "loadgen/signals.hpp"

namespace comet {
namespace {

// Name and process of the server as its /stats says; the process only when it must be one of this machine.
void ask_who(const Endpoint& endpoint, Measurement& result, std::optional<pid_t>& root) {
  HttpClient client(endpoint);
  boost::system::error_code error;
  const auto document = boost::json::parse(client.get("/stats").body, error);
  if (error || !document.is_object())
    throw std::runtime_error(endpoint.address + ":" + std::to_string(endpoint.port) +
                             " answers no JSON at /stats");
  const auto& stats = document.get_object();
  const auto* pattern = stats.if_contains("pattern");
  const auto* pid = stats.if_contains("pid");
  result.entry =
      pattern != nullptr && pattern->is_string() ? boost::json::value_to<std::string>(*pattern) : "server";
  if (pid != nullptr && pid->is_int64() && endpoint.address.starts_with("127."))
    root = static_cast<pid_t>(pid->get_int64());
}

}  // namespace

int run_against(const RunOptions& options) {
  const Endpoint endpoint = parse_url(options.url);
  Measurement measurement;
  measurement.started_at = utc_now();
  std::optional<pid_t> root;
  ask_who(endpoint, measurement, root);
  Progress progress;
  progress.start(measurement.entry + " at " + options.url);
  try {
    run_broadcast({endpoint, root, [] { return std::optional<std::string>(); }}, options.broadcast, progress,
                  measurement);
  } catch (const Interrupted&) {
    measurement.status = Status::kInterrupted;
    measurement.note = "interrupted";
  }
  progress.clear();
  const Result result(std::move(measurement));
  std::printf("%s", options.json ? pretty(to_json(result)).c_str() : results_table({result}).c_str());
  if (stop_signals() > 0) return 128 + last_stop_signal();
  return result.measurement.status == Status::kComplete ? 0 : 1;
}

}  // namespace comet
