// Lines of the kernel's trace: see trace_lines.hpp.
#include "loadgen/trace/trace_lines.hpp"

#include <array>
#include <charconv>
#include <regex>
#include <stdexcept>
#include <string>

#include "loadgen/machine/proc_file.hpp"
#include "loadgen/trace/system_call_names.hpp"

namespace comet::loadgen {
namespace {

using Match = std::match_results<std::string_view::const_iterator>;

[[noreturn]] void fail(std::string_view line) {
  throw std::runtime_error("this line of the kernel's trace is not understood: " + std::string(line));
}

std::int64_t number_of(const Match& match, std::size_t group, int base = 10) {
  const std::string text = match[group];
  std::int64_t number = 0;
  if (base == 16) return static_cast<std::int64_t>(std::stoull(text, nullptr, 16));
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

pid_t thread_of(const Match& match, std::size_t group) { return static_cast<pid_t>(number_of(match, group)); }

// A program may have any name, so each expression is tied to what stands around the names.
Match matched(std::string_view details, const std::regex& form) {
  Match match;
  if (!std::regex_match(details.begin(), details.end(), match, form)) fail(details);
  return match;
}

void read_switch(std::string_view details, Event& event) {
  static const std::regex form(R"(prev_comm=.* prev_pid=\d+ prev_prio=-?\d+ prev_state=(\S+) ==> )"
                               R"(next_comm=.* next_pid=(\d+) next_prio=-?\d+)");
  const Match match = matched(details, form);
  event.sleeps = *match[1].first != 'R';
  event.other = thread_of(match, 2);
}

void read_waking(std::string_view details, Event& event) {
  static const std::regex form(R"(comm=.* pid=(\d+) prio=-?\d+ target_cpu=\d+)");
  event.other = thread_of(matched(details, form), 1);
}

void read_fork(std::string_view details, Event& event) {
  static const std::regex form(R"(comm=.* pid=\d+ child_comm=.* child_pid=(\d+))");
  event.other = thread_of(matched(details, form), 1);
}

void read_call(std::string_view details, Event& event) {
  static const std::regex form(R"(NR (-?\d+) \(([0-9a-f]+),.*)");
  const Match match = matched(details, form);
  event.call = system_call_name(number_of(match, 1));
  event.number = number_of(match, 2, 16);
}

void read_return(std::string_view details, Event& event) {
  static const std::regex form(R"(NR (-?\d+) = (-?\d+))");
  const Match match = matched(details, form);
  event.call = system_call_name(number_of(match, 1));
  event.number = number_of(match, 2);
}

struct Reader {
  std::string_view name;
  EventKind kind;
  void (*read)(std::string_view, Event&);
};

constexpr std::array<Reader, 5> kReaders{{{"sched_switch", EventKind::kSwitch, read_switch},
                                          {"sched_waking", EventKind::kWaking, read_waking},
                                          {"sched_process_fork", EventKind::kFork, read_fork},
                                          {"sys_enter", EventKind::kCallBegins, read_call},
                                          {"sys_exit", EventKind::kCallEnds, read_return}}};

// "# entries-in-buffer/entries-written: 94/94   #P:2"
void check_complete(std::string_view line) {
  static const std::regex form(R"(# entries-in-buffer/entries-written: (\d+)/(\d+).*)");
  Match match;
  if (!std::regex_match(line.begin(), line.end(), match, form) || match[1] == match[2]) return;
  throw std::runtime_error(
      "the kernel's trace buffer was too small: of " + match[2].str() + " events " + match[1].str() +
      " are left. Does the server spin instead of sleeping? If not, hold fewer subscribers");
}

// "   comet-async-3578    [001] d.s5. 13418.752865: sched_waking: comm=..."
bool read_line(std::string_view line, Event& event) {
  static const std::regex form(R"( *.*-(\d+) +\[(\d+)\] +(\S+) +(\d+)\.(\d{6}): (\w+): (.*))");
  Match match;
  if (!std::regex_match(line.begin(), line.end(), match, form)) fail(line);
  event.thread = thread_of(match, 1);
  event.core = static_cast<int>(number_of(match, 2));
  event.us = number_of(match, 4) * 1'000'000 + number_of(match, 5);
  // The third flag: a hard interrupt. In a soft one the sender's own call delivers to a receiver here.
  const std::string flags = match[3];
  if (flags.size() > 2 && std::string_view("hHzZ").find(flags[2]) != std::string_view::npos) event.thread = 0;
  for (const Reader& reader : kReaders) {
    if (match[6].compare(std::string(reader.name)) != 0) continue;
    event.kind = reader.kind;
    reader.read(line.substr(static_cast<std::size_t>(match.position(7))), event);
    return true;
  }
  return false;
}

}  // namespace

std::vector<Event> parse_trace(std::string_view text) {
  std::vector<Event> events;
  for (const std::string_view line : lines_of(text)) {
    Event event;
    if (line.starts_with('#')) {
      check_complete(line);
    } else if (!line.empty() && read_line(line, event)) {
      events.push_back(std::move(event));
    }
  }
  return events;
}

}  // namespace comet::loadgen
