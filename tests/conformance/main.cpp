// A program of black-box tests: conformance --entry NAME [--bin-dir DIR] [--root DIR] [--patience SECONDS] [gtest
// flags]
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <exception>
#include <iostream>

#include "tests/conformance/fixture.hpp"

int main(int argc, char** argv) {
  using namespace comet;
  testing::InitGoogleTest(&argc, argv);  // takes its own flags out of argv
  CLI::App app{"Runs the contract's tests on one entry. Other flags are GoogleTest's (--gtest_filter=...)."};
  std::string name;
  std::string root = ".";
  std::string bin_dir = std::filesystem::read_symlink("/proc/self/exe").parent_path().string();
  double patience_seconds = 10;
  app.add_option("--entry", name, "name of the entry or variant under test");
  app.add_option("--root", root, "folder whose */*/pattern.json are the entries")->capture_default_str();
  app.add_option("--bin-dir", bin_dir, "folder of the servers' programs, looked up before PATH");
  app.add_option("--patience", patience_seconds, "seconds to wait for what is due at once")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  if (!testing::GTEST_FLAG(list_tests)) {
    if (name.empty()) {
      std::cerr << program_invocation_short_name << ": --entry is missing: name the server to test\n";
      return 64;
    }
    try {
      const test::Entry entry = test::find_entry(root, name);
      test::under_test() = {entry, test::find_program(bin_dir, entry.command.front())};
    } catch (const std::exception& error) {
      std::cerr << program_invocation_short_name << ": " << error.what() << "\n";
      return 64;
    }
  }
  test::set_patience(std::chrono::milliseconds(static_cast<long>(patience_seconds * 1000)));
  return RUN_ALL_TESTS();
}
