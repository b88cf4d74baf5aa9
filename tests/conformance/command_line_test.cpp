// The command line's numbers and addresses: what could be read in two ways is not taken.
#include <signal.h>

#include <algorithm>

#include "tests/conformance/fixture.hpp"

namespace comet::test {
namespace {

class CommandLine : public ServerTest {
 protected:
  void expect_values_refused(const CommandValues& values, const std::string& named) {
    const auto process = launch(values);
    EXPECT_EQ(process->wait_for_exit(patience()), 64) << "taken: " << process->rest_of_output();
    const std::string errors = process->errors();
    EXPECT_EQ(std::count(errors.begin(), errors.end(), '\n'), 1) << errors;
    EXPECT_NE(errors.find(named), std::string::npos) << "does not name '" << named << "': " << errors;
  }
  void expect_refused(const std::vector<std::string>& options, const std::string& named) {
    CommandValues values;
    values.options = options;
    expect_values_refused(values, named);
  }
};

CONTRACT_TEST(CommandLine, NumbersAreDecimal, "process",
              "A number with a sign or a 0 in front, or in another base, is refused") {
  for (const char* port : {"07001", "0x1f90", "+8000", "8_000", "1e3", " 8000", "00"}) {
    SCOPED_TRACE(port);
    CommandValues values;
    values.port = port;
    expect_values_refused(values, "--port");
  }
  for (const char* option : {"--history", "--max-message", "--max-held", "--publish-work-threads"}) {
    for (const char* value : {"010", "0x10", "+8", "-5", "1e1"}) {
      SCOPED_TRACE(option + std::string(" ") + value);
      expect_refused({option, value}, option);
    }
  }
}

CONTRACT_TEST(CommandLine, TimesAreDecimal, "process",
              "Numbers are written in decimal digits, times as decimal seconds") {
  for (const char* option : {"--hold-timeout", "--header-timeout", "--idle-timeout", "--publish-work"}) {
    for (const char* value : {"010", "0x2", "+2", "2e0", "00.5"}) {
      SCOPED_TRACE(option + std::string(" ") + value);
      expect_refused({option, value}, option);
    }
  }
}

CONTRACT_TEST(CommandLine, AddressesAreDecimal, "process", "IPv4 or IPv6 address to listen on") {
  for (const char* address : {"010.0.0.1", "127.1", "0x7f.0.0.1", "::zz"}) {
    SCOPED_TRACE(address);
    CommandValues values;
    values.address = address;
    expect_values_refused(values, "--address");
  }
}

// The same address is on every interface of a machine.
CONTRACT_TEST(CommandLine, LinkLocalAddressNeedsAScopeAndIsTold, "process",
              "a link-local one with its interface, as in `fe80::1%eth0`") {
  CommandValues values;
  values.address = "fe80::1";
  expect_values_refused(values, "fe80::1%");
}

CONTRACT_TEST(CommandLine, AllowedHostIsANameAlone, "process",
              "a name by which browsers may call the server") {
  for (const char* host : {"", "http://comet.lan", "comet.lan:8000", "a b"}) {
    SCOPED_TRACE(host);
    expect_refused({"--allow-host", host}, "--allow-host");
  }
}

}  // namespace
}  // namespace comet::test
