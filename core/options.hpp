// The options that every server takes, spelled and checked in one place; a pattern adds its own.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/command_line.hpp"
#include "core/cursor.hpp"

namespace comet::core {

using Milliseconds = std::chrono::milliseconds;

constexpr std::size_t kDefaultMaxMessage = 65536;  // bytes

struct Options {
  std::string address = "127.0.0.1";
  bool on_loopback = true;                   // only programs of this machine reach that address
  std::vector<std::string> allowed_hosts{};  // names by which browsers may call the server
  std::uint16_t port = 8000;                 // 0: any free port
  Milliseconds hold_timeout{30000};          // longest hold of a /subscribe
  std::size_t history = 128;                 // messages retained per channel
  std::size_t max_message = kDefaultMaxMessage;
  std::size_t max_held = 0;            // 0: no cap but the file limit
  Milliseconds header_timeout{10000};  // from a request's first byte to its last
  Milliseconds idle_timeout{75000};    // a connection without a request, or a client that does not read
  Milliseconds publish_work{0};        // every publish blocks this long before it is appended and answered
  unsigned publish_work_threads = 0;   // 0: done by whatever handles the publish; else in a pool of this many
  std::string publish_token{};         // what a publisher must show; empty: nothing
  std::optional<Cursor> joined{};  // shares its messages with other servers, and knows those after this one

  // The idle time that clients are told, in whole seconds. Service::idle_time() is a little longer.
  std::uint32_t announced_idle_seconds() const;
};

// Short enough for a publish that is at work when the drain begins to end within it.
constexpr Milliseconds kMostPublishWork{3000};

// Whether `address` is in 127.0.0.0/8 or is ::1: nobody outside this machine reaches it.
bool is_loopback(std::string_view address);

// The token or password that stands in a file, without the newline that editors put at its end. Throws
// std::invalid_argument, which says why, if there is none.
std::string read_token(const std::string& path);

// Adds the options of every server, the minimal ones included.
void add_basic_options(CommandLine& line, Options& options);
// Adds these, and the options of every full server.
void add_shared_options(CommandLine& line, Options& options);

}  // namespace comet::core
