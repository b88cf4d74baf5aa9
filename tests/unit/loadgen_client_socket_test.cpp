// Where subscribers connect from: several source addresses, for one has too few ports that are cheap to find.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loadgen/clients/client_socket.hpp"

namespace comet::loadgen {
namespace {

class Listener {
 public:
  Listener() : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof name;
    EXPECT_EQ(bind(socket_, reinterpret_cast<sockaddr*>(&name), size), 0);
    EXPECT_EQ(listen(socket_, 16), 0);
    EXPECT_EQ(getsockname(socket_, reinterpret_cast<sockaddr*>(&name), &size), 0);
    port_ = ntohs(name.sin_port);
  }
  ~Listener() { close(socket_); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // Where that subscriber's connection comes from.
  std::string source_of(std::uint32_t subscriber) const {
    std::string problem;
    const int client = start_connecting({"127.0.0.1", port_}, subscriber, problem);
    EXPECT_EQ(problem, "");
    sockaddr_in name{};
    socklen_t size = sizeof name;
    const int accepted = accept(socket_, reinterpret_cast<sockaddr*>(&name), &size);
    EXPECT_GE(accepted, 0);
    reset_and_close(client);
    close(accepted);
    return inet_ntoa(name.sin_addr);
  }

 private:
  int socket_;
  std::uint16_t port_ = 0;
};

TEST(LoadgenClientSocket, EachFurtherBlockOfSubscribersHasASourceAddressOfItsOwn) {
  const Listener listener;
  EXPECT_EQ(listener.source_of(0), "127.0.0.1");
  EXPECT_EQ(listener.source_of(kConnectionsPerAddress - 1), "127.0.0.1");
  EXPECT_EQ(listener.source_of(kConnectionsPerAddress), "127.0.1.1");
  EXPECT_EQ(listener.source_of(2 * kConnectionsPerAddress - 1), "127.0.1.1");
  EXPECT_EQ(listener.source_of(2 * kConnectionsPerAddress), "127.0.1.2");
}

}  // namespace
}  // namespace comet::loadgen
