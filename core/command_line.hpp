// The command line of a program, on CLI11. Its headers take seconds to compile, so they are compiled once, in
// command_line.cpp.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace comet::core {

// Every option's default is what its value holds when it is added. The values must outlive parse_or_exit().
class CommandLine {
 public:
  // `about` is the first line of --help.
  CommandLine(const std::string& about, const std::string& program);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  // A whole number from `least` to `most`, in decimal digits alone.
  template <class Number>
  void add_number(const std::string& name, Number& value, std::uint64_t least, std::uint64_t most,
                  const std::string& help) {
    const auto take = [&value](std::uint64_t number) { value = static_cast<Number>(number); };
    add_number(name, take, static_cast<std::uint64_t>(value), least, most, help);
  }

  // Seconds in decimal digits, kept in milliseconds; a positive value never becomes 0.
  void add_seconds(const std::string& name, std::chrono::milliseconds& value, double least, double most,
                   const std::string& help);

  // A text, which `take` uses, or refuses by a std::invalid_argument that says why. `type` is what --help
  // calls it, `by_default` what it says of a program without this option.
  void add_text(const std::string& name, const std::function<void(const std::string&)>& take,
                const std::string& type, const std::string& by_default, const std::string& help);

  // A text that may be given more than once. `why_not` says why a text cannot be taken; empty if it can.
  void add_list(const std::string& name, std::vector<std::string>& values,
                const std::function<std::string(const std::string&)>& why_not, const std::string& type,
                const std::string& help);

  // One of `choices`.
  void add_choice(const std::string& name, std::string& value, const std::vector<std::string>& choices,
                  const std::string& help);

  // Without a value: `value` becomes true.
  void add_flag(const std::string& name, bool& value, const std::string& help);

  // The option `name` is refused without the option `other`.
  void require(const std::string& name, const std::string& other);

  // On --help and --version prints and exits 0, on a mistake prints one line on standard error and exits 64.
  void parse_or_exit(int argc, char** argv);

 private:
  void add_number(const std::string& name, const std::function<void(const std::uint64_t&)>& take,
                  std::uint64_t by_default, std::uint64_t least, std::uint64_t most, const std::string& help);

  std::unique_ptr<CLI::App> app_;
};

}  // namespace comet::core
