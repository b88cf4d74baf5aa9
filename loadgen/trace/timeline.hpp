// What is drawn of a recording: a lane for each thread that took part, and the cores. Nothing here knows how.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "loadgen/trace/thread_history.hpp"

namespace comet::loadgen {

struct Lane {
  std::string label;       // "process 3", "thread 1", "3 comet-relay", "publisher"
  std::int64_t until = 0;  // when it has what it waited for
  ThreadHistory history;
};

struct Wake {
  std::int64_t us = 0;
  std::optional<std::size_t> from{};  // a lane; none: an interrupt or another program
  std::size_t to = 0;
  std::string call;  // in which `from` was
};

struct CoreUse {
  std::int64_t from = 0, to = 0;
  std::optional<std::size_t> lane{};  // none: another program
};

struct Core {
  int number = 0;
  std::vector<CoreUse> uses;
};

// All times are in microseconds from the publish on, from 0 to `end`.
struct Timeline {
  std::string entry, model, machine;
  std::int64_t held = 0;
  std::int64_t end = 0;
  std::int64_t delivered = 0;     // when the last subscriber had the message
  std::vector<Lane> lanes;        // publisher, server, subscribers
  std::size_t server_lanes = 0;   // those from lanes[1] on, in the order in which they first ran
  std::size_t slept_through = 0;  // threads or processes of the server that did not run
  std::string kind;               // "process" if the server has several of one program, else "thread"
  std::vector<Core> cores;        // on which a lane ran
  std::vector<Wake> wakes;        // of a lane that slept
};

// The timeline ends when all subscribers have the message, the publisher has its answer, and the server
// sleeps again. Throws UsageError if that is not in the recording.
Timeline make_timeline(const Recording& recording);

}  // namespace comet::loadgen
