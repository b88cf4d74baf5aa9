// The shared command line, on CLI11.
#include "core/options.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>

namespace comet::core {
namespace {

constexpr int kExitUsage = 64;  // EX_USAGE of <sysexits.h>
constexpr double kLongestSeconds = 86400;
constexpr std::size_t kLongestToken = 4096;  // bytes; it must fit a request's head

// Decimal seconds on the command line, milliseconds inside; a positive value never becomes 0.
void add_seconds(CLI::App& app, const std::string& name, Milliseconds& value, const std::string& help,
                 double least = 0.001, double most = kLongestSeconds) {
  app.add_option_function<double>(
         name,
         [&value, name](double seconds) {
           // No comparison holds for "nan", so the range check lets it pass.
           if (std::isnan(seconds)) throw CLI::ValidationError(name, "nan is not a number of seconds");
           value = Milliseconds(static_cast<std::int64_t>(std::ceil(seconds * 1000)));
         },
         help)
      ->check(CLI::Range(least, most))
      ->type_name("SECONDS")
      ->default_str(std::to_string(value.count() / 1000));
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

void add_shared_options(CLI::App& app, Options& options) {
  app.set_version_flag("--version", app.get_name() + " " COMET_VERSION);
  app.add_option("--address", options.address, "IPv4 or IPv6 address to listen on")
      ->check([](const std::string& text) -> std::string {
        if (CLI::ValidIPV4(text).empty() || text.find(':') != std::string::npos) return {};
        return "'" + text + "' is not an IP address; try 127.0.0.1";
      })
      ->capture_default_str();
  app.add_option("--port", options.port, "port to listen on, 0 for any free one")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  add_seconds(app, "--hold-timeout", options.hold_timeout, "longest time a subscribe is held");
  app.add_option("--history", options.history, "messages retained per channel")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  app.add_option("--max-message", options.max_message, "largest message in bytes")
      ->check(CLI::Range(1, 16 << 20))
      ->capture_default_str();
  app.add_option("--max-held", options.max_held, "most held requests, 0: as many as open files allow")
      ->check(CLI::Range(0, 100000000))
      ->capture_default_str();
  add_seconds(app, "--header-timeout", options.header_timeout, "longest time a request may take to arrive");
  add_seconds(app, "--idle-timeout", options.idle_timeout, "longest time a connection may stand idle");
  add_seconds(app, "--publish-work", options.publish_work, "blocking work of every publish, 0: none", 0,
              std::chrono::duration<double>(kMostPublishWork).count());
  app.add_option("--publish-work-threads", options.publish_work_threads,
                 "threads that do the blocking work, 0: whatever handles the publish")
      ->check(CLI::Range(0, 256))
      ->capture_default_str();
  app.add_option_function<std::string>(
         "--publish-token-file",
         [&options](const std::string& path) { options.publish_token = read_token(path); },
         "file with the token that publishers must send")
      ->type_name("FILE");
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
