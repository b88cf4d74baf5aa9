// The process: READY, options, usage errors, what cannot be bound.
#include <signal.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <regex>

#include "tests/conformance/fixture.hpp"

namespace comet::test {
namespace {

class Process : public ServerTest {
 protected:
  static constexpr int kRunsOn = -1;
  struct Outcome {
    int status;  // of its exit, or kRunsOn
    std::string output, errors;
  };
  // A run that is expected to end by itself.
  Outcome run(const CommandValues& values, const Surroundings& surroundings = {}) {
    const auto process = launch(values, surroundings);
    const int status = process->wait_for_exit(patience()).value_or(kRunsOn);
    EXPECT_TRUE(status == kRunsOn || process->group_has_ended(patience())) << "leaves processes behind";
    return {status, process->rest_of_output(), process->errors()};
  }

  Outcome run_with(const std::vector<std::string>& options) {
    CommandValues values;
    values.options = options;
    return run(values);
  }

  // A successor takes the port of a drained server. Once more where another process has taken it in between.
  void expect_successor_on_the_port(bool holding) {
    std::string taken;
    for (int attempt = 0; attempt < 5; ++attempt) {
      start();
      CommandValues values;
      values.port = std::to_string(server().port());
      std::optional<Connection> held;
      if (holding) held = hold();  // the server closes it first, so its side lingers in TIME_WAIT
      drain();
      const auto successor = launch(values);
      try {
        successor->wait_until_ready(patience());
        EXPECT_EQ(std::to_string(successor->port()), values.port);
        return;
      } catch (const std::runtime_error& error) {
        taken = error.what();
        if (taken.find("another process listens there") == std::string::npos) throw;
      }
    }
    FAIL() << taken;
  }

