// Client watcher: a client's leaving ends its hold, whenever it comes; early bytes do not; numbers are
// not mixed up.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string_view>
#include <thread>

#include "patterns/threaded/client_watcher.hpp"

namespace comet::threaded {
namespace {

using State = Waiter::State;

constexpr std::chrono::seconds kPatience{10};

// A client and the server's end of its connection. Not TCP, but the same events.
struct Connected {
  Connected() {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) throw std::bad_alloc();
    client = ends[0];
    server = ends[1];
  }
  ~Connected() {
    close_client();
    ::close(server);
  }
  void close_client() {
    if (client >= 0) ::close(std::exchange(client, -1));
  }
  void send(std::string_view bytes) const {
    ASSERT_EQ(::write(client, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  int client;
  int server;
};

class ThreadedClientWatcherTest : public testing::Test {
 protected:
  State wait() { return client_.waiter->wait(Clock::now() + kPatience); }

  Connected connected_;
  ClientWatcher watcher_;
  Client client_{watcher_, connected_.server};
};

TEST_F(ThreadedClientWatcherTest, LeavingEndsTheHold) {
  ASSERT_TRUE(watcher_.watch(client_));
  client_.waiter->begin();
  connected_.close_client();
  EXPECT_EQ(wait(), State::left);
}

TEST_F(ThreadedClientWatcherTest, LeavingBeforeItIsWatchedEndsTheHold) {
  connected_.close_client();
  ASSERT_TRUE(watcher_.watch(client_));
  client_.waiter->begin();
  EXPECT_EQ(wait(), State::left);
}

TEST_F(ThreadedClientWatcherTest, LeavingBetweenTwoHoldsEndsTheSecond) {
  ASSERT_TRUE(watcher_.watch(client_));
  client_.waiter->begin();
  ASSERT_TRUE(client_.waiter->end(make_message({1, 0}, "m")));
  connected_.close_client();
  EXPECT_EQ(wait(), State::message);
  ASSERT_TRUE(watcher_.watch(client_));
  client_.waiter->begin();
  EXPECT_EQ(wait(), State::left);
}

TEST_F(ThreadedClientWatcherTest, ClosedSendingSideWithUnreadBytesBeforeItIsLeaving) {
  ASSERT_TRUE(watcher_.watch(client_));
  client_.waiter->begin();
  connected_.send("early bytes");
  ASSERT_EQ(shutdown(connected_.client, SHUT_WR), 0);
  EXPECT_EQ(wait(), State::left);
}

TEST_F(ThreadedClientWatcherTest, EarlyBytesDoNotEndTheHold) {
  Connected other;
  Client other_client{watcher_, other.server};
  ASSERT_TRUE(watcher_.watch(client_));
  ASSERT_TRUE(watcher_.watch(other_client));
  client_.waiter->begin();
  other_client.waiter->begin();
  connected_.send("early bytes");
  other.close_client();
  EXPECT_EQ(other_client.waiter->wait(Clock::now() + kPatience), State::left);
  EXPECT_TRUE(client_.waiter->end(State::expired)) << "the hold had ended";
}

TEST_F(ThreadedClientWatcherTest, InputIsNoticedIfItIsWatchedAndLeavingToo) {
  ASSERT_TRUE(watcher_.watch(client_));
  client_.waiter->begin();
  connected_.send("before");
  watcher_.watch_input(client_, true);
  for (int piece = 0; piece < 3; ++piece) {
    const auto begun = Clock::now();
    EXPECT_EQ(wait(), State::waiting);
    EXPECT_LT(Clock::now() - begun, kPatience) << "not noticed";
    if (piece < 2) connected_.send("another");
  }
  connected_.close_client();
  State ended = wait();
  if (ended == State::waiting) ended = wait();  // the last piece may be noticed once more
  EXPECT_EQ(ended, State::left);
}

TEST_F(ThreadedClientWatcherTest, StopReadersEndsOnlyTheReadsOfThoseWhoWaitForARequest) {
  Connected other;
  Client answering{watcher_, other.server};
  client_.reading = true;
  watcher_.stop_readers();
  char byte;
  EXPECT_EQ(recv(connected_.server, &byte, 1, 0), 0);
  EXPECT_EQ(recv(other.server, &byte, 1, MSG_DONTWAIT), -1);
}

// The kernel hands out the same descriptors again and again while events of their last owners are
// on their way.
TEST_F(ThreadedClientWatcherTest, EventsOfClosedConnectionsNeverEndTheHoldsOfNewOnes) {
  std::thread leaving([this] {
    for (int i = 0; i < 3000; ++i) {
      Connected connected;
      Client client{watcher_, connected.server};
      ASSERT_TRUE(watcher_.watch(client));
      client.waiter->begin();
      connected.close_client();
      if (i % 2 == 0) {
        ASSERT_EQ(client.waiter->wait(Clock::now() + kPatience), State::left);
      }
    }
  });
  for (int i = 0; i < 3000; ++i) {
    Connected connected;
    Client client{watcher_, connected.server};
    ASSERT_TRUE(watcher_.watch(client));
    client.waiter->begin();
    ASSERT_TRUE(client.waiter->end(State::expired)) << "ended by another's event";
  }
  leaving.join();
}

}  // namespace
}  // namespace comet::threaded
