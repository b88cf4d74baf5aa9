// Sockets of subscribers: see client_socket.hpp.
#include "loadgen/clients/client_socket.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "loadgen/clients/arrival.hpp"

namespace comet::loadgen {
namespace {

// The first 10,000 subscribers need none: the kernel chooses 127.0.0.1.
bool bind_source(int socket, const Endpoint& endpoint, std::uint32_t subscriber) {
  const std::uint32_t block = subscriber / kConnectionsPerAddress;
  if (block == 0 || !endpoint.address.starts_with("127.")) return true;
  const int on = 1;  // connect() chooses the port, which then only has to be unused towards this server
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(0x7f000100U + block);
  return setsockopt(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) == 0 &&
         bind(socket, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0;
}

}  // namespace

std::string errno_kind(const char* call, int error) {
  const char* name = strerrorname_np(error);
  return std::string(call) + "_" + (name == nullptr ? std::to_string(error) : name);
}

int start_connecting(const Endpoint& endpoint, std::uint32_t subscriber, std::string& problem) {
  sockaddr_storage name{};
  const socklen_t size = socket_address(endpoint, name);
  const int descriptor = socket(name.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) {
    problem = errno_kind("socket", errno);
    return -1;
  }
  stamp_arrivals(descriptor);
  const int on = 1;
  if (setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
      !bind_source(descriptor, endpoint, subscriber))
    problem = errno_kind("bind", errno);
  else if (connect(descriptor, reinterpret_cast<sockaddr*>(&name), size) != 0 && errno != EINPROGRESS)
    problem = errno_kind("connect", errno);
  return descriptor;
}

void reset_and_close(int socket) {
  const linger reset{1, 0};
  setsockopt(socket, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  close(socket);
}

std::string channel_name(std::size_t channel, std::size_t channels) {
  return channels == 1 ? "bench" : "bench-" + std::to_string(channel);
}

std::string cursor_request(const Endpoint& endpoint, const std::string& channel, const std::string& cursor) {
  return get_request(endpoint, "/subscribe?channel=" + channel + "&since=" + cursor);
}

}  // namespace comet::loadgen