  static void expect_one_line(const Outcome& outcome, int status, const std::string& named) {
    EXPECT_EQ(outcome.status, status) << outcome.errors;
    EXPECT_EQ(outcome.output, "");
    EXPECT_EQ(std::count(outcome.errors.begin(), outcome.errors.end(), '\n'), 1)
        << "expected one line on standard error, got:\n"
        << outcome.errors;
    EXPECT_NE(outcome.errors.find(named), std::string::npos)
        << "standard error does not name '" << named << "': " << outcome.errors;
  }
};

CONTRACT_TEST(Process, ReadyLineNamesThePortAndTheProcess, "process, health",
              "the server prints exactly one line on standard output, `READY port=8001 pid=4242`") {
  start();
  EXPECT_EQ(server().ready_line(),
            "READY port=" + std::to_string(server().port()) + " pid=" + std::to_string(server().ready_pid()));
  EXPECT_EQ(server().ready_pid(), server().pid());
  EXPECT_EQ(get("/healthz").status, 200);
}

// If only this machine reaches the address, the server does not warn about who may publish.
CONTRACT_TEST(Process, ListensOnEveryLoopbackAddressWithoutAWarning, "process, drain",
              "IPv4 or IPv6 address to listen on") {
  for (const char* address : {"127.0.0.1", "127.0.0.2", "::1"}) {
    SCOPED_TRACE(address);
    CommandValues values;
    values.address = address;
    const auto process = launch(values);
    process->wait_until_ready(patience());
    process->signal(SIGTERM);
    EXPECT_EQ(process->wait_for_exit(kDrainBound), 0);
    EXPECT_EQ(process->errors(), "");
  }
}

CONTRACT_TEST(Process, TakesThePortItIsGiven, "process, drain", "port, 0 for any free one") {
  expect_successor_on_the_port(false);
}

CONTRACT_TEST(Process, PortIsFreeForASuccessorWhileOldConnectionsLinger, "process, drain, subscribe",
              "port, 0 for any free one") {
  expect_successor_on_the_port(true);
}

CONTRACT_TEST(Process, HelpNamesEverySharedOption, "process", "Options of every server") {
  const Outcome outcome = run_with({"--help"});
  EXPECT_EQ(outcome.status, 0);
  for (const char* option :
       {"--address", "--port", "--hold-timeout", "--history", "--max-message", "--max-held",
        "--header-timeout", "--idle-timeout", "--publish-work", "--publish-work-threads",
        "--publish-token-file", "--allow-host", "--help", "--version"}) {
    EXPECT_NE(outcome.output.find(option), std::string::npos) << option << " is not in --help";
  }
}

CONTRACT_TEST(Process, HelpNamesTheDefaults, "process", "Options of every server") {
  const std::string help = run_with({"--help"}).output;
  for (const auto& [option, value] :
       std::vector<std::pair<std::string, std::string>>{{"--address", "127.0.0.1"},
                                                        {"--port", "8000"},
                                                        {"--hold-timeout", "30"},
                                                        {"--history", "128"},
                                                        {"--max-message", "65536"},
                                                        {"--max-held", "0"},
                                                        {"--header-timeout", "10"},
                                                        {"--idle-timeout", "75"},
                                                        {"--publish-work", "0"},
                                                        {"--publish-work-threads", "0"}}) {
    const std::regex line("(^|\n) *" + option + " [^\n]*\\b" + value + "\\b");
    EXPECT_TRUE(std::regex_search(help, line)) << option << " has no default of " << value << " in:\n"
                                               << help;
  }
}

CONTRACT_TEST(Process, VersionIsOneLine, "process", "Options of every server") {
  const Outcome outcome = run_with({"--version"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(std::count(outcome.output.begin(), outcome.output.end(), '\n'), 1) << outcome.output;
  EXPECT_NE(outcome.output.find_first_of("0123456789"), std::string::npos) << outcome.output;
}

CONTRACT_TEST(Process, UnknownOptionExits64AndNamesIt, "process",
              "Exit status 64 for usage, 1 for the rest") {
  expect_one_line(run_with({"--no-such-option"}), 64, "--no-such-option");
  expect_one_line(run_with({"--no-such-option", "3"}), 64, "--no-such-option");
}

CONTRACT_TEST(Process, StrayArgumentExits64AndNamesIt, "process",
              "Exit status 64 for usage, 1 for the rest") {
  expect_one_line(run_with({"stray"}), 64, "stray");
}

CONTRACT_TEST(Process, OptionWithoutItsValueExits64AndNamesIt, "process",
              "Exit status 64 for usage, 1 for the rest") {
  expect_one_line(run_with({"--history"}), 64, "--history");
}

CONTRACT_TEST(Process, BadPortExits64AndNamesIt, "process", "Exit status 64 for usage, 1 for the rest") {
  for (const char* port : {"abc", "65536", "-1", "80x", ""}) {
    SCOPED_TRACE("--port '" + std::string(port) + "'");
    CommandValues values;
    values.port = port;
    expect_one_line(run(values), 64, "--port");
  }
}

CONTRACT_TEST(Process, BadAddressExits64AndNamesIt, "process", "Exit status 64 for usage, 1 for the rest") {
  CommandValues values;
  values.address = "not an address";
  expect_one_line(run(values), 64, "--address");
}

CONTRACT_TEST(Process, BadTimesExit64AndNameTheOption, "process", "times as decimal seconds") {
  for (const char* option : {"--hold-timeout", "--header-timeout", "--idle-timeout", "--publish-work"}) {
    for (const char* value : {"abc", "-1", "1x", "nan", "inf"}) {
      SCOPED_TRACE(std::string(option) + " " + value);
      expect_one_line(run_with({option, value}), 64, option);
    }
  }
}

CONTRACT_TEST(Process, BadCountsExit64AndNameTheOption, "process",
              "Exit status 64 for usage, 1 for the rest") {
  for (const char* option : {"--history", "--max-message", "--max-held", "--publish-work-threads"}) {
    for (const char* value : {"abc", "-1", "1.5", "99999999999999999999999"}) {
      SCOPED_TRACE(std::string(option) + " " + value);
      expect_one_line(run_with({option, value}), 64, option);
    }
  }
}

CONTRACT_TEST(Process, PortInUseExits1WithOneLineThatNamesIt, "process",
              "an address in use, a missing permission: one line on standard error") {
  start();
  CommandValues values;
  values.port = std::to_string(server().port());
  expect_one_line(run(values), 1, values.port);
}

CONTRACT_TEST(Process, ReadyLineThatNobodyCanReadExits1WithOneLineThatNamesIt, "process",
              "Exit status 64 for usage, 1 for the rest") {
  Surroundings full;
  full.output_is_full = true;
  expect_one_line(run({}, full), 1, "READY");
}

CONTRACT_TEST(Process, AddressOfAnotherMachineExits1WithOneLineThatNamesIt, "process",
              "Exit status 64 for usage, 1 for the rest") {
  CommandValues values;
  values.address = "192.0.2.1";  // RFC 5737: nobody's
  expect_one_line(run(values), 1, values.address);
}

CONTRACT_TEST(Process, MissingPermissionExits1WithOneLineThatNamesThePort, "process",
              "an address in use, a missing permission: one line on standard error") {
  int first_free_to_all = 1024;
  std::ifstream("/proc/sys/net/ipv4/ip_unprivileged_port_start") >> first_free_to_all;
  if (first_free_to_all <= 1) GTEST_SKIP() << "this machine lets anybody bind port 1";
  CommandValues values;
  values.port = "1";
  Surroundings surroundings;
  surroundings.may_bind_privileged_ports = false;
  expect_one_line(run(values, surroundings), 1, "port 1");
}

}  // namespace
}  // namespace comet::test
