// The kernel's receive timestamps, by the load generator's own clock.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "loadgen/clients/arrival.hpp"
#include "loadgen/clock.hpp"

namespace comet::loadgen {
namespace {

// Both ends of a TCP connection.
class Connection {
 public:
  Connection() {
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof name;
    auto* address = reinterpret_cast<sockaddr*>(&name);
    EXPECT_EQ(bind(listener, address, size), 0);
    EXPECT_EQ(listen(listener, 1), 0);
    EXPECT_EQ(getsockname(listener, address, &size), 0);
    EXPECT_EQ(connect(client, address, size), 0);
    server = accept(listener, nullptr, nullptr);
    EXPECT_GE(server, 0);
    close(listener);
  }
  ~Connection() {
    close(client);
    close(server);
  }

  int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int server = -1;
};

constexpr std::int64_t kUnread = 20 * kMillisecond;  // for this long the bytes wait in the socket

struct Exchange {
  std::int64_t sent_ns, read_ns;
  Received received;
};

Exchange exchange(const Connection& connection) {
  std::array<char, 16> buffer{};
  Exchange exchange{};
  exchange.sent_ns = now_ns();
  EXPECT_EQ(send(connection.server, "x", 1, MSG_NOSIGNAL), 1);
  while (now_ns() < exchange.sent_ns + kUnread) continue;
  ArrivalClock clock;
  clock.compare();
  exchange.read_ns = now_ns();
  exchange.received = clock.receive(connection.client, buffer.data(), buffer.size());
  EXPECT_EQ(exchange.received.size, 1);
  return exchange;
}

// The kernel begins to stamp packets a moment after the first socket has asked for it.
TEST(LoadgenArrival, IsWhenTheBytesCameAndNotWhenTheyAreRead) {
  const Connection connection;
  stamp_arrivals(connection.client);
  Exchange last = exchange(connection);
  for (int i = 0; i < 50 && last.received.arrived_ns == 0; ++i) last = exchange(connection);
  EXPECT_GE(last.received.arrived_ns, last.sent_ns);
  EXPECT_LT(last.received.arrived_ns, last.read_ns - kUnread / 2);
}

TEST(LoadgenArrival, IsNotKnownWhereNobodyAskedForStamps) {
  const Connection connection;
  EXPECT_EQ(exchange(connection).received.arrived_ns, 0);
}

TEST(LoadgenArrival, ASocketThatIsClosedAtTheOtherEndReadsNothing) {
  Connection connection;
  shutdown(connection.server, SHUT_WR);
  std::array<char, 16> buffer{};
  EXPECT_EQ(ArrivalClock().receive(connection.client, buffer.data(), buffer.size()).size, 0);
}

}  // namespace
}  // namespace comet::loadgen
