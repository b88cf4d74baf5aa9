// The pool that connections get their fibers from, and the stack that fibers share for deep calls.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <boost/fiber/operations.hpp>
#include <deque>
#include <fstream>
#include <memory>
#include <set>

#include "patterns/fibers/footprint/fiber_pool.hpp"
#include "patterns/fibers/footprint/shared_stack.hpp"
#include "tests/unit/fibers_thread.hpp"

namespace comet::fibers {
namespace {

constexpr std::size_t kStackSize = 65536;

TEST(FiberPool, RunsManyHibernatingSleepersOnFewStacks) {
  TestThread thread;
  std::set<boost::fibers::context*> fibers;
  std::size_t served = 0;
  FiberPool pool(*thread.scheduler, kStackSize, [&](Sleeper&) {
    fibers.insert(boost::fibers::context::active());
    ++served;
  });
  thread.scheduler->on_woken_without_fiber = [&](Sleeper& sleeper) { pool.run(sleeper); };
  thread.run([&] {
    std::deque<Sleeper> sleepers;
    for (int i = 0; i < 1000; ++i) sleepers.emplace_back(*thread.scheduler).hibernate();
    for (Sleeper& sleeper : sleepers) sleeper.wake();
    for (Sleeper& sleeper : sleepers) sleeper.wake();  // awake already: nothing more
    while (served < sleepers.size()) boost::this_fiber::yield();
    pool.stop();
  });
  EXPECT_EQ(served, 1000u);
  EXPECT_LE(fibers.size(), 2u);
}

TEST(FiberPool, AFiberThatWaitsDoesNotKeepTheNextSleeperWaiting) {
  TestThread thread;
  Sleeper first(*thread.scheduler);
  Sleeper second(*thread.scheduler);
  bool second_served = false;
  FiberPool pool(*thread.scheduler, kStackSize, [&](Sleeper& sleeper) {
    if (&sleeper == &second) {
      second_served = true;
      first.wake();
    } else {
      while (!second_served) first.park();
    }
  });
  thread.run([&] {
    pool.run(first);
    pool.run(second);
    while (!second_served) boost::this_fiber::yield();
    pool.stop();
  });
  EXPECT_TRUE(second_served);
}

TEST(FiberPool, SaysWhenThereIsNoMemoryForAStack) {
  TestThread thread;
  thread.run([&] {
    FiberPool pool(*thread.scheduler, std::size_t{1} << 50, [](Sleeper&) {});
    EXPECT_FALSE(pool.prepare_fibers(1));
  });
}

// Every second page of a large mapping has another protection, until the process has all its mappings. They are
// given back by the kernel itself: the sanitizer's munmap() would need further ones for a range so large.
class AllMappings {
 public:
  AllMappings() {
    std::size_t most = 0;
    std::ifstream("/proc/sys/vm/max_map_count") >> most;
    if (most == 0 || most > 200'000) return;
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    size_ = 2 * most * page;
    mapped_ = mmap(nullptr, size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped_ == MAP_FAILED) return;
    for (char* next = static_cast<char*>(mapped_); mprotect(next, page, PROT_READ) == 0;) next += 2 * page;
  }
  ~AllMappings() {
    if (taken()) syscall(SYS_munmap, mapped_, size_);
  }
  AllMappings(const AllMappings&) = delete;
  AllMappings& operator=(const AllMappings&) = delete;

  bool taken() const { return mapped_ != MAP_FAILED; }

 private:
  void* mapped_ = MAP_FAILED;
  std::size_t size_ = 0;
};

TEST(FiberPool, HasNoFiberWhereTheGuardPageWouldBeOneMappingTooMany) {
  TestThread thread;
  FiberPool pool(*thread.scheduler, kStackSize, [](Sleeper&) {});
  thread.run([&] {
    auto all_mappings = std::make_unique<AllMappings>();
    if (!all_mappings->taken()) GTEST_SKIP() << "too many mappings to take them all";
    const bool has_fiber = pool.prepare_fibers(1);
    all_mappings.reset();
    EXPECT_FALSE(has_fiber);
    EXPECT_TRUE(pool.prepare_fibers(3));
    pool.stop();
  });
}

TEST(FiberPool, ASleeperThatFoundNoStackIsServedOnceThereIsRoom) {
  TestThread thread;
  Sleeper test(*thread.scheduler);
  bool served = false;
  FiberPool pool(*thread.scheduler, kStackSize, [&](Sleeper&) {
    served = true;
    test.wake();
  });
  thread.scheduler->on_woken_without_fiber = [&](Sleeper& sleeper) { pool.run(sleeper); };
  thread.run([&] {
    Sleeper sleeper(*thread.scheduler);
    {
      const AllMappings all_mappings;
      if (!all_mappings.taken()) GTEST_SKIP() << "too many mappings to take them all";
      pool.run(sleeper);
    }
    test.set_deadline(Milliseconds{10'000});
    while (!served && !test.expired()) test.park();
    EXPECT_TRUE(served);
    pool.stop();
  });
}

TEST(SharedStack, CallsRunOnAStackOfTheirOwn) {
  SharedStack stack;
  char here = 0;
  std::ptrdiff_t distance = 0;
  int calls = 0;
  for (int i = 0; i < 3; ++i) {
    stack.call([&] {
      char there = 0;
      distance = std::abs(&there - &here);
      ++calls;
    });
  }
  EXPECT_EQ(calls, 3);
  EXPECT_GT(distance, 65536);
}

}  // namespace
}  // namespace comet::fibers
