// The shared command line, on CLI11.
#include "core/options.hpp"

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace comet {
namespace {

constexpr int kExitUsage = 64;  // EX_USAGE of <sysexits.h>
constexpr double kLongestSeconds = 86400;

// Decimal seconds on the command line, milliseconds inside; a positive value never becomes 0.
void add_seconds(CLI::App& app, const std::string& name, Milliseconds& value, const std::string& help) {
  app.add_option_function<double>(
         name,
         [&value, name](double seconds) {
           // No comparison holds for "nan", so the range check lets it pass.
           if (std::isnan(seconds)) throw CLI::ValidationError(name, "nan is not a number of seconds");
           value = Milliseconds(static_cast<std::int64_t>(std::ceil(seconds * 1000)));
         },
         help)
      ->check(CLI::Range(0.001, kLongestSeconds))
      ->type_name("SECONDS")
      ->default_str(std::to_string(value.count() / 1000));
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

}  // namespace comet
