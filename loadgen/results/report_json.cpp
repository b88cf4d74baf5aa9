// JSON results: see report_json.hpp.
#include "loadgen/results/report_json.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <fstream>
#include <stdexcept>

#include "loadgen/errors.hpp"
#include "loadgen/numbers.hpp"

namespace comet::loadgen {
namespace {

namespace json = boost::json;

template <class Number>
json::value or_null(const std::optional<Number>& number) {
  return number ? json::value(*number) : json::value(nullptr);
}

const char* status_name(Status status) {
  switch (status) {
    case Status::kComplete:
      return "complete";
    case Status::kCeiling:
      return "ceiling";
    case Status::kFailed:
      return "failed";
    case Status::kInterrupted:
      return "interrupted";
    case Status::kSkipped:
      return "skipped";
  }
  return nullptr;
}

json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}

json::object memory_json(const MemoryFigures& figures, const Measurement& measurement) {
  const std::int64_t held = measurement.held;
  return {{"at_rest_bytes", or_null(figures.at_rest)},
          {"held_bytes", or_null(figures.held)},
          {"after_bytes", or_null(figures.after)},
          {"per_held_before_bytes", or_null(figures.per_held(figures.held, held))},
          {"per_held_bytes", or_null(figures.per_held(measurement.last_while_held(figures), held))}};
}

// With all its figures, or in short with three of them.
json::value distribution_json(const std::optional<Distribution>& figures, bool in_short) {
  if (!figures) return nullptr;
  if (in_short)
    return {{"p50_us", figures->p50_us}, {"p99_us", figures->p99_us}, {"max_us", figures->max_us}};
  json::array curve;
  for (const auto& [percent, us] : figures->curve) curve.push_back({percent, us});
  return {{"p50_us", figures->p50_us},    {"p90_us", figures->p90_us}, {"p99_us", figures->p99_us},
          {"p99_9_us", figures->p999_us}, {"max_us", figures->max_us}, {"curve", std::move(curve)}};
}

void print(std::string& out, const json::value& value, const std::string& indent);

template <class Container, class PrintItem>
void print_items(std::string& out, const Container& items, const std::string& indent, char close,
                 PrintItem print_item) {
  const std::string deeper = indent + "  ";
  bool first = true;
  for (const auto& item : items) {
    out += (first ? "\n" : ",\n") + deeper;
    first = false;
    print_item(item, deeper);
  }
  out += "\n" + indent + close;
}

void print(std::string& out, const json::value& value, const std::string& indent) {
  const auto nested = [](const json::value& item) { return item.is_structured(); };
  if (value.is_object() && !value.get_object().empty()) {
    out += '{';
    print_items(out, value.get_object(), indent, '}', [&out](const auto& member, const std::string& deeper) {
      out += json::serialize(json::value(member.key())) + ": ";
      print(out, member.value(), deeper);
    });
  } else if (value.is_array() && std::any_of(value.get_array().begin(), value.get_array().end(), nested)) {
    out += '[';
    print_items(out, value.get_array(), indent, ']',
                [&out](const json::value& item, const std::string& deeper) { print(out, item, deeper); });
  } else if (value.is_array()) {
    out += '[';
    for (const json::value& item : value.get_array()) {
      if (out.back() != '[') out += ", ";
      print(out, item, indent);
    }
    out += ']';
  } else if (value.is_double()) {
    out += plain_number(value.get_double());  // serialize() would write 9.4E4
  } else {
    out += json::serialize(value);
  }
}

json::object deliveries_json(const Deliveries& deliveries) {
  return {{"expected", deliveries.expected},
          {"delivered", deliveries.delivered},
          {"lost", deliveries.lost},
          {"duplicate", deliveries.duplicate},
          {"wrong", deliveries.wrong},
          {"per_second", or_null(deliveries.per_second)},
          {"offered_per_second", or_null(deliveries.offered_per_second)},
          {"response_bytes", or_null(deliveries.response_bytes)}};
}

json::value phase_json(const std::optional<PhaseFigures>& phase) {
  if (!phase) return nullptr;
  return {{"time_ms", phase->time_ms},
          {"longest_ms", phase->longest_ms},
          {"per_second", phase->per_second},
          {"server_cpu_us_per_delivery", or_null(phase->server_cpu_us)},
          {"server_cores", or_null(phase->server_cores)},
          {"busiest_client_cores", phase->busiest_client_cores},
          {"bounded", phase->bounded}};
}

json::value phases_json(const std::optional<Phases>& phases) {
  if (!phases) return nullptr;
  return {{"rounds", phases->rounds},
          {"reached_sockets_ms", or_null(phases->reached_sockets_ms)},
          {"delivery", phase_json(phases->delivery)},
          {"return", phase_json(phases->again)},
          {"cycle", phase_json(phases->cycle)}};
}

json::value publishes_json(const std::optional<Publishes>& publishes) {
  if (!publishes) return nullptr;
  return {{"due", publishes->due}, {"sent", publishes->sent}, {"waited", publishes->waited}};
}

json::object server_json(const Measurement& measurement) {
  const ServerFigures& server = measurement.server;
  return {{"command", json::value_from(measurement.server_command)},
          {"processes", or_null(server.processes)},
          {"threads", or_null(server.threads)},
          {"descriptors", or_null(server.descriptors)},
          {"cpu_us_per_delivery", or_null(server.cpu_us)},
          {"context_switches_per_delivery", or_null(server.context_switches)},
          {"system_calls_per_delivery", or_null(server.system_calls)},
          {"cores_used", or_null(server.cores)},
          {"stop_s", or_null(server.stop_seconds)},
          {"exit_status", or_null(server.exit_status)},
          {"had_to_be_killed", server.killed}};
}

json::object generator_json(const Measurement& measurement) {
  const GeneratorFigures& generator = measurement.generator;
  return {{"processes", generator.processes},
          {"cpu_us_per_delivery", or_null(generator.cpu_us)},
          {"cores_used", or_null(generator.cores)},
          {"busiest_client_cores", or_null(generator.busiest_client_cores)},
          {"lag_p99_us", or_null(generator.lag_p99_us)},
          {"user_memory", memory_json(generator.user, measurement)},
          {"limited", generator.limited}};
}

json::value cores_json(const std::optional<CoreUse>& cores) {
  if (!cores) return nullptr;
  return {{"busy", json::value_from(cores->busy)}, {"stolen_percent", cores->stolen_percent}};
}

json::value points_json(const std::vector<Point>& points) {
  if (points.empty()) return nullptr;
  json::array array;
  for (const Point& point : points) {
    json::object object;
    if (point.at_seconds) object["at_s"] = *point.at_seconds;
    object["held"] = point.held;
    object["user_bytes"] = or_null(point.user_bytes);
    object["kernel_bytes"] = or_null(point.kernel_bytes);
    array.push_back(std::move(object));
  }
  return array;
}

json::object repeat_json(const Measurement& measurement) {
  json::object errors;
  for (const auto& [kind, count] : measurement.errors) errors[kind] = count;
  return {{"repeat", measurement.repeat},
          {"position", measurement.position},
          {"started_at", text_or_null(measurement.started_at)},
          {"status", status_name(measurement.status)},
          {"note", text_or_null(measurement.note)},
          {"held", measurement.held},
          {"connect_s", or_null(measurement.connect_seconds)},
          {"hold_rate_per_second", or_null(measurement.hold_rate)},
          {"warm_up_s", or_null(measurement.warm_up_seconds)},
          {"duration_s", or_null(measurement.duration_seconds)},
          {"deliveries", deliveries_json(measurement.deliveries)},
          {"phases", phases_json(measurement.phases)},
          {"publishes", publishes_json(measurement.publishes)},
          {"errors", std::move(errors)},
          {"latency", distribution_json(measurement.latency, false)},
          {"socket_latency", distribution_json(measurement.socket_latency, false)},
          {"skew", distribution_json(measurement.skew, true)},
          {"publish_lag", distribution_json(measurement.publish_lag, true)},
          {"other_latency", distribution_json(measurement.other_latency, false)},
          {"server", server_json(measurement)},
          {"generator", generator_json(measurement)},
          {"user_memory", memory_json(measurement.user, measurement)},
          {"kernel_memory", memory_json(measurement.kernel, measurement)},
          {"kernel_network",
           {{"segments_retransmitted", or_null(measurement.retransmitted)},
            {"packets_dropped", or_null(measurement.dropped)}}},
          {"cores", cores_json(measurement.cores)},
          {"points", points_json(measurement.points)}};
}

}  // namespace

