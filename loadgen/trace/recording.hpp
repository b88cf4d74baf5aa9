// One publish as the kernel saw it: the threads that had to do with it, and what happened to them. It is kept
// as a JSON file, so that its picture can be drawn again on any machine.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace comet::loadgen {

enum class EventKind { kSwitch, kWaking, kFork, kCallBegins, kCallEnds };

struct Event {
  EventKind kind = EventKind::kSwitch;
  std::int64_t us = 0;  // microseconds from the publish on, negative before it
  int core = 0;
  pid_t thread = 0;     // that ran on the core; 0: none, or an interrupt that has nothing to do with it
  pid_t other = 0;      // kSwitch: the next on the core; kWaking: the woken thread; kFork: the new thread
  bool sleeps = false;  // kSwitch: `thread` waits for something or has ended; else it could run on
  std::string call{};   // of the last two: the system call's name
  std::string on{};  // kCallBegins: "socket", "eventfd", "pipe", if its first argument is such a descriptor
  std::int64_t number = 0;  // kCallBegins: first argument; kCallEnds: result
};

enum class Role { kPublisher, kSubscribers, kServer };

struct Task {
  pid_t thread = 0;
  pid_t process = 0;
  std::string name;
  Role role = Role::kServer;
};

struct Recording {
  std::string entry;
  std::string model;
  std::int64_t held = 0;    // subscribers
  std::string recorded_at;  // UTC
  std::string kernel;
  std::string cpu;
  std::int64_t cores = 0;
  std::vector<Task> tasks;
  std::vector<Event> events;  // in the order of time
};

// Writes the file, one event a line. Throws std::runtime_error.
void write_recording(const std::filesystem::path& file, const Recording& recording);

// Throws UsageError if the file cannot be read or is no recording.
Recording read_recording(const std::filesystem::path& file);

}  // namespace comet::loadgen
