// The fibers' scheduler: what ends a wait, and that nothing else is needed for it.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/fiber/operations.hpp>

#include "tests/unit/fibers_thread.hpp"

namespace comet::fibers {
namespace {

struct SocketPair {
  SocketPair() { EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0); }
  ~SocketPair() {
    for (const int end : ends) {
      if (end >= 0) ::close(end);
    }
  }
  void close_far_end() { ::close(std::exchange(ends[1], -1)); }
  std::array<int, 2> ends;
};

TEST(FiberScheduler, WakesAFiberWhoseSocketHasInput) {
  TestThread thread;
  thread.run([&] {
    SocketPair sockets;
    Sleeper sleeper(*thread.scheduler);
    ASSERT_TRUE(thread.scheduler->watch(sockets.ends[0], sleeper));
    boost::fibers::fiber reader([&] {
      while (!sleeper.readable) sleeper.park();
    });
    EXPECT_EQ(::write(sockets.ends[1], "x", 1), 1);
    reader.join();
    EXPECT_FALSE(sleeper.hung_up);
  });
}

TEST(FiberScheduler, SaysThatThePeerHasClosed) {
  TestThread thread;
  thread.run([&] {
    SocketPair sockets;
    Sleeper sleeper(*thread.scheduler);
    ASSERT_TRUE(thread.scheduler->watch(sockets.ends[0], sleeper));
    sockets.close_far_end();
    while (!sleeper.hung_up) sleeper.park();
    EXPECT_TRUE(sleeper.readable);
  });
}

TEST(FiberScheduler, WakesAFiberWhoseSocketTakesBytesAgain) {
  TestThread thread;
  thread.run([&] {
    SocketPair sockets;
    Sleeper sleeper(*thread.scheduler);
    ASSERT_TRUE(thread.scheduler->watch(sockets.ends[0], sleeper));
    std::array<char, 65536> bytes{};
    boost::fibers::fiber writer([&] {
      while (::write(sockets.ends[0], bytes.data(), bytes.size()) > 0) continue;
      for (sleeper.writable = false; !sleeper.writable;) sleeper.park();
    });
    boost::this_fiber::yield();  // the writer fills the socket
    while (::read(sockets.ends[1], bytes.data(), bytes.size()) > 0) continue;
    writer.join();
  });
}

TEST(FiberScheduler, EndsAWaitAtItsDeadlineAndNotBefore) {
  TestThread thread;
  thread.run([&] {
    Sleeper sleeper(*thread.scheduler);
    const auto start = Clock::now();
    sleeper.set_deadline(Milliseconds{5});
    sleeper.set_deadline(Milliseconds{30});  // replaces it
    while (!sleeper.expired()) sleeper.park();
    EXPECT_GE(Clock::now() - start, Milliseconds{30});
  });
}

TEST(FiberScheduler, ADeadlineThatPassesWhileTheFiberRunsIsNotForgotten) {
  TestThread thread;
  thread.run([&] {
    Sleeper early(*thread.scheduler);
    Sleeper late(*thread.scheduler);
    early.set_deadline(Milliseconds{1});
    late.set_deadline(Milliseconds{10});
    while (!late.expired()) late.park();
    EXPECT_TRUE(early.expired());
    early.set_deadline(Milliseconds{60000});
    EXPECT_FALSE(early.expired());
  });
}

TEST(FiberScheduler, NotifyFromAnotherThreadEndsTheSleep) {
  TestThread thread;
  thread.run([&] {
    Sleeper sleeper(*thread.scheduler);
    bool notified = false;
    thread.scheduler->on_notified = [&] {
      notified = true;
      sleeper.wake();
    };
    std::thread other([&] { thread.scheduler->notify(); });
    while (!notified) sleeper.park();
    other.join();
  });
}

TEST(FiberScheduler, LooksAtSocketsThoughFibersAreAlwaysReady) {
  TestThread thread;
  thread.run([&] {
    SocketPair sockets;
    Sleeper sleeper(*thread.scheduler);
    ASSERT_TRUE(thread.scheduler->watch(sockets.ends[0], sleeper));
    EXPECT_EQ(::write(sockets.ends[1], "x", 1), 1);
    boost::fibers::fiber busy([&] {
      while (!sleeper.readable) boost::this_fiber::yield();
    });
    busy.join();
  });
}

}  // namespace
}  // namespace comet::fibers