json::object to_json(const Scenario& scenario, const Series& series) {
  json::array repeats;
  for (const Measurement& measurement : series.repeats) repeats.push_back(repeat_json(measurement));
  return {{"scenario", scenario.to_json(series.held_wanted)},
          {"entry", series.entry},
          {"model", series.model},
          {"packages", text_or_null(series.packages)},
          {"group", series.group},
          {"floor", text_or_null(series.floor)},
          {"held_wanted", series.held_wanted},
          {"repeats", std::move(repeats)}};
}

json::object document(const json::object& run, const Scenario& scenario, const Series& series) {
  json::object document{{"schema", 3}, {"run", run}};
  for (auto& member : to_json(scenario, series)) document[member.key()] = std::move(member.value());
  return document;
}

std::string pretty(const json::value& value) {
  std::string text;
  print(text, value, "");
  return text + "\n";
}

void write_series(const std::filesystem::path& folder, const json::object& run, const Scenario& scenario,
                  const Series& series) {
  const std::string rate = series.rate ? "-at-" + plain_number(*series.rate) : "";
  const std::filesystem::path path = folder / (scenario.name + "-" + series.entry + "-" +
                                               std::to_string(series.held_wanted) + rate + ".json");
  const std::filesystem::path whole = path.string() + ".part";
  std::ofstream file(whole);
  file << pretty(document(run, scenario, series)) << std::flush;
  const bool written = file.good();
  const std::string problem = system_error_text("cannot write " + path.string());
  file.close();
  std::error_code error;
  if (written) std::filesystem::rename(whole, path, error);
  if (written && !error) return;
  std::filesystem::remove(whole, error);
  throw std::runtime_error(problem + "; what was measured before is kept");
}

}  // namespace comet::loadgen
