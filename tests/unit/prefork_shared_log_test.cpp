// The log in shared memory: the same answers as ChannelLog, its bounds, readers beside a writer, writers
// killed anywhere.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <random>

#include "patterns/prefork/log/shared_log.hpp"

namespace comet::prefork {
namespace {

constexpr std::uint64_t kBeginMilliseconds = 100;
constexpr Cursor kBegin{kBeginMilliseconds, 0};

// Each has bytes of its own, so that those of another do not pass for them.
std::string numbered(int number, std::size_t size) {
  std::string body = std::to_string(number) + ' ';
  return body.append(size, static_cast<char>('a' + number % 26));
}

// The second may turn between two that are made at the same time.
std::string without_date(std::string response) {
  const auto start = response.find("Date: ");
  return response.erase(start, response.find("\r\n", start) + 2 - start);
}

std::string body_of(const Message& message) { return message.response->substr(message.head_size); }

class SharedLogTest : public testing::Test {
 protected:
  SharedLog::Published publish(SharedLog& log, const std::string& name, std::string_view body) {
    Channel channel(name);
    return log.publish(channel, body);
  }
  std::string after(const SharedLog& log, const std::string& name, Cursor since) {
    Channel channel(name);
    const auto found = log.first_after(channel, since);
    return (found.message ? body_of(*found.message) : "none") + (found.missed ? " missed" : "");
  }
  void TearDown() override {
    if (child_ > 0) stop();
  }
  // Runs `work` again and again in a process of its own until stop().
  void start(const std::function<void()>& work) {
    child_ = fork();
    ASSERT_GE(child_, 0);
    if (child_ == 0) prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (child_ == 0) work();
  }
  void stop() {
    ASSERT_EQ(kill(child_, SIGKILL), 0);
    ASSERT_EQ(waitpid(child_, nullptr, 0), child_);
    child_ = -1;
  }

