// Recordings as JSON: see recording.hpp.
#include "loadgen/trace/recording.hpp"

#include <array>
#include <boost/json.hpp>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "loadgen/errors.hpp"

namespace comet::loadgen {
namespace {

namespace json = boost::json;

// In the order of EventKind and Role.
constexpr std::array<std::string_view, 5> kKinds{"switch", "waking", "fork", "call", "return"};
constexpr std::array<std::string_view, 3> kRoles{"publisher", "subscribers", "server"};

template <class Value, std::size_t size>
Value value_named(const std::array<std::string_view, size>& names, const json::value& name) {
  for (std::size_t i = 0; i < size; ++i)
    if (name.as_string() == names[i]) return static_cast<Value>(i);
  throw std::runtime_error("'" + json::value_to<std::string>(name) + "' is not known");
}

json::object to_json(const Event& event) {
  json::object object{{"us", event.us},
                      {"core", event.core},
                      {"thread", event.thread},
                      {"event", kKinds[static_cast<std::size_t>(event.kind)]}};
  switch (event.kind) {
    case EventKind::kSwitch:
      object["sleeps"] = event.sleeps;
      object["next"] = event.other;
      break;
    case EventKind::kWaking:
      object["woken"] = event.other;
      break;
    case EventKind::kFork:
      object["new"] = event.other;
      break;
    case EventKind::kCallBegins:
      object["call"] = event.call;
      object["first_argument"] = event.number;
      if (!event.on.empty()) object["on"] = event.on;
      break;
    case EventKind::kCallEnds:
      object["call"] = event.call;
      object["result"] = event.number;
  }
  return object;
}

Event event_of(const json::object& object) {
  Event event{.kind = value_named<EventKind>(kKinds, object.at("event")),
              .us = object.at("us").as_int64(),
              .core = json::value_to<int>(object.at("core")),
              .thread = json::value_to<pid_t>(object.at("thread"))};
  const auto call = [&object] { return json::value_to<std::string>(object.at("call")); };
  switch (event.kind) {
    case EventKind::kSwitch:
      event.sleeps = object.at("sleeps").as_bool();
      event.other = json::value_to<pid_t>(object.at("next"));
      break;
    case EventKind::kWaking:
      event.other = json::value_to<pid_t>(object.at("woken"));
      break;
    case EventKind::kFork:
      event.other = json::value_to<pid_t>(object.at("new"));
      break;
    case EventKind::kCallBegins:
      event.call = call();
      event.number = object.at("first_argument").as_int64();
      if (const auto* on = object.if_contains("on")) event.on = json::value_to<std::string>(*on);
      break;
    case EventKind::kCallEnds:
      event.call = call();
      event.number = object.at("result").as_int64();
  }
  return event;
}

json::object to_json(const Task& task) {
  return {{"thread", task.thread},
          {"process", task.process},
          {"name", task.name},
          {"role", kRoles[static_cast<std::size_t>(task.role)]}};
}

Task task_of(const json::object& object) {
  return {.thread = json::value_to<pid_t>(object.at("thread")),
          .process = json::value_to<pid_t>(object.at("process")),
          .name = json::value_to<std::string>(object.at("name")),
          .role = value_named<Role>(kRoles, object.at("role"))};
}

Recording recording_of(const json::object& object) {
  const auto text = [&object](const char* key) { return json::value_to<std::string>(object.at(key)); };
  Recording recording{.entry = text("entry"),
                      .model = text("model"),
                      .held = object.at("held").as_int64(),
                      .recorded_at = text("recorded_at"),
                      .kernel = text("kernel"),
                      .cpu = text("cpu"),
                      .cores = object.at("cores").as_int64(),
                      .tasks = {},
                      .events = {}};
  for (const json::value& task : object.at("tasks").as_array())
    recording.tasks.push_back(task_of(task.as_object()));
  for (const json::value& event : object.at("events").as_array())
    recording.events.push_back(event_of(event.as_object()));
  return recording;
}

template <class Item>
void print_list(std::ostream& out, const char* key, const std::vector<Item>& items) {
  out << "  \"" << key << "\": [";
  const char* separator = "\n    ";
  for (const Item& item : items) {
    out << separator << json::serialize(to_json(item));
    separator = ",\n    ";
  }
  out << "\n  ]";
}

}  // namespace

void write_recording(const std::filesystem::path& file, const Recording& recording) {
  std::ofstream out(file);
  const json::object head{{"entry", recording.entry},   {"model", recording.model},
                          {"held", recording.held},     {"recorded_at", recording.recorded_at},
                          {"kernel", recording.kernel}, {"cpu", recording.cpu},
                          {"cores", recording.cores}};
  out << "{\n";
  for (const auto& member : head)
    out << "  " << json::serialize(member.key()) << ": " << json::serialize(member.value()) << ",\n";
  print_list(out, "tasks", recording.tasks);
  out << ",\n";
  print_list(out, "events", recording.events);
  out << "\n}\n" << std::flush;
  if (!out) throw std::runtime_error(system_error_text("cannot write " + file.string()));
}

Recording read_recording(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::ostringstream text;
  if (!(text << in.rdbuf())) throw UsageError(system_error_text("cannot read " + file.string()));
  try {
    return recording_of(json::parse(text.str()).as_object());
  } catch (const std::exception& error) {
    throw UsageError(file.string() +
                     " is no recording of a publish, as comet-loadgen trace writes it: " + error.what());
  }
}

}  // namespace comet::loadgen
