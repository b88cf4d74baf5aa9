// The room: who is known when, and the races between a message and the end of a hold.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>

#include "patterns/fibers/room.hpp"
#include "tests/unit/fibers_thread.hpp"

namespace comet::fibers {
namespace {

using Kind = Letter::Kind;

const Subscribe kSubscribe{.channel = "a", .since = {}, .hold = Milliseconds{1000}, .form = {}};
const Subscribe kPoll{.channel = "a", .since = Cursor{}, .hold = Milliseconds{0}, .form = {}};
const Publish kPublish{.channel = "a", .body = "hello", .form = {}};

// A room that holds two requests at most, and one who publishes.
struct RoomTest : testing::Test {
  struct Client : Sleeper, Participant {
    explicit Client(TestThread& thread) : Sleeper(*thread.scheduler), Participant(thread.inbox, *this) {}
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
  std::size_t publish() { return room.publish(publisher, kPublish).receivers; }

  TestThread thread;
  Counters counters;
  Room room{thread.inbox, Options{.history = 16}, 2, Cursor{1, 0}, counters};
  Client publisher{thread};
};

TEST_F(RoomTest, KnowsASubscriberBeforeItWaits) {
  run([&] {
    Client subscriber(thread);
    EXPECT_EQ(room.subscribe(subscriber, kSubscribe).kind, Kind::held);
    EXPECT_EQ(counters.held, 1u);
    EXPECT_EQ(publish(), 1u);
    ASSERT_FALSE(subscriber.mailbox.empty());
    const Letter letter = subscriber.mailbox.receive();
    EXPECT_EQ(letter.kind, Kind::message);
    EXPECT_TRUE(letter.message.response->ends_with("hello"));
    EXPECT_EQ(counters.held, 0u);
  });
}

TEST_F(RoomTest, OfAJoinedServerPassesOverWhatASubscriberHasSeen) {
  run([&] {
    Client ahead(thread);
    Client leaves(thread);
    Subscribe poll = kSubscribe;
    poll.since = Cursor{200, 0};
    poll.joined = true;
    room.subscribe(ahead, poll);
    room.subscribe(leaves, poll);
    const auto bring = [&](Cursor cursor) {
      Publish message = kPublish;
      message.cursor = cursor;
      return room.publish(publisher, message);
    };
    EXPECT_EQ(bring({200, 0}).receivers, 0u);
    EXPECT_EQ(bring({200, 0}).kind, Kind::not_above_last);
    EXPECT_EQ(room.leave(leaves).message.cursor, (Cursor{200, 0})) << "the cursor of its 204";
    EXPECT_EQ(bring({200, 1}).receivers, 1u);
    EXPECT_EQ(ahead.mailbox.receive().message.cursor, (Cursor{200, 1}));
    EXPECT_EQ(counters.held, 0u);
  });
}

TEST_F(RoomTest, AMessageThatComesWithTheTimeOutIsForThisReceiver) {
  run([&] {
    Client subscriber(thread);
    room.subscribe(subscriber, kSubscribe);
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
    room.subscribe(*subscriber, kSubscribe);
    EXPECT_EQ(room.leave(*subscriber).kind, Kind::left);
    EXPECT_EQ(counters.held, 0u);
    EXPECT_EQ(counters.channels, 0u);
    subscriber.reset();
    EXPECT_EQ(publish(), 0u);
  });
}

TEST_F(RoomTest, ATimeOutIsAnsweredWithTheLastCursor) {
  run([&] {
    const Cursor published = room.publish(publisher, kPublish).message.cursor;
    Client subscriber(thread);
    room.subscribe(subscriber, kSubscribe);
    EXPECT_EQ(room.leave(subscriber).message.cursor, published);
  });
}

TEST_F(RoomTest, AnswersFromTheLogWithoutHolding) {
  run([&] {
    Client subscriber(thread);
    EXPECT_EQ(room.subscribe(subscriber, kPoll).kind, Kind::no_content);
    publish();
    EXPECT_EQ(room.subscribe(subscriber, kPoll).kind, Kind::message);
    EXPECT_EQ(counters.held, 0u);
  });
}

TEST_F(RoomTest, HoldsNoMoreThanItsLimit) {
  run([&] {
    Client first(thread), second(thread), third(thread);
    EXPECT_EQ(room.subscribe(first, kSubscribe).kind, Kind::held);
    EXPECT_EQ(room.subscribe(second, kSubscribe).kind, Kind::held);
    EXPECT_EQ(room.subscribe(third, kSubscribe).kind, Kind::too_many_held);
    EXPECT_EQ(publish(), 2u);
  });
}

TEST_F(RoomTest, TheDrainTellsTheHeldAndHoldsNoMore) {
  run([&] {
    Client held(thread), late(thread);
    room.subscribe(held, kSubscribe);
    room.drain();
    EXPECT_EQ(held.mailbox.receive().kind, Kind::shutting_down);
    EXPECT_EQ(room.subscribe(late, kSubscribe).kind, Kind::shutting_down);
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
        if (room.subscribe(subscriber, kSubscribe).kind != Kind::held) continue;
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
