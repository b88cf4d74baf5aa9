// Subscribers connect from several source addresses, because one has too few ports that are found quickly.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "loadgen/clients/client_socket.hpp"
#include "loadgen/errors.hpp"

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

  // The source address of that subscriber's connection.
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

struct UrlCase {
  std::string url, address, host;
  std::uint16_t port;
};

TEST(LoadgenUrl, NamesAServerByIpv4OrIpv6) {
  for (const auto& [url, address, host, port] :
       std::vector<UrlCase>{{"http://127.0.0.1:8001", "127.0.0.1", "127.0.0.1:8001", 8001},
                            {"http://localhost:8001/", "127.0.0.1", "127.0.0.1:8001", 8001},
                            {"http://[::1]:8001", "::1", "[::1]:8001", 8001},
                            {"http://[0:0::1]", "::1", "[::1]:80", 80},
                            {"http://[::ffff:127.0.0.1]:1/", "127.0.0.1", "127.0.0.1:1", 1}}) {
    const Endpoint endpoint = parse_url(url);
    EXPECT_EQ(endpoint.address, address) << url;
    EXPECT_EQ(endpoint.port, port) << url;
    EXPECT_EQ(host_and_port(endpoint), host) << url;
    EXPECT_EQ(get_request(endpoint, "/x"), "GET /x HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
  }
  for (const char* url :
       {"http://::1:8001", "http://[::1", "http://[::zz]:1", "http://[::1]:0", "http://no.such.invalid"}) {
    EXPECT_THROW(parse_url(url), UsageError) << url;
  }
}

TEST(LoadgenUrl, AddressIsTheKernelsOfItsFamily) {
  sockaddr_storage address{};
  EXPECT_EQ(socket_address({"127.0.0.2", 8001}, address), sizeof(sockaddr_in));
  EXPECT_EQ(address.ss_family, AF_INET);
  EXPECT_EQ(socket_address({"::1", 8001}, address), sizeof(sockaddr_in6));
  EXPECT_EQ(address.ss_family, AF_INET6);
  sockaddr_in6 name{};
  std::memcpy(&name, &address, sizeof name);
  EXPECT_TRUE(IN6_IS_ADDR_LOOPBACK(&name.sin6_addr));
  EXPECT_EQ(ntohs(name.sin6_port), 8001);
}

}  // namespace
}  // namespace comet::loadgen
