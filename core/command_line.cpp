// See command_line.hpp.
#include "core/command_line.hpp"

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#include "core/number_options.hpp"

namespace comet::core {
namespace {

constexpr int kExitUsage = 64;  // EX_USAGE of <sysexits.h>

}  // namespace

CommandLine::CommandLine(const std::string& about, const std::string& program)
    : app_(std::make_unique<CLI::App>(about, program)) {
  app_->set_version_flag("--version", program + " " COMET_VERSION);
}

CommandLine::~CommandLine() = default;

void CommandLine::add_number(const std::string& name, const std::function<void(const std::uint64_t&)>& take,
                             std::uint64_t by_default, std::uint64_t least, std::uint64_t most,
                             const std::string& help) {
  app_->add_option_function<std::uint64_t>(name, take, help)
      ->check(whole_number(least, most))
      ->default_str(std::to_string(by_default));
}

void CommandLine::add_seconds(const std::string& name, std::chrono::milliseconds& value, double least,
                              double most, const std::string& help) {
  const auto take = [&value](double seconds) {
    value = std::chrono::milliseconds(static_cast<std::int64_t>(std::ceil(seconds * 1000)));
  };
  app_->add_option_function<double>(name, take, help)
      ->check(decimal_seconds(least, most))
      ->type_name("SECONDS")
      ->default_str(std::to_string(value.count() / 1000));
}

void CommandLine::add_text(const std::string& name, const std::function<void(const std::string&)>& take,
                           const std::string& type, const std::string& by_default, const std::string& help) {
  const auto take_or_refuse = [name, take](const std::string& text) {
    try {
      take(text);
    } catch (const std::invalid_argument& why) {
      throw CLI::ValidationError(name, why.what());
    }
  };
  app_->add_option_function<std::string>(name, take_or_refuse, help)
      ->type_name(type)
      ->default_str(by_default);
}

void CommandLine::add_list(const std::string& name, std::vector<std::string>& values,
                           const std::function<std::string(const std::string&)>& why_not,
                           const std::string& type, const std::string& help) {
  app_->add_option(name, values, help)->check(why_not)->expected(1)->take_all()->type_name(type);
}

void CommandLine::add_choice(const std::string& name, std::string& value,
                             const std::vector<std::string>& choices, const std::string& help) {
  app_->add_option(name, value, help)->check(CLI::IsMember(choices))->capture_default_str();
}

void CommandLine::add_flag(const std::string& name, bool& value, const std::string& help) {
  app_->add_flag(name, value, help);
}

void CommandLine::require(const std::string& name, const std::string& other) {
  app_->get_option(name)->needs(app_->get_option(other));
}

void CommandLine::parse_or_exit(int argc, char** argv) {
  try {
    app_->parse(argc, argv);
  } catch (const CLI::Success& success) {  // --help, --version
    std::exit(app_->exit(success));
  } catch (const CLI::ParseError& error) {
    std::string line = error.what();
    for (char& character : line) {
      if (character == '\n' || character == '\r') character = ' ';
    }
    std::fprintf(stderr, "%s: %s; see %s --help\n", app_->get_name().c_str(), line.c_str(),
                 app_->get_name().c_str());
    std::exit(kExitUsage);
  }
}

}  // namespace comet::core