  pid_t child_ = -1;
};

TEST_F(SharedLogTest, AnswersAsChannelLogDoes) {
  std::mt19937 random(7);
  constexpr std::size_t kHistory = 5;
  SharedLog log({.history = kHistory, .channels = 8}, kBeginMilliseconds);
  ChannelLog model(kBegin);
  std::vector<Cursor> cursors{{}, {1, 1}, kBegin, {100, 1}, {~0ULL, 0}};
  Channel reader("a");
  for (int step = 0; step < 2000; ++step) {
    if (random() % 4 == 0) {
      const std::string body = std::to_string(step);
      const Cursor cursor = publish(log, "a", body).cursor;
      if (model.size() == kHistory) model.drop_oldest();
      EXPECT_EQ(model.append(body, cursor.milliseconds).cursor, cursor);
      cursors.push_back(cursor);
    }
    // The early ones, and those around what is retained.
    const std::size_t recent = std::min<std::size_t>(cursors.size(), 2 * kHistory);
    const Cursor since =
        random() % 3 == 0 ? cursors[random() % 5] : cursors[cursors.size() - 1 - random() % recent];
    const auto expected = model.first_after(since);
    const auto found = log.first_after(reader, since);
    ASSERT_EQ(found.message.has_value(), expected.message != nullptr);
    if (found.message) {
      EXPECT_EQ(found.message->cursor, expected.message->cursor);
      EXPECT_EQ(without_date(*found.message->response), without_date(*expected.message->response));
    }
    EXPECT_EQ(found.missed, expected.missed);
    EXPECT_EQ(found.last, model.last());
  }
}

TEST_F(SharedLogTest, WithoutACursorSaysWhereTheLogEnds) {
  SharedLog log({.history = 3, .channels = 8}, kBeginMilliseconds);
  Channel channel("a");
  EXPECT_EQ(log.first_after(channel, {}).last, kBegin);
  const Cursor cursor = publish(log, "a", "x").cursor;
  const auto found = log.first_after(channel, {});
  EXPECT_FALSE(found.message);
  EXPECT_FALSE(found.missed);
  EXPECT_EQ(found.last, cursor);
}

TEST_F(SharedLogTest, ACursorAheadOfTheLogIsAnsweredLikeOneTooOld) {
  SharedLog log({.history = 2, .channels = 8}, kBeginMilliseconds);
  const Cursor ahead{~0ULL, 0};
  EXPECT_EQ(after(log, "a", ahead), "none missed") << "of a channel without messages";
  publish(log, "a", "1");
  EXPECT_EQ(after(log, "a", ahead), "1 missed");
  publish(log, "a", "2");
  publish(log, "a", "3");
  EXPECT_EQ(after(log, "a", ahead), "2 missed") << "the oldest that is retained";
}

TEST_F(SharedLogTest, NumbersMessagesAcrossChannels) {
  SharedLog log({.history = 3, .channels = 8}, kBeginMilliseconds);
  publish(log, "a", "0");
  publish(log, "b", "1");
  EXPECT_EQ(log.published(), 2U);
  const auto third = publish(log, "a", "2");
  EXPECT_EQ(third.number, 2U);
  EXPECT_EQ(third.after_previous, 1U);
}

TEST_F(SharedLogTest, PastItsBytesTheOldestMessagesAreGoneAndTheGapIsSaid) {
  SharedLog log({.history = 1000, .channels = 8, .bytes = 16384}, kBeginMilliseconds);
  std::vector<Cursor> cursors;
  for (int i = 0; i < 500; ++i) cursors.push_back(publish(log, i % 2 ? "a" : "b", std::to_string(i)).cursor);
  const int oldest = std::stoi(after(log, "a", {}));
  EXPECT_GT(oldest, 400);
  EXPECT_LT(oldest, 490);
  EXPECT_EQ(after(log, "a", cursors[1]), std::to_string(oldest) + " missed");
  for (int i = oldest; i < 498; i += 2) {
    EXPECT_EQ(after(log, "a", cursors[static_cast<std::size_t>(i)]), std::to_string(i + 2));
  }
  EXPECT_EQ(after(log, "a", cursors[499]), "none");
}

TEST_F(SharedLogTest, AChannelWhoseEveryMessageIsOverwrittenSaysTheGap) {
  SharedLog log({.history = 1000, .channels = 8, .bytes = 16384}, kBeginMilliseconds);
  const Cursor first = publish(log, "quiet", "x").cursor;
  const Cursor last = publish(log, "quiet", "y").cursor;
  for (int i = 0; i < 100; ++i) publish(log, "busy", std::string(500, 'b'));
  EXPECT_EQ(after(log, "quiet", last), "none");
  EXPECT_EQ(after(log, "quiet", first), "none missed");
  publish(log, "quiet", "z");
  EXPECT_EQ(after(log, "quiet", last), "z");
  EXPECT_EQ(after(log, "quiet", first), "z missed");
}

TEST_F(SharedLogTest, PastItsChannelsTheOneLeastRecentlyPublishedToIsForgotten) {
  SharedLog log({.history = 3, .channels = 2}, kBeginMilliseconds);
  Channel a("a");
  const Cursor in_a = log.publish(a, "1").cursor;
  publish(log, "b", "2");
  publish(log, "a", "3");
  const Cursor in_b = publish(log, "b", "4").cursor;
  publish(log, "c", "5");  // in the place of a
  EXPECT_EQ(after(log, "b", {}), "2");
  EXPECT_EQ(after(log, "c", {}), "5");
  EXPECT_FALSE(log.first_after(a, Cursor{}).message) << "a reader that knew the place of a takes c for it";
  EXPECT_TRUE(log.first_after(a, in_a).missed);
  log.publish(a, "6");  // in the place of b
  EXPECT_EQ(after(log, "a", in_a), "6 missed");
  EXPECT_EQ(after(log, "b", in_b), "none missed");
  int channels = 0;
  log.for_each_channel([&channels](std::uint64_t) { ++channels; });
  EXPECT_EQ(channels, 2);
}

TEST_F(SharedLogTest, ReadersBesideAWriterSeeWholeMessagesInOrder) {
  // So small a ring that the writer overtakes the readers all the time.
  SharedLog log({.history = 50, .channels = 4, .bytes = 32768}, kBeginMilliseconds);
  int number = 0;
  start([&] {
    ++number;
    publish(log, "a", std::to_string(number) + ' ' + std::string(number % 3000, 'x'));
  });
  Channel channel("a");
  Cursor since;
  int last = 0;
  for (int read = 0; read < 5000;) {
    const auto found = log.first_after(channel, since);
    if (!found.message) continue;
    const std::string body = body_of(*found.message);
    const int now = std::stoi(body);
    ASSERT_GT(now, last);
    ASSERT_TRUE(now == last + 1 || found.missed || since == Cursor{}) << "a gap is not said";
    ASSERT_EQ(body, std::to_string(now) + ' ' + std::string(now % 3000, 'x'));
    since = found.message->cursor;
    last = now;
    ++read;
  }
  stop();
}

TEST_F(SharedLogTest, AWriterKilledAnywhereHarmsNobody) {
  SharedLog log({.history = 10, .channels = 16, .bytes = 65536}, kBeginMilliseconds);
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
    SharedLog log({.history = 1000, .channels = 8, .bytes = 65536}, kBeginMilliseconds);
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
  SharedLog log({.history = 10, .channels = 8}, kBeginMilliseconds);
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
