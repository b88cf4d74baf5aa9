// From events to histories: see thread_history.hpp.
#include "loadgen/trace/thread_history.hpp"

#include <optional>

#include "loadgen/trace/system_call_names.hpp"

namespace comet::loadgen {
namespace {

constexpr pid_t kIdle = 0;

// A thread while the events are gone through.
struct Now {
  ThreadHistory* history = nullptr;
  bool is_known = false;  // an event has said what it does
  bool has_span = false;  // it runs, or waits for a core: since span.from
  Span span{};
  std::optional<Event> call{};  // in which it is
};

void begin(Now& now, std::int64_t us, State state, int core) {
  now.has_span = true;
  now.span = {us, us, state, core, {}};
}

class HistoryReader {
 public:
  explicit HistoryReader(const Recording& recording)
      : begin_(recording.events.empty() ? 0 : recording.events.front().us) {
    for (const Task& task : recording.tasks) add(task);
    for (const Event& event : recording.events) read(event);
    for (auto& [number, now] : now_) close(now, recording.events.back().us, false);
  }

  Histories histories;

 private:
  void add(const Task& task);
  Now* find(pid_t thread);
  void read(const Event& event);
  void meet(Now& now, const Event& event);
  void close(Now& now, std::int64_t us, bool sleeps);
  void leave_core(const Event& event);
  void enter_core(const Event& event);
  void wake(const Event& event);
  void end_call(Now& now, const Event& event);

  const std::int64_t begin_;
  std::map<pid_t, Now> now_;
};

void HistoryReader::add(const Task& task) {
  ThreadHistory& history = histories.threads[task.thread];
  history.task = task;
  now_[task.thread].history = &history;
}

Now* HistoryReader::find(pid_t thread) {
  const auto found = now_.find(thread);
  return found == now_.end() ? nullptr : &found->second;
}

void HistoryReader::read(const Event& event) {
  Now* now = find(event.thread);
  if (now != nullptr && event.kind != EventKind::kWaking) meet(*now, event);
  switch (event.kind) {
    case EventKind::kSwitch:
      leave_core(event);
      enter_core(event);
      break;
    case EventKind::kWaking:
      wake(event);
      break;
    case EventKind::kFork:
      if (now == nullptr || find(event.other) != nullptr) break;
      add({event.other, now->history->task.process, now->history->task.name, now->history->task.role});
      break;
    case EventKind::kCallBegins:
      if (now != nullptr) now->call = event;
      break;
    case EventKind::kCallEnds:
      if (now != nullptr) end_call(*now, event);
  }
}

// Only a thread that runs makes calls or leaves a core. One that is first met so has run since the beginning.
// One that waited for a core has got it: the kernel now and then does not record a core's first switch.
void HistoryReader::meet(Now& now, const Event& event) {
  if (!now.is_known) begin(now, begin_, State::kRunning, event.core);
  now.is_known = true;
  if (!now.has_span || now.span.state == State::kRunning) return;
  close(now, event.us, false);
  begin(now, event.us, State::kRunning, event.core);
  histories.cores[event.core].push_back({event.us, event.us, event.thread});
}

void HistoryReader::close(Now& now, std::int64_t us, bool sleeps) {
  if (!now.has_span) return;
  now.span.to = us;
  if (sleeps && now.call) now.span.call = now.call->call;
  now.history->spans.push_back(now.span);
  now.has_span = false;
}

void HistoryReader::leave_core(const Event& event) {
  auto& spans = histories.cores[event.core];
  if (event.thread != kIdle) {
    if (spans.empty()) spans.push_back({begin_, begin_, event.thread});
    spans.back().to = event.us;
  }
  Now* now = find(event.thread);
  if (now == nullptr) return;
  close(*now, event.us, event.sleeps);
  if (!event.sleeps) begin(*now, event.us, State::kWaitingForCore, event.core);
}

void HistoryReader::enter_core(const Event& event) {
  if (event.other != kIdle) histories.cores[event.core].push_back({event.us, event.us, event.other});
  Now* now = find(event.other);
  if (now == nullptr) return;
  close(*now, event.us, false);
  now->is_known = true;
  begin(*now, event.us, State::kRunning, event.core);
}

// A thread may be woken when it has only begun to go to sleep: then it runs on.
void HistoryReader::wake(const Event& event) {
  Now* woken = find(event.other);
  if (woken == nullptr) return;
  woken->is_known = true;
  if (!woken->has_span) begin(*woken, event.us, State::kWaitingForCore, event.core);
  const Now* waker = find(event.thread);
  const std::string call = waker != nullptr && waker->call ? waker->call->call : "";
  histories.wakings.push_back({event.us, event.thread, event.other, call});
}

void HistoryReader::end_call(Now& now, const Event& event) {
  ThreadHistory& history = *now.history;
  const bool has_slept_in_it = !now.call && now.has_span && now.span.from > begin_;
  if (has_slept_in_it && history.first_sleeps_in.empty()) history.first_sleeps_in = event.call;
  // What a call receives that began before the recording can only have come from a connection.
  const std::string on = now.call ? now.call->on : "socket";
  const std::int64_t from = now.call ? now.call->us : event.us;
  now.call.reset();
  if (event.number <= 0) return;
  Mark mark{MarkKind::kSend, from, event.us, event.call, event.number};
  if (receives(event.call) && on == "socket") {
    mark.kind = MarkKind::kReceive;
  } else if (sends(event.call) && (on == "eventfd" || on == "pipe")) {
    mark.kind = MarkKind::kSignal;
  } else if (!sends(event.call) || on != "socket") {
    return;
  }
  history.marks.push_back(mark);
}

}  // namespace

Histories read_histories(const Recording& recording) { return std::move(HistoryReader(recording).histories); }

}  // namespace comet::loadgen
