// The room: who is known when, and the races between a message and the end of a hold.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <memory>

#include "patterns/fibers/room.hpp"
#include "tests/unit/fibers_thread.hpp"

namespace comet::fibers {
namespace {

using Kind = Letter::Kind;

const Decision kSubscribe = Subscribe{.channel = "a", .since = {}, .hold = Milliseconds{1000}, .form = {}};
const Decision kPoll = Subscribe{.channel = "a", .since = Cursor{}, .hold = Milliseconds{0}, .form = {}};
const Decision kPublish = Publish{.channel = "a", .body = "hello", .form = {}};

// A room with room for two, and whoever writes to it.
struct RoomTest : testing::Test {
  struct Client : Sleeper, Subscriber {
    explicit Client(TestThread& thread) : Sleeper(*thread.scheduler), Subscriber(thread.inbox, *this) {}
  };

  // Runs `test` beside the room's fiber.
  void run(std::function<void()> test) {
    thread.run([&] {
      boost::fibers::fiber room_fiber([&] { room.run(); });
      test();
      room.stop();
      room_fiber.join();
    });
  }
  std::size_t publish() { return room.ask(Kind::publish, publisher, kPublish).receivers; }

  TestThread thread;
  Counters counters;
  Room room{thread.inbox, Options{.history = 16}, 2, Cursor{1, 0}, counters};
  Client publisher{thread};
};

TEST_F(RoomTest, KnowsASubscriberBeforeItWaits) {
  run([&] {
    Client subscriber(thread);
    EXPECT_EQ(room.ask(Kind::subscribe, subscriber, kSubscribe).kind, Kind::subscribed);
    EXPECT_EQ(counters.held, 1u);
    EXPECT_EQ(publish(), 1u);
    ASSERT_FALSE(subscriber.mailbox.empty());
    const Letter letter = subscriber.mailbox.take();
    EXPECT_EQ(letter.kind, Kind::message);
    EXPECT_TRUE(letter.message.response->ends_with("hello"));
    EXPECT_EQ(counters.held, 0u);
  });
}

TEST_F(RoomTest, AMessageThatComesWithTheTimeOutIsForThisReceiver) {
  run([&] {
    Client subscriber(thread);
    room.ask(Kind::subscribe, subscriber, kSubscribe);
    std::size_t receivers = 0;
    boost::fibers::fiber publishing(boost::fibers::launch::dispatch, [&] { receivers = publish(); });
    // The publisher's letter is in the room's mailbox already; this one comes behind it.
    EXPECT_EQ(room.leave(subscriber).kind, Kind::message);
    publishing.join();
    EXPECT_EQ(receivers, 1u);
    EXPECT_TRUE(subscriber.mailbox.empty());
    EXPECT_EQ(publish(), 0u);
  });
}

TEST_F(RoomTest, ForgetsWhoLeft) {
  run([&] {
    auto subscriber = std::make_unique<Client>(thread);
    room.ask(Kind::subscribe, *subscriber, kSubscribe);
    EXPECT_EQ(room.leave(*subscriber).kind, Kind::left);
    EXPECT_EQ(counters.held, 0u);
    EXPECT_EQ(counters.channels, 0u);
    subscriber.reset();
    EXPECT_EQ(publish(), 0u);
  });
}

TEST_F(RoomTest, ATimeOutIsAnsweredWithTheLastCursor) {
  run([&] {
    const Cursor published = room.ask(Kind::publish, publisher, kPublish).message.cursor;
    Client subscriber(thread);
    room.ask(Kind::subscribe, subscriber, kSubscribe);
    EXPECT_EQ(room.leave(subscriber).message.cursor, published);
  });
}

TEST_F(RoomTest, AnswersFromTheLogWithoutHolding) {
  run([&] {
    Client subscriber(thread);
    EXPECT_EQ(room.ask(Kind::subscribe, subscriber, kPoll).kind, Kind::no_message);
    publish();
    EXPECT_EQ(room.ask(Kind::subscribe, subscriber, kPoll).kind, Kind::message);
    EXPECT_EQ(counters.held, 0u);
  });
}

TEST_F(RoomTest, HoldsNoMoreThanItsLimit) {
  run([&] {
    Client first(thread), second(thread), third(thread);
    EXPECT_EQ(room.ask(Kind::subscribe, first, kSubscribe).kind, Kind::subscribed);
    EXPECT_EQ(room.ask(Kind::subscribe, second, kSubscribe).kind, Kind::subscribed);
    EXPECT_EQ(room.ask(Kind::subscribe, third, kSubscribe).kind, Kind::refused);
    EXPECT_EQ(publish(), 2u);
  });
}

// The address space is full meanwhile, so that the copy of so long a name does not fit.
TEST_F(RoomTest, RefusesAChannelThatThereIsNoMemoryFor) {
  const std::string name(std::size_t{64} << 20, 'a');
  const Decision subscribe = Subscribe{.channel = name, .since = {}, .hold = Milliseconds{1000}, .form = {}};
  const Decision publish_there = Publish{.channel = name, .body = "hello", .form = {}};
  run([&] {
    Client subscriber(thread);
    rlimit before;
    ASSERT_EQ(getrlimit(RLIMIT_AS, &before), 0);
    const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_AS, &none), 0);
    const Kind subscribed = room.ask(Kind::subscribe, subscriber, subscribe).kind;
    const Kind published = room.ask(Kind::publish, publisher, publish_there).kind;
    ASSERT_EQ(setrlimit(RLIMIT_AS, &before), 0);
    EXPECT_EQ(subscribed, Kind::no_memory);
    EXPECT_EQ(published, Kind::no_memory);
    EXPECT_EQ(counters.held, 0u);
    EXPECT_EQ(room.ask(Kind::subscribe, subscriber, subscribe).kind, Kind::subscribed);
    room.leave(subscriber);
  });
}

TEST_F(RoomTest, TheDrainTellsTheHeldAndHoldsNoMore) {
  run([&] {
    Client held(thread), late(thread);
    room.ask(Kind::subscribe, held, kSubscribe);
    room.drain();
    EXPECT_EQ(held.mailbox.receive().kind, Kind::shutting_down);
    EXPECT_EQ(room.ask(Kind::subscribe, late, kSubscribe).kind, Kind::shutting_down);
    EXPECT_EQ(counters.held, 0u);
  });
}

TEST_F(RoomTest, EachMessageThatThePublisherWasToldOfReachesAReceiverOnAnotherThread) {
  constexpr int kHolds = 3000;
  TestThread other;
  std::atomic<bool> done = false;
  std::size_t received = 0;
  std::size_t told = 0;
  std::thread subscribing;
  run([&] {
    subscribing = other.start([&] {
      for (int i = 0; i < kHolds; ++i) {
        Client subscriber(other);  // gone after each hold: AddressSanitizer sees a letter that comes too late
        if (room.ask(Kind::subscribe, subscriber, kSubscribe).kind != Kind::subscribed) continue;
        const bool has_message = i % 2 == 0 ? subscriber.mailbox.receive().kind == Kind::message
                                            : room.leave(subscriber).kind == Kind::message;
        received += has_message;
      }
      done = true;
    });
    while (!done) told += publish();
  });
  subscribing.join();
  EXPECT_EQ(received, told);
  EXPECT_GE(received, static_cast<std::size_t>(kHolds / 2));
}

}  // namespace
}  // namespace comet::fibers
