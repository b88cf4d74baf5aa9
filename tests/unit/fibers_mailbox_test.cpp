// Mailboxes: letters wait for their receiver, in order, from whatever thread they come.
#include <gtest/gtest.h>

#include <array>
#include <boost/fiber/operations.hpp>
#include <vector>

#include "tests/unit/fibers_thread.hpp"

namespace comet::fibers {
namespace {

using Kind = Letter::Kind;

TEST(FiberMailbox, ALetterThatComesBeforeItsReceiverWaitsIsKept) {
  TestThread thread;
  thread.run([&] {
    Sleeper owner(*thread.scheduler);
    Mailbox mailbox(thread.inbox, owner);
    mailbox.send({.kind = Kind::published, .receivers = 1});
    mailbox.send({.kind = Kind::published, .receivers = 2});
    EXPECT_EQ(mailbox.receive().receivers, 1u);
    EXPECT_FALSE(mailbox.empty());
    EXPECT_EQ(mailbox.receive().receivers, 2u);
    EXPECT_TRUE(mailbox.empty());
  });
}

TEST(FiberMailbox, WakesTheFiberThatWaits) {
  TestThread thread;
  thread.run([&] {
    Sleeper owner(*thread.scheduler);
    Mailbox mailbox(thread.inbox, owner);
    std::size_t received = 0;
    boost::fibers::fiber receiver([&] { received = mailbox.receive().receivers; });
    boost::this_fiber::yield();  // it waits
    mailbox.send({.kind = Kind::published, .receivers = 7});
    receiver.join();
    EXPECT_EQ(received, 7u);
  });
}

TEST(FiberMailbox, LettersOfOtherThreadsAllComeAndKeepTheirOrder) {
  constexpr std::size_t kSenders = 3;
  constexpr std::size_t kLetters = 5000;
  TestThread thread;
  Sleeper owner(*thread.scheduler);
  Mailbox mailbox(thread.inbox, owner);
  std::array<std::size_t, kSenders> next{};
  std::thread receiver = thread.start([&] {
    for (std::size_t i = 0; i < kSenders * kLetters; ++i) {
      const std::size_t letter = mailbox.receive().receivers;
      EXPECT_EQ(letter / kSenders, next[letter % kSenders]++);
    }
  });
  std::vector<std::thread> senders;
  for (std::size_t sender = 0; sender < kSenders; ++sender) {
    senders.emplace_back([&mailbox, sender] {
      for (std::size_t i = 0; i < kLetters; ++i) {
        mailbox.send({.kind = Kind::published, .receivers = i * kSenders + sender});
      }
    });
  }
  for (std::thread& sender : senders) sender.join();
  receiver.join();
  for (const std::size_t count : next) EXPECT_EQ(count, kLetters);
}

}  // namespace
}  // namespace comet::fibers
