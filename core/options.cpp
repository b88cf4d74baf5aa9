// The shared command line, on CLI11. Boost.URL checks addresses.
#include "core/options.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/url/ipv4_address.hpp>
#include <boost/url/ipv6_address.hpp>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "core/number_options.hpp"

namespace comet::core {
namespace {

namespace urls = boost::urls;

constexpr int kExitUsage = 64;  // EX_USAGE of <sysexits.h>
constexpr double kLongestSeconds = 86400;
constexpr std::size_t kLongestToken = 4096;  // bytes; it must fit a request's head

// Decimal seconds on the command line, milliseconds inside; a positive value never becomes 0.
void add_seconds(CLI::App& app, const std::string& name, Milliseconds& value, const std::string& help,
                 double least = 0.001, double most = kLongestSeconds) {
  app.add_option_function<double>(
         name,
         [&value](double seconds) {
           value = Milliseconds(static_cast<std::int64_t>(std::ceil(seconds * 1000)));
         },
         help)
      ->check(decimal_seconds(least, most))
      ->type_name("SECONDS")
      ->default_str(std::to_string(value.count() / 1000));
}

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

// The token is what stands in the file, without the newline that editors put at its end.
std::string read_token(const std::string& path) {
  const auto refuse = [&path](const std::string& why) {
    throw CLI::ValidationError("--publish-token-file", "'" + path + "' " + why);
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

}  // namespace

std::uint32_t Options::announced_idle_seconds() const {
  return static_cast<std::uint32_t>(std::chrono::floor<std::chrono::seconds>(idle_timeout).count());
}

bool is_loopback(std::string_view address) {
  if (const auto ipv4 = urls::parse_ipv4_address(address)) return ipv4->is_loopback();
  const auto ipv6 = urls::parse_ipv6_address(address.substr(0, address.find('%')));
  return ipv6 && (ipv6->is_loopback() || (ipv6->is_v4_mapped() && ipv6->to_bytes()[12] == 127));
}

void add_basic_options(CLI::App& app, Options& options) {
  app.set_version_flag("--version", app.get_name() + " " COMET_VERSION);
  app.add_option_function<std::string>(
         "--address",
         [&options](const std::string& text) {
           options.address = text;
           options.on_loopback = is_loopback(text);
         },
         "IPv4 or IPv6 address to listen on")
      ->check(why_no_address)
      ->type_name("TEXT")
      ->default_str(options.address);
  app.add_option("--port", options.port, "port to listen on, 0 for any free one")
      ->check(whole_number(0, 65535))
      ->capture_default_str();
  app.add_option("--allow-host", options.allowed_hosts,
                 "a name by which browsers may call the server; may be given more than once")
      ->check(why_no_host_name)
      ->expected(1)
      ->take_all()
      ->type_name("NAME");
  add_seconds(app, "--hold-timeout", options.hold_timeout, "longest time a subscribe is held");
  app.add_option_function<std::string>(
         "--publish-token-file",
         [&options](const std::string& path) { options.publish_token = read_token(path); },
         "file with the token that publishers must send")
      ->type_name("FILE");
}

void add_shared_options(CLI::App& app, Options& options) {
  add_basic_options(app, options);
  app.add_option("--history", options.history, "messages retained per channel")
      ->check(whole_number(1, 1000000))
      ->capture_default_str();
  app.add_option("--max-message", options.max_message, "largest message in bytes")
      ->check(whole_number(1, 16 << 20))
      ->capture_default_str();
  app.add_option("--max-held", options.max_held, "most held requests, 0: as many as open files allow")
      ->check(whole_number(0, 100000000))
      ->capture_default_str();
  add_seconds(app, "--header-timeout", options.header_timeout, "longest time a request may take to arrive");
  add_seconds(app, "--idle-timeout", options.idle_timeout, "longest time a connection may stand idle");
  add_seconds(app, "--publish-work", options.publish_work, "blocking work of every publish, 0: none", 0,
              std::chrono::duration<double>(kMostPublishWork).count());
  app.add_option("--publish-work-threads", options.publish_work_threads,
                 "threads that do the blocking work, 0: whatever handles the publish")
      ->check(whole_number(0, 256))
      ->capture_default_str();
}

void parse_or_exit(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {  // --help, --version
    std::exit(app.exit(success));
  } catch (const CLI::ParseError& error) {
    std::string line = error.what();
    for (char& character : line) {
      if (character == '\n' || character == '\r') character = ' ';
    }
    std::fprintf(stderr, "%s: %s; see %s --help\n", app.get_name().c_str(), line.c_str(),
                 app.get_name().c_str());
    std::exit(kExitUsage);
  }
}

}  // namespace comet::core
