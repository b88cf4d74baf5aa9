// The shared command line: defaults, values, and one line and exit status 64 for a mistake.
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "core/options.hpp"

namespace comet::core {
namespace {

Options parse(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "comet-test");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  CommandLine line("a server under test", "comet-test");
  Options options;
  add_shared_options(line, options);
  line.parse_or_exit(static_cast<int>(argv.size()), argv.data());
  return options;
}

TEST(OptionsTest, DefaultsAreTheContracts) {
  const Options options = parse({});
  EXPECT_EQ(options.address, "127.0.0.1");
  EXPECT_EQ(options.port, 8000);
  EXPECT_EQ(options.hold_timeout, Milliseconds(30000));
  EXPECT_EQ(options.history, 128U);
  EXPECT_EQ(options.max_message, 65536U);
  EXPECT_EQ(options.max_held, 0U);
  EXPECT_EQ(options.header_timeout, Milliseconds(10000));
  EXPECT_EQ(options.idle_timeout, Milliseconds(75000));
  EXPECT_EQ(options.publish_work, Milliseconds(0));
  EXPECT_EQ(options.publish_work_threads, 0U);
  EXPECT_EQ(options.publish_token, "");
  EXPECT_TRUE(options.on_loopback);
  EXPECT_TRUE(options.allowed_hosts.empty());
  EXPECT_FALSE(options.joined);
}

TEST(OptionsTest, EveryOptionIsTaken) {
  const Options options = parse({"--address", "::1",
                                 "--port=0",  "--hold-timeout",
                                 "2.5",       "--history",
                                 "1",         "--max-message",
                                 "10",        "--max-held",
                                 "7",         "--header-timeout",
                                 "0.001",     "--idle-timeout",
                                 "86400",     "--publish-work",
                                 "0.02",      "--publish-work-threads",
                                 "4",         "--allow-host",
                                 "comet.lan", "--allow-host",
                                 "Chat"});
  EXPECT_EQ(options.address, "::1");
  EXPECT_EQ(options.port, 0);
  EXPECT_EQ(options.hold_timeout, Milliseconds(2500));
  EXPECT_EQ(options.history, 1U);
  EXPECT_EQ(options.max_message, 10U);
  EXPECT_EQ(options.max_held, 7U);
  EXPECT_EQ(options.header_timeout, Milliseconds(1));
  EXPECT_EQ(options.idle_timeout, Milliseconds(86400000));
  EXPECT_EQ(options.publish_work, Milliseconds(20));
  EXPECT_EQ(options.publish_work_threads, 4U);
  EXPECT_EQ(options.allowed_hosts, (std::vector<std::string>{"comet.lan", "Chat"}));
}

TEST(OptionsTest, AddressSaysWhetherOnlyThisMachineReachesIt) {
  for (const char* address : {"127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1", "::1%lo"}) {
    EXPECT_TRUE(parse({"--address", address}).on_loopback) << address;
  }
  for (const char* address :
       {"0.0.0.0", "::", "192.0.2.1", "126.0.0.1", "fe80::1%eth0", "::ffff:192.0.2.1"}) {
    EXPECT_FALSE(parse({"--address", address}).on_loopback) << address;
  }
}

TEST(OptionsTest, AnnouncedIdleTimeIsInWholeSecondsAndNotLongerThanTheRealOne) {
  for (const auto& [given, announced] : std::vector<std::pair<std::string, std::uint32_t>>{
           {"0.001", 0}, {"0.999", 0}, {"1", 1}, {"2.5", 2}, {"86400", 86400}}) {
    EXPECT_EQ(parse({"--idle-timeout", given}).announced_idle_seconds(), announced) << given;
  }
}

TEST(OptionsTest, PositiveTimesNeverBecomeZero) {
  EXPECT_EQ(parse({"--header-timeout", "0.0011"}).header_timeout, Milliseconds(2));
}

using OptionsDeathTest = testing::TestWithParam<std::vector<std::string>>;

// One line that begins with the program, names the option or argument, and says where help is.
TEST_P(OptionsDeathTest, MistakeIsOneLineAndExit64) {
  const std::string& what = GetParam()[0];
  EXPECT_EXIT(parse(GetParam()), testing::ExitedWithCode(64),
              "^comet-test: [^\n]*" + what + "[^\n]*; see comet-test --help\n$");
}

INSTANTIATE_TEST_SUITE_P(Mistakes, OptionsDeathTest,
                         testing::ValuesIn(std::vector<std::vector<std::string>>{
                             {"--bogus"},
                             {"--bogus=1"},
                             {"argument"},
                             {"--port"},
                             {"--port", "http"},
                             {"--port", "65536"},
                             {"--port", "-1"},
                             {"--port", "80a"},
                             {"--port", ""},
                             {"--port", "1", "--port", "2"},
                             {"--port", "07001"},
                             {"--port", "00"},
                             {"--port", "0x50"},
                             {"--port", "+80"},
                             {"--port", " 80"},
                             {"--history", "010"},
                             {"--history", "1e3"},
                             {"--max-message", "1'000"},
                             {"--max-held", "0b11"},
                             {"--publish-work-threads", "08"},
                             {"--hold-timeout", "010"},
                             {"--hold-timeout", "00.5"},
                             {"--hold-timeout", "1e1"},
                             {"--idle-timeout", "0x10"},
                             {"--idle-timeout", "+1"},
                             {"--header-timeout", "1,5"},
                             {"--address", "fe80::1"},
                             {"--address", "febf::1"},
                             {"--address", "010.0.0.1"},
                             {"--address", "::zz"},
                             {"--address", "[::1]"},
                             {"--allow-host"},
                             {"--allow-host", ""},
                             {"--allow-host", "http://a"},
                             {"--allow-host", "a:8000"},
                             {"--address", "localhost"},
                             {"--address", "1.2.3"},
                             {"--address", "256.0.0.1"},
                             {"--address", ""},
                             {"--hold-timeout", "0"},
                             {"--hold-timeout", "-1"},
                             {"--hold-timeout", "soon"},
                             {"--hold-timeout", "nan"},
                             {"--hold-timeout", "inf"},
                             {"--hold-timeout", "86401"},
                             {"--header-timeout", "0"},
                             {"--idle-timeout", "1e400"},
                             {"--history", "0"},
                             {"--history", "-1"},
                             {"--history", "1.5"},
                             {"--history", "1000001"},
                             {"--history", "99999999999999999999"},
                             {"--max-message", "0"},
                             {"--max-message", "16777217"},
                             {"--max-message", "64k"},
                             {"--max-held", "-1"},
                             {"--publish-work", "-0.1"},
                             {"--publish-work", "3.1"},
                             {"--publish-work-threads", "257"},
                             {"--publish-token-file"},
                             {"--publish-token-file", "/nowhere/token"},
                             {"--publish-token-file", "/dev/null"},
                             {"--publish-token-file", "/proc/self/status"},
                             {"--publish-token-file", "/"},
                             {"--joined", "0"},
                             {"--joined", "now"}}));

// EXPECT_EXIT sees standard error alone, so what goes to standard output is sent there.
void parse_with_output_on_standard_error(const std::vector<std::string>& arguments) {
  dup2(STDERR_FILENO, STDOUT_FILENO);
  parse(arguments);
}

TEST(OptionsHelpDeathTest, VersionIsPrintedWithTheProgramsName) {
  EXPECT_EXIT(parse_with_output_on_standard_error({"--version"}), testing::ExitedWithCode(0),
              "^comet-test [0-9]+\\.[0-9]+\\.[0-9]+\n$");
}

TEST(OptionsHelpDeathTest, HelpNamesEveryOption) {
  for (const char* option : {"--address", "--port", "--hold-timeout", "--history", "--max-message",
                             "--max-held", "--header-timeout", "--idle-timeout", "--version"}) {
    EXPECT_EXIT(parse_with_output_on_standard_error({"--help"}), testing::ExitedWithCode(0), option);
  }
}

}  // namespace
}  // namespace comet::core
