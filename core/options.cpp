// The options that servers share. Boost.URL checks addresses.
#include "core/options.hpp"

#include <algorithm>
#include <boost/url/ipv4_address.hpp>
#include <boost/url/ipv6_address.hpp>
#include <fstream>
#include <stdexcept>

namespace comet::core {
namespace {

namespace urls = boost::urls;

constexpr double kLeastSeconds = 0.001;
constexpr double kMostSeconds = 86400;
constexpr std::size_t kLongestToken = 4096;  // bytes; it must fit a request's head

// Why `text` is no address to listen on; empty if it is one. An IPv6 address may have a scope behind a %.
std::string why_no_address(const std::string& text) {
  if (urls::parse_ipv4_address(text)) return {};
  const std::size_t scope = text.find('%');
  const auto address = urls::parse_ipv6_address(std::string_view(text).substr(0, scope));
  if (!address) return "'" + text + "' is not an IP address; try 127.0.0.1 or ::1";
  const auto bytes = address->to_bytes();
  const bool is_link_local = bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;  // fe80::/10
  if (!is_link_local || scope != std::string::npos) return {};
  return "'" + text + "' needs a scope, the interface that it is on, such as " + text + "%eth0";
}

// Why `text` is no name of a host; empty if it is one.
std::string why_no_host_name(const std::string& text) {
  constexpr std::string_view kTaken = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_";
  if (!text.empty() && text.find_first_not_of(kTaken) == std::string::npos) return {};
  return "'" + text + "' is not the name of a host; try chat.example, without scheme and port";
}

}  // namespace

std::string read_token(const std::string& path) {
  const auto refuse = [&path](const std::string& why) {
    throw std::invalid_argument("'" + path + "' " + why);
  };
  std::string token(kLongestToken + 2, '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(token.data(), static_cast<std::streamsize>(token.size()));
  token.resize(static_cast<std::size_t>(file.gcount()));
  if (token.ends_with('\n')) token.pop_back();
  if (token.ends_with('\r')) token.pop_back();
  if (token.empty()) refuse("is empty or cannot be read; name a file that holds the token");
  const auto printable = [](char byte) { return byte > ' ' && byte <= '~'; };
  if (token.size() > kLongestToken || !std::all_of(token.begin(), token.end(), printable)) {
    refuse("holds more than a token; use one line of letters and digits");
  }
  return token;
}

std::uint32_t Options::announced_idle_seconds() const {
  return static_cast<std::uint32_t>(std::chrono::floor<std::chrono::seconds>(idle_timeout).count());
}

bool is_loopback(std::string_view address) {
  if (const auto ipv4 = urls::parse_ipv4_address(address)) return ipv4->is_loopback();
  const auto ipv6 = urls::parse_ipv6_address(address.substr(0, address.find('%')));
  return ipv6 && (ipv6->is_loopback() || (ipv6->is_v4_mapped() && ipv6->to_bytes()[12] == 127));
}

void add_basic_options(CommandLine& line, Options& options) {
  const auto take_address = [&options](const std::string& text) {
    if (const std::string why = why_no_address(text); !why.empty()) throw std::invalid_argument(why);
    options.address = text;
    options.on_loopback = is_loopback(text);
  };
  line.add_text("--address", take_address, "TEXT", options.address, "IPv4 or IPv6 address to listen on");
  line.add_number("--port", options.port, 0, 65535, "port to listen on, 0 for any free one");
  line.add_list("--allow-host", options.allowed_hosts, why_no_host_name, "NAME",
                "a name by which browsers may call the server; may be given more than once");
  line.add_seconds("--hold-timeout", options.hold_timeout, kLeastSeconds, kMostSeconds,
                   "longest time a subscribe is held");
  const auto take_token = [&options](const std::string& path) { options.publish_token = read_token(path); };
  line.add_text("--publish-token-file", take_token, "FILE", "",
                "file with the token that publishers must send");
}

void add_shared_options(CommandLine& line, Options& options) {
  add_basic_options(line, options);
  line.add_number("--history", options.history, 1, 1000000, "messages retained per channel");
  line.add_number("--max-message", options.max_message, 1, 16 << 20, "largest message in bytes");
  line.add_number("--max-held", options.max_held, 0, 100000000,
                  "most held requests, 0: as many as open files allow");
  line.add_seconds("--header-timeout", options.header_timeout, kLeastSeconds, kMostSeconds,
                   "longest time a request may take to arrive");
  line.add_seconds("--idle-timeout", options.idle_timeout, kLeastSeconds, kMostSeconds,
                   "longest time a connection may stand idle");
  line.add_seconds("--publish-work", options.publish_work, 0,
                   std::chrono::duration<double>(kMostPublishWork).count(),
                   "blocking work of every publish, 0: none");
  line.add_number("--publish-work-threads", options.publish_work_threads, 0, 256,
                  "threads that do the blocking work, 0: whatever handles the publish");
  const auto take_begin = [&options](const std::string& text) {
    options.joined = parse_cursor(text);
    if (!options.joined) throw std::invalid_argument("'" + text + "' is neither 0 nor MILLISECONDS-SEQUENCE");
  };
  line.add_text("--joined", take_begin, "CURSOR", "",
                "share messages with other servers: publishes bring their cursors, which are all after this one");
  line.require("--joined", "--publish-token-file");
}

}  // namespace comet::core
