// Handlers that are coroutines: one goes on where it stopped, on any thread, and its frame is freed
// when it ends.
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "patterns/continuations/continuation.hpp"
#include "patterns/continuations/coroutine_handler.hpp"

namespace comet::continuations {
namespace {

CoroutineHandler note_threads(std::unique_ptr<Continuation>& owner, std::shared_ptr<std::string> local,
                              std::vector<pid_t>& threads) {
  threads.push_back(gettid());
  co_await *owner;
  threads.push_back(gettid());
  owner.reset();
  EXPECT_EQ(*local, "kept");
}

TEST(CoroutineHandlerTest, StopsAtItsContinuationAndSuspendsIt) {
  auto owner = std::make_unique<Continuation>();
  std::vector<pid_t> threads;
  const auto handle = note_threads(owner, std::make_shared<std::string>("kept"), threads).handle;
  ASSERT_TRUE(handle);
  EXPECT_EQ(threads.size(), 1u);
  EXPECT_EQ(owner->state(), Continuation::State::suspended);
  EXPECT_TRUE(owner->expire());
  EXPECT_EQ(threads.size(), 1u) << "a claim alone does not resume the handler";
  handle.resume();
  EXPECT_EQ(threads.size(), 2u);
}

TEST(CoroutineHandlerTest, MayGoOnInAnotherThreadAndMayFreeItsOwner) {
  auto owner = std::make_unique<Continuation>();
  std::vector<pid_t> threads;
  const auto handle = note_threads(owner, std::make_shared<std::string>("kept"), threads).handle;
  std::jthread([handle] { handle.resume(); }).join();
  ASSERT_EQ(threads.size(), 2u);
  EXPECT_NE(threads[0], threads[1]);
  EXPECT_EQ(owner, nullptr);
}

TEST(CoroutineHandlerTest, FreesItsFrameWhenItEndsAndNotBefore) {
  auto owner = std::make_unique<Continuation>();
  std::vector<pid_t> threads;
  const auto local = std::make_shared<std::string>("kept");
  const auto handle = note_threads(owner, local, threads).handle;
  EXPECT_EQ(local.use_count(), 2);
  handle.resume();
  EXPECT_EQ(local.use_count(), 1);
}

// Needs a frame larger than any address space.
CoroutineHandler keep_too_much(Continuation& continuation, bool& has_begun) {
  volatile char much[std::size_t{1} << 48];
  has_begun = true;
  much[0] = 'x';
  co_await continuation;
  EXPECT_EQ(much[0], 'x');
}

TEST(CoroutineHandlerTest, NoMemoryForItsFrameGivesNoHandleAndRunsNothing) {
  Continuation continuation;
  bool has_begun = false;
  EXPECT_FALSE(keep_too_much(continuation, has_begun).handle);
  EXPECT_FALSE(has_begun);
  EXPECT_TRUE(continuation.is_initial());
}

}  // namespace
}  // namespace comet::continuations
