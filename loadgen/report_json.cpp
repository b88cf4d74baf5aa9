// JSON results: see report_json.hpp.
#include "loadgen/report_json.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cstdio>
#include <fstream>
#include <stdexcept>

#include "loadgen/errors.hpp"

namespace comet {
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
  }
  return nullptr;
}

json::object memory_json(const MemoryFigures& figures, std::optional<double> before,
                         std::optional<double> after) {
  return {{"at_rest_bytes", or_null(figures.at_rest)},
          {"at_hold_before_rounds_bytes", or_null(figures.before_rounds)},
          {"at_hold_after_rounds_bytes", or_null(figures.after_rounds)},
          {"per_held_before_rounds_bytes", or_null(before)},
          {"per_held_after_rounds_bytes", or_null(after)}};
}

// Columns rather than one object for each round: there are thousands of rounds at small sizes.
json::object rounds_json(const std::vector<Round>& rounds) {
  json::array duration, expected, delivered, lost, duplicate, wrong, receivers, first, last;
  for (const Round& round : rounds) {
    const auto microseconds = [](std::int64_t ns) {
      return ns == 0 ? json::value(nullptr) : json::value(ns / 1e3);
    };
    duration.push_back(microseconds(round.duration_ns));
    first.push_back(microseconds(round.first_ns));
    last.push_back(microseconds(round.last_ns));
    expected.push_back(round.expected);
    delivered.push_back(round.delivered);
    lost.push_back(round.lost);
    duplicate.push_back(round.duplicate);
    wrong.push_back(round.wrong);
    receivers.push_back(or_null(round.receivers));
  }
  return {{"warm_up_rounds", rounds.empty() ? 0 : 1},
          {"duration_us", std::move(duration)},
          {"first_delivery_us", std::move(first)},
          {"last_delivery_us", std::move(last)},
          {"expected", std::move(expected)},
          {"delivered", std::move(delivered)},
          {"lost", std::move(lost)},
          {"duplicate", std::move(duplicate)},
          {"wrong", std::move(wrong)},
          {"receivers", std::move(receivers)}};
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
    std::array<char, 32> text;  // serialize() would write 9.4E4
    std::snprintf(text.data(), text.size(), "%.10g", value.get_double());
    out += text.data();
  } else {
    out += json::serialize(value);
  }
}

json::object deliveries_json(const Summary& summary) {
  return {{"expected", summary.expected},
          {"delivered", summary.delivered},
          {"lost", summary.lost},
          {"duplicate", summary.duplicate},
          {"wrong", summary.wrong},
          {"per_second_total", or_null(summary.rate_total)},
          {"per_second_median_of_rounds", or_null(summary.rate_median)},
          {"per_second_minimum_of_rounds", or_null(summary.rate_minimum)},
          {"per_second_maximum_of_rounds", or_null(summary.rate_maximum)}};
}

json::object latency_json(const Summary& summary) {
  return {{"p50_us", or_null(summary.latency_p50_us)},
          {"p90_us", or_null(summary.latency_p90_us)},
          {"p99_us", or_null(summary.latency_p99_us)},
          {"p99_9_us", or_null(summary.latency_p999_us)},
          {"max_us", or_null(summary.latency_max_us)}};
}

json::object server_json(const Measurement& measurement, const Summary& summary) {
  return {{"command", json::value_from(measurement.server_command)},
          {"processes", or_null(measurement.processes)},
          {"threads", or_null(measurement.threads)},
          {"cpu_per_delivery_us", or_null(summary.server_cpu_us)},
          {"context_switches_per_delivery", or_null(summary.server_context_switches)},
          {"cpu_cores_used", or_null(summary.server_cores)},
          {"stop_s", or_null(measurement.stop_seconds)},
          {"exit_status", or_null(measurement.exit_status)},
          {"had_to_be_killed", measurement.killed}};
}

json::object generator_json(const Summary& summary) {
  return {{"cpu_per_delivery_us", or_null(summary.generator_cpu_us)},
          {"context_switches_per_delivery", or_null(summary.generator_context_switches)},
          {"cpu_cores_used", or_null(summary.generator_cores)},
          {"generator_limited", summary.generator_limited}};
}

}  // namespace

json::object to_json(const Result& result) {
  const auto& [measurement, summary] = result;
  json::object events;
  for (const auto& [kind, count] : measurement.events) events[kind] = count;
  return {
      {"entry", measurement.entry},
      {"model", measurement.model},
      {"started_at", measurement.started_at},
      {"status", status_name(measurement.status)},
      {"note", measurement.note.empty() ? json::value(nullptr) : json::value(measurement.note)},
      {"held_wanted", measurement.held_wanted},
      {"held", measurement.held},
      {"connect_s", measurement.connect_seconds == 0 ? json::value(nullptr) : measurement.connect_seconds},
      {"deliveries", deliveries_json(summary)},
      {"latency", latency_json(summary)},
      {"server", server_json(measurement, summary)},
      {"generator", generator_json(summary)},
      {"user_memory", memory_json(measurement.user, summary.user_bytes_before, summary.user_bytes_after)},
      {"kernel_memory",
       memory_json(measurement.kernel, summary.kernel_bytes_before, summary.kernel_bytes_after)},
      {"kernel_network",
       {{"segments_retransmitted", or_null(measurement.retransmitted)},
        {"packets_dropped", or_null(measurement.dropped)}}},
      {"events", std::move(events)},
      {"rounds", rounds_json(measurement.rounds)}};
}

std::string pretty(const json::value& value) {
  std::string text;
  print(text, value, "");
  return text + "\n";
}

void write_result(const std::filesystem::path& folder, const json::object& run, const Result& result) {
  json::object document = run;
  for (auto& member : to_json(result)) document[member.key()] = std::move(member.value());
  const std::filesystem::path path =
      folder / (result.measurement.entry + "-" + std::to_string(result.measurement.held_wanted) + ".json");
  std::ofstream file(path);
  file << pretty(document) << std::flush;
  if (!file) throw std::runtime_error(system_error_text("cannot write " + path.string()));
}

}  // namespace comet
