// The log in shared memory when a process is killed or stopped anywhere in a publish or a look.
#include <sys/ptrace.h>

#include <random>

#include "tests/unit/prefork_shared_log.hpp"

namespace comet::prefork {
namespace {

TEST_F(SharedLogTest, AWriterKilledAnywhereHarmsNobody) {
  SharedLog log({.history = 10, .channels = 16, .bytes = 65536}, kBegin);
  std::mt19937 random(11);
  for (int round = 0; round < 100; ++round) {
    int number = 0;
    const std::uint64_t before = log.published();
    start([&] {
      ++number;
      publish(log, std::to_string(number % 24), numbered(number, number % 5000));
    });
    while (log.published() < before + 3) continue;
    usleep(random() % 200);
    stop();
    const std::string name = std::to_string(round % 24);
    const auto mine = publish(log, name, "mine " + std::to_string(round));
    Channel channel(name);
    EXPECT_EQ(log.first_after(channel, {}).last, mine.cursor);
    int messages = 0;
    std::string last;
    for (Cursor since;; ++messages) {
      const auto found = log.first_after(channel, since).message;
      if (!found) break;
      ASSERT_GT(found->cursor, since);
      since = found->cursor;
      last = body_of(*found);
      if (!last.starts_with("mine")) {
        const int sent = std::stoi(last);
        ASSERT_EQ(last, numbered(sent, sent % 5000));
      }
    }
    EXPECT_LE(messages, 10);
    EXPECT_EQ(last, "mine " + std::to_string(round));
  }
}

// A child that this process steps through `work`.
class SteppedProcess {
 public:
  explicit SteppedProcess(const std::function<void()>& work) : child_(fork()) {
    if (child_ == 0) {
      if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(1);
      raise(SIGSTOP);
      work();
      _exit(0);
    }
    waitpid(child_, &status_, 0);
  }
  ~SteppedProcess() {
    if (!runs()) return;
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
  }
  bool runs() const { return WIFSTOPPED(status_); }
  // One instruction.
  void step() {
    if (ptrace(PTRACE_SINGLESTEP, child_, nullptr, nullptr) != 0) FAIL() << "ptrace does not step";
    waitpid(child_, &status_, 0);
  }
  void run_to_its_end() {
    if (ptrace(PTRACE_CONT, child_, nullptr, nullptr) != 0) FAIL() << "ptrace does not continue";
    waitpid(child_, &status_, 0);
  }

 private:
  pid_t child_;
  int status_ = 0;
};

// Between its mark and its commit a publisher has overwritten others' messages, and nobody knows its own.
TEST_F(SharedLogTest, AShorterMessageAfterAWriterKilledInItsBytesBringsNoOverwrittenOnesBack) {
  constexpr int kMessages = 300;
  constexpr int kStride = 20;  // instructions from one place of the kill to the next
  bool committed = false;
  for (int steps = 0; !committed; steps += kStride) {
    SharedLog log({.history = 1000, .channels = 8, .bytes = 65536}, kBegin);
    for (int i = 0; i < kMessages; ++i) publish(log, "a", numbered(i, 100));
    Channel channel("a");
    Channel other("long");
    const auto oldest = [&] { return log.first_after(channel, Cursor{}).message->cursor; };
    const Cursor before = oldest();
    {
      SteppedProcess publisher([&] { log.publish(other, std::string(1000, '!')); });
      if (!publisher.runs()) GTEST_SKIP() << "ptrace is not allowed here";
      while (publisher.runs() && oldest() == before) publisher.step();
      for (int left = steps; publisher.runs() && left > 0; --left) publisher.step();
      committed = log.first_after(other, Cursor{}).message.has_value();
    }
    publish(log, "a", numbered(kMessages, 100));
    int number = 0;
    for (Cursor since;;) {
      const auto found = log.first_after(channel, since).message;
      if (!found) break;
      since = found->cursor;
      const std::string body = body_of(*found);
      number = std::stoi(body);
      ASSERT_EQ(body, numbered(number, 100)) << "killed " << steps << " instructions after its mark";
    }
    EXPECT_EQ(number, kMessages);
  }
}

// Two publishes fill both copies of the newest message, so also the one that a reader is in the middle of.
TEST_F(SharedLogTest, AReaderStoppedAnywhereWhileOthersPublishSeesOneMessageAndNotHalvesOfTwo) {
  SharedLog log({.history = 10, .channels = 8}, kBegin);
  Channel channel("a");
  Cursor* const seen = map_shared_array<Cursor>(1);
  bool read_before_the_stop = false;
  for (int steps = 0; !read_before_the_stop; ++steps) {
    Cursor newest = publish(log, "a", "x").cursor;
    while (newest.sequence < 3) newest = publish(log, "a", "x").cursor;
    *seen = Cursor{};
    SteppedProcess reader([&] { *seen = log.first_after(channel, {}).last; });
    if (!reader.runs()) GTEST_SKIP() << "ptrace is not allowed here";
    for (int left = steps; reader.runs() && left > 0; --left) reader.step();
    read_before_the_stop = *seen == newest;
    while (unix_milliseconds() <= newest.milliseconds) continue;  // so that both halves of the cursor differ
    const Cursor next = publish(log, "a", "x").cursor;
    const Cursor second_next = publish(log, "a", "x").cursor;
    if (reader.runs()) reader.run_to_its_end();
    EXPECT_TRUE(*seen == newest || *seen == next || *seen == second_next)
        << to_string(*seen) << " after " << steps << " instructions";
  }
}

}  // namespace
}  // namespace comet::prefork
