// One publish as the kernel traces it: the parser of its lines, what a recording says, and the picture.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "loadgen/errors.hpp"
#include "loadgen/trace/picture.hpp"
#include "loadgen/trace/recording.hpp"
#include "loadgen/trace/timeline.hpp"
#include "loadgen/trace/trace_lines.hpp"

namespace comet::loadgen {
namespace {

namespace fs = std::filesystem;

// Two subscribers; two threads of one server take part, and two sleep through. Core 1 is taken at first.
Recording small_recording() {
  return read_recording(fs::path(COMET_SOURCE_FOLDER) / "tests/unit/recordings/two-subscribers.json");
}

const Lane& lane(const Timeline& timeline, const std::string& label) {
  const auto found = std::find_if(timeline.lanes.begin(), timeline.lanes.end(),
                                  [&label](const Lane& one) { return one.label == label; });
  if (found == timeline.lanes.end()) throw std::runtime_error("no lane " + label);
  return *found;
}

std::size_t times(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "nothing thrown";
}

TEST(LoadgenTraceLines, OfEachEventAreReadAndOthersLeftOut) {
  const auto events = parse_trace(
      "# tracer: nop\n#\n# entries-in-buffer/entries-written: 6/6   #P:2\n#\n"
      " comet-async-min-3578    [001] d..2. 13418.752948: sched_switch: prev_comm=comet-async-min "
      "prev_pid=3578 "
      "prev_prio=120 prev_state=S ==> next_comm=python3 next_pid=3579 next_prio=120\n"
      "     Web Content-12      [000] d.s5. 13418.752949: sched_waking: comm=a pid=7 b pid=3579 prio=120 "
      "target_cpu=001\n"
      "          <idle>-0       [000] d.h2. 13418.752950: sched_waking: comm=x pid=3579 prio=120 "
      "target_cpu=001\n"
      "            a-b-41       [000] ..... 13418.752951: sched_process_fork: comm=a-b pid=41 child_comm=a-b "
      "child_pid=42\n"
      "            a-b-41       [000] ..... 13418.752952: sched_stat_runtime: comm=a-b pid=41\n"
      "            a-b-41       [011] ..... 13418.752953: sys_enter: NR 99999 (b, 563aeeaeb300, e0, 0, 0, "
      "0)\n"
      "            a-b-41       [011] ..... 13418.752954: sys_exit: NR 99999 = -11\n");
  ASSERT_EQ(events.size(), 6u);
  EXPECT_EQ(events[0].kind, EventKind::kSwitch);
  EXPECT_EQ(events[0].us, 13'418'752'948);
  EXPECT_EQ(events[0].core, 1);
  EXPECT_EQ(events[0].thread, 3578);
  EXPECT_EQ(events[0].other, 3579);
  EXPECT_TRUE(events[0].sleeps);
  EXPECT_EQ(events[1].kind, EventKind::kWaking);
  EXPECT_EQ(events[1].thread, 12) << "a soft interrupt is the sender's own work";
  EXPECT_EQ(events[1].other, 3579);
  EXPECT_EQ(events[2].thread, 0) << "a hard interrupt has nothing to do with the thread that it interrupts";
  EXPECT_EQ(events[3].kind, EventKind::kFork);
  EXPECT_EQ(events[3].other, 42);
  EXPECT_EQ(events[4].kind, EventKind::kCallBegins);
  EXPECT_EQ(events[4].core, 11);
  EXPECT_EQ(events[4].call, "call 99999");
  EXPECT_EQ(events[4].number, 11);
  EXPECT_EQ(events[5].kind, EventKind::kCallEnds);
  EXPECT_EQ(events[5].number, -11);
}

TEST(LoadgenTraceLines, OfAThreadThatCouldRunOnIsNoSleep) {
  for (const std::string state : {"R", "R+"}) {
    const auto events = parse_trace(
        "  a-41  [000] d..2. 1.000001: sched_switch: prev_comm=a prev_pid=41 prev_prio=120 "
        "prev_state=" +
        state + " ==> next_comm=swapper/0 next_pid=0 next_prio=120\n");
    EXPECT_FALSE(events.at(0).sleeps) << state;
  }
}

TEST(LoadgenTraceLines, ThatAreNotUnderstoodAreAnError) {
  EXPECT_THROW(parse_trace("CPU:1 [LOST 27 EVENTS]\n"), std::runtime_error);
  EXPECT_THROW(parse_trace("  a-41  [000] ..... 1.000001: sys_exit: something new\n"), std::runtime_error);
}

TEST(LoadgenTraceLines, ThatTheKernelHadNoRoomForAreSaid) {
  const std::string message =
      message_of([] { parse_trace("# entries-in-buffer/entries-written: 94/120   #P:2\n"); });
  EXPECT_NE(message.find("of 120 events 94 are left"), std::string::npos) << message;
}

TEST(LoadgenRecording, IsTheSameAfterItWasWrittenAndRead) {
  const Recording recording = small_recording();
  const fs::path file = fs::temp_directory_path() / ("comet-recording-" + std::to_string(getpid()) + ".json");
  write_recording(file, recording);
  const Recording again = read_recording(file);
  fs::remove(file);
  EXPECT_EQ(picture_of(make_timeline(again)), picture_of(make_timeline(recording)));
  ASSERT_EQ(again.events.size(), recording.events.size());
  EXPECT_EQ(again.recorded_at, "2026-11-27T12:00:00Z");
  EXPECT_EQ(again.tasks.front().role, Role::kPublisher);
}

TEST(LoadgenRecording, ThatIsNoneIsNamed) {
  const std::string manifest = COMET_SOURCE_FOLDER "/patterns/async/pattern.json";
  EXPECT_NE(message_of([&] { read_recording(manifest); }).find("is no recording of a publish"),
            std::string::npos);
  EXPECT_NE(message_of([] { read_recording("/nowhere.json"); }).find("cannot read /nowhere.json"),
            std::string::npos);
}

TEST(LoadgenTimeline, HasTheThreadsThatTookPartInTheOrderInWhichTheyRan) {
  const Timeline timeline = make_timeline(small_recording());
  ASSERT_EQ(timeline.lanes.size(), 4u);
  EXPECT_EQ(timeline.lanes[0].label, "publisher");
  EXPECT_EQ(timeline.lanes[1].history.task.thread, 22) << "it ran first";
  EXPECT_EQ(timeline.lanes[2].history.task.thread, 21);
  EXPECT_EQ(timeline.lanes[3].label, "subscribers");
  EXPECT_EQ(timeline.server_lanes, 2u);
  EXPECT_EQ(timeline.slept_through, 2u);
  EXPECT_EQ(timeline.kind, "thread");
}

// The server is what `change` makes of the four threads of one process.
Timeline timeline_with(const std::function<void(Task&)>& change) {
  Recording recording = small_recording();
  for (Task& task : recording.tasks)
    if (task.role == Role::kServer) change(task);
  return make_timeline(recording);
}

TEST(LoadgenTimeline, SeveralProcessesOfOneProgramAreNumbered) {
  const Timeline timeline = timeline_with([](Task& task) { task.process = task.thread; });
  EXPECT_EQ(timeline.kind, "process");
  EXPECT_EQ(timeline.lanes[1].label, "process 1");
}

TEST(LoadgenTimeline, SeveralProgramsAreNamed) {
  const Timeline timeline = timeline_with([](Task& task) {
    task.process = task.thread;
    task.name = task.thread == 22 ? "haproxy" : "redis-server";
  });
  EXPECT_EQ(timeline.kind, "thread");
  EXPECT_EQ(timeline.lanes[1].label, "1 haproxy");
  EXPECT_EQ(timeline.lanes[2].label, "2 redis-server");
}

TEST(LoadgenTimeline, SaysWhenAThreadRunsWaitsAndSleeps) {
  const Timeline timeline = make_timeline(small_recording());
  const ThreadHistory& first = lane(timeline, "thread 1").history;
  EXPECT_EQ(first.first_sleeps_in, "epoll_wait");
  ASSERT_EQ(first.spans.size(), 2u);
  EXPECT_EQ(first.spans[0].state, State::kWaitingForCore);
  EXPECT_EQ(first.spans[0].from, 10);
  EXPECT_EQ(first.spans[0].to, 20);
  EXPECT_EQ(first.spans[1].state, State::kRunning);
  EXPECT_EQ(first.spans[1].to, 80);
  EXPECT_EQ(first.spans[1].core, 1);
  EXPECT_EQ(first.spans[1].call, "epoll_wait");
}

TEST(LoadgenTimeline, AThreadThatMakesCallsRunsThoughItsSwitchToTheCoreIsNotRecorded) {
  Recording recording = small_recording();
  const pid_t second = lane(make_timeline(recording), "thread 2").history.task.thread;
  std::erase_if(recording.events, [second](const Event& event) {
    return event.kind == EventKind::kSwitch && event.other == second;
  });
  const Timeline timeline = make_timeline(recording);
  EXPECT_EQ(timeline.server_lanes, 2u);
  EXPECT_EQ(lane(timeline, "thread 2").history.task.thread, second);
}

TEST(LoadgenTimeline, MarksWhatIsSentAndReceivedAndNothingElse) {
  const Timeline timeline = make_timeline(small_recording());
  const auto& marks = lane(timeline, "thread 1").history.marks;
  ASSERT_EQ(marks.size(), 3u) << "a read without data, a read of an eventfd and a write to a file are none";
  EXPECT_EQ(marks[0].kind, MarkKind::kReceive);
  EXPECT_EQ(marks[0].call, "recvfrom");
  EXPECT_EQ(marks[1].kind, MarkKind::kSignal);
  EXPECT_EQ(marks[2].kind, MarkKind::kSend);
  EXPECT_EQ(marks[2].from, 60);
  EXPECT_EQ(marks[2].to, 66);
  EXPECT_EQ(marks[2].bytes, 224);
  EXPECT_EQ(lane(timeline, "subscribers").history.marks.size(), 2u);
}

TEST(LoadgenTimeline, SaysWhoWakesWhomAndInWhichCall) {
  const Timeline timeline = make_timeline(small_recording());
  ASSERT_EQ(timeline.wakes.size(), 5u);
  EXPECT_EQ(timeline.wakes[0].from, 0u);
  EXPECT_EQ(timeline.wakes[0].to, 1u);
  EXPECT_EQ(timeline.wakes[0].call, "sendto");
  EXPECT_EQ(timeline.wakes[1].from, 1u);
  EXPECT_EQ(timeline.wakes[1].to, 2u);
  EXPECT_EQ(timeline.wakes[1].call, "write");
  EXPECT_FALSE(timeline.wakes[3].from) << "an interrupt";
}

TEST(LoadgenTimeline, SaysWhoHasEachCore) {
  const Timeline timeline = make_timeline(small_recording());
  ASSERT_EQ(timeline.cores.size(), 2u);
  const auto& uses = timeline.cores[1].uses;
  ASSERT_GE(uses.size(), 2u);
  EXPECT_FALSE(uses[0].lane) << "another program, from the beginning on";
  EXPECT_EQ(uses[0].to, 20);
  EXPECT_EQ(uses[1].lane, 1u);
}

TEST(LoadgenTimeline, EndsWhenAllHaveTheMessageAndTheServerSleeps) {
  const Timeline timeline = make_timeline(small_recording());
  EXPECT_EQ(timeline.delivered, 110);
  EXPECT_EQ(timeline.end, 120);
}

// The subscribers' thread ends and wakes the publisher, which joins it: that is no part of the publish.
TEST(LoadgenTimeline, LeavesOutWhatTheClientsDoAfterwards) {
  Recording recording = small_recording();
  recording.events.push_back({.kind = EventKind::kWaking, .us = 119, .core = 0, .thread = 21, .other = 12});
  const Timeline timeline = make_timeline(recording);
  EXPECT_EQ(timeline.wakes.size(), 5u);
  EXPECT_EQ(lane(timeline, "subscribers").history.spans.back().to, 110);
}

TEST(LoadgenTimeline, RefusesARecordingThatEndsTooEarly) {
  Recording recording = small_recording();
  std::erase_if(recording.events, [](const Event& event) { return event.us > 100; });
  EXPECT_THROW(make_timeline(recording), UsageError);
}

TEST(LoadgenPicture, HasALaneForEachThreadThatTookPartAndForEachCore) {
  const std::string picture = picture_of(make_timeline(small_recording()));
  for (const char* label : {">publisher<", ">thread 1<", ">thread 2<", ">subscribers<", ">core 0<",
                            ">core 1<", ">and 2 threads that slept through<", ">slept in epoll_wait<"})
    EXPECT_EQ(times(picture, label), 1u) << label;
  EXPECT_EQ(picture.find("thread 3"), std::string::npos);
}

TEST(LoadgenPicture, HasArrowsMarksAndTheirWords) {
  const std::string picture = picture_of(make_timeline(small_recording()));
  EXPECT_EQ(times(picture, "marker-end"), 5u + 1u) << "the arrows, and that of the legend";
  EXPECT_NE(picture.find("thread 1 wakes thread 2 at 40 \u00b5s, in write"), std::string::npos);
  EXPECT_NE(picture.find("an interrupt wakes subscribers at 90 \u00b5s"), std::string::npos);
  EXPECT_NE(picture.find("thread 1: sendto, 224 bytes, 60 to 66 \u00b5s"), std::string::npos);
  EXPECT_NE(picture.find("All have the message after 110 \u00b5s."), std::string::npos);
}

TEST(LoadgenPicture, NeedsNoOtherFileAndTellsThoseWhoCannotSeeIt) {
  const std::string picture = picture_of(make_timeline(small_recording()));
  EXPECT_TRUE(picture.starts_with("<svg "));
  EXPECT_EQ(times(picture, "http"), 1u) << "the name of the SVG namespace";
  EXPECT_NE(picture.find("aria-labelledby=\"title description\""), std::string::npos);
  EXPECT_NE(picture.find("<title id=\"title\">One publish to 2 subscribers: two &amp; two</title>"),
            std::string::npos);
  EXPECT_NE(picture.find("<desc id=\"description\">"), std::string::npos);
  EXPECT_NE(picture.find("prefers-color-scheme: dark"), std::string::npos);
  EXPECT_EQ(times(picture, "var("), 0u) << "a viewer that knows no variables would show everything in black";
}

TEST(LoadgenPicture, OfSeveralHasOneScaleOfTime) {
  Recording late = small_recording();
  for (Event& event : late.events) event.us *= event.us > 0 ? 10 : 1;
  const std::string picture = picture_of_several({make_timeline(small_recording()), make_timeline(late)});
  EXPECT_EQ(times(picture, ">1,000<"), 2u) << "the ticks of both";
  EXPECT_EQ(times(picture, "class=\"panel\""), 2u);
}

}  // namespace
}  // namespace comet::loadgen
