// What each thread and each core did, as far as the events of a recording say it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "loadgen/trace/recording.hpp"

namespace comet::loadgen {

enum class State { kRunning, kWaitingForCore };

// Microseconds from the publish on. Between spans a thread sleeps.
struct Span {
  std::int64_t from = 0, to = 0;
  State state = State::kRunning;
  int core = 0;      // kRunning: where
  std::string call;  // in which it went to sleep at the end; empty if it did not
};

enum class MarkKind { kSend, kReceive, kSignal };  // kSignal: a write to an eventfd or a pipe

// A system call that has sent or received something.
struct Mark {
  MarkKind kind = MarkKind::kSend;
  std::int64_t from = 0, to = 0;
  std::string call;
  std::int64_t bytes = 0;
};

struct ThreadHistory {
  Task task;
  std::string first_sleeps_in;  // the call in which it slept when the recording began; empty: not known
  std::vector<Span> spans;
  std::vector<Mark> marks;
};

struct CoreSpan {
  std::int64_t from = 0, to = 0;
  pid_t thread = 0;  // perhaps of another program
};

struct Waking {
  std::int64_t us = 0;
  pid_t from = 0, to = 0;  // `from` is 0 if an interrupt did it
  std::string call;        // in which `from` was
};

struct Histories {
  std::map<pid_t, ThreadHistory> threads;      // those of the recording's tasks, and what they have started
  std::map<int, std::vector<CoreSpan>> cores;  // between spans a core is idle
  std::vector<Waking> wakings;                 // of these threads, by whomever
};

Histories read_histories(const Recording& recording);

}  // namespace comet::loadgen
