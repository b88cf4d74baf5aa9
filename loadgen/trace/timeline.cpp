// From histories to what is drawn: see timeline.hpp.
#include "loadgen/trace/timeline.hpp"

#include <algorithm>
#include <set>

#include "loadgen/errors.hpp"

namespace comet::loadgen {
namespace {

bool runs_within(const ThreadHistory& thread, std::int64_t from, std::int64_t to) {
  return std::any_of(thread.spans.begin(), thread.spans.end(), [from, to](const Span& span) {
    return span.state == State::kRunning && span.to > from && span.from < to;
  });
}

std::int64_t first_run_after(const ThreadHistory& thread, std::int64_t us) {
  for (const Span& span : thread.spans)
    if (span.state == State::kRunning && span.to > us) return span.from;
  return 0;
}

std::vector<const ThreadHistory*> threads_of(const Histories& histories, Role role) {
  std::vector<const ThreadHistory*> threads;
  for (const auto& [number, thread] : histories.threads)
    if (thread.task.role == role) threads.push_back(&thread);
  return threads;
}

const ThreadHistory& only_thread_of(const Histories& histories, Role role) {
  const auto threads = threads_of(histories, role);
  if (threads.size() != 1)
    throw UsageError("the recording needs one thread that publishes and one that subscribes");
  return *threads.front();
}

// When the thread has received `count` times after the publish.
std::int64_t received(const ThreadHistory& thread, std::int64_t count) {
  std::int64_t last = -1;
  for (const Mark& mark : thread.marks) {
    if (mark.kind != MarkKind::kReceive || mark.to < 0) continue;
    last = mark.to;
    --count;
  }
  if (count > 0) throw UsageError("the recording ends before all subscribers have the message");
  return last;
}

// The first moment from `us` on at which none of the threads runs or wants to.
std::int64_t all_asleep(const std::vector<const ThreadHistory*>& threads, std::int64_t us) {
  for (bool moved = true; moved;) {
    moved = false;
    for (const ThreadHistory* thread : threads)
      for (const Span& span : thread->spans)
        if (span.from <= us && us < span.to) {
          us = span.to;
          moved = true;
        }
  }
  return us;
}

// `until`: what the thread does after this has nothing to do with the publish.
void add_lane(Timeline& timeline, std::string label, const ThreadHistory& history, std::int64_t until) {
  Lane lane{std::move(label), until, history};
  for (Span& span : lane.history.spans) {
    span.from = std::clamp<std::int64_t>(span.from, 0, until);
    span.to = std::clamp<std::int64_t>(span.to, 0, until);
  }
  std::erase_if(lane.history.spans, [](const Span& span) { return span.from == span.to; });
  std::erase_if(lane.history.marks, [until](const Mark& mark) { return mark.to < 0 || mark.from > until; });
  timeline.lanes.push_back(std::move(lane));
}

void add_server(Timeline& timeline, std::vector<const ThreadHistory*> threads) {
  const std::size_t all = threads.size();
  std::set<pid_t> processes;
  for (const ThreadHistory* thread : threads) processes.insert(thread->task.process);
  std::set<std::string> programs;
  for (const ThreadHistory* thread : threads)
    if (thread->task.thread == thread->task.process) programs.insert(thread->task.name);
  timeline.kind = processes.size() > 1 && programs.size() == 1 ? "process" : "thread";
  std::erase_if(threads,
                [&timeline](const ThreadHistory* thread) { return !runs_within(*thread, 0, timeline.end); });
  std::stable_sort(threads.begin(), threads.end(), [](const ThreadHistory* a, const ThreadHistory* b) {
    return first_run_after(*a, 0) < first_run_after(*b, 0);
  });
  for (const ThreadHistory* thread : threads) {
    const std::string number = std::to_string(++timeline.server_lanes);
    const std::string label =
        programs.size() > 1 ? number + ' ' + thread->task.name : timeline.kind + ' ' + number;
    add_lane(timeline, label, *thread, timeline.end);
  }
  timeline.slept_through = all - threads.size();
}

std::optional<std::size_t> lane_of(const Timeline& timeline, pid_t thread) {
  for (std::size_t i = 0; i < timeline.lanes.size(); ++i)
    if (timeline.lanes[i].history.task.thread == thread) return i;
  return std::nullopt;
}

void add_cores(Timeline& timeline, const Histories& histories) {
  for (const auto& [number, spans] : histories.cores) {
    Core core{number, {}};
    bool has_lane = false;
    for (const CoreSpan& span : spans) {
      CoreUse use{span.from, span.to, lane_of(timeline, span.thread)};
      use.from = std::clamp<std::int64_t>(use.from, 0, timeline.end);
      use.to = std::clamp<std::int64_t>(use.to, 0, timeline.end);
      if (use.from == use.to) continue;
      has_lane = has_lane || use.lane;
      core.uses.push_back(use);
    }
    if (has_lane) timeline.cores.push_back(std::move(core));
  }
}

void add_wakes(Timeline& timeline, const Histories& histories) {
  for (const Waking& waking : histories.wakings) {
    const auto to = lane_of(timeline, waking.to);
    if (!to || waking.us < 0 || waking.us > timeline.lanes[*to].until) continue;
    timeline.wakes.push_back({waking.us, lane_of(timeline, waking.from), *to, waking.call});
  }
}

}  // namespace

Timeline make_timeline(const Recording& recording) {
  Histories histories = read_histories(recording);
  const ThreadHistory& publisher = only_thread_of(histories, Role::kPublisher);
  const ThreadHistory& subscribers = only_thread_of(histories, Role::kSubscribers);
  const auto server = threads_of(histories, Role::kServer);
  Timeline timeline;
  timeline.entry = recording.entry;
  timeline.model = recording.model;
  timeline.machine = recording.kernel + ", " + std::to_string(recording.cores) + " cores, " + recording.cpu +
                     ", " + recording.recorded_at.substr(0, 10);
  timeline.held = recording.held;
  timeline.delivered = received(subscribers, recording.held);
  const std::int64_t answered = received(publisher, 1);
  timeline.end = all_asleep(server, std::max(timeline.delivered, answered));
  add_lane(timeline, "publisher", publisher, answered);
  add_server(timeline, server);
  add_lane(timeline, "subscribers", subscribers, timeline.delivered);
  add_cores(timeline, histories);
  add_wakes(timeline, histories);
  return timeline;
}

}  // namespace comet::loadgen
