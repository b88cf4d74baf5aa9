// A program of black-box tests: conformance --entry NAME [--parts LIST] [--bin-dir DIR] [--root DIR]
// [--patience SECONDS] [GoogleTest's flags]. Exit status 64: the command line is wrong; 77: the entry is not
// installed here.
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <exception>
#include <iostream>

#include "loadgen/driver/program_path.hpp"
#include "loadgen/errors.hpp"
#include "tests/conformance/client.hpp"
#include "tests/conformance/contract.hpp"
#include "tests/conformance/failure_report.hpp"
#include "tests/conformance/under_test.hpp"

namespace comet::test {
namespace {

constexpr int kUsage = 64;
constexpr int kNotInstalled = 77;

struct CommandLine {
  std::string program = std::filesystem::read_symlink("/proc/self/exe");
  std::string entry;
  std::string parts;
  std::string root = ".";
  std::string bin_dir = std::filesystem::path(program).parent_path();
  double patience_seconds = 10;
  bool check = false;
};

loadgen::Entry find_entry(const CommandLine& given) {
  if (given.entry.empty()) throw loadgen::UsageError("--entry is missing: name the server to test");
  const auto all = loadgen::find_entries(given.root);
  const auto named = std::find_if(all.begin(), all.end(),
                                  [&](const loadgen::Entry& entry) { return entry.name == given.entry; });
  if (named != all.end()) return *named;
  std::string known;
  for (const loadgen::Entry& entry : all) {
    const bool is_of_the_tests =
        entry.folder.parent_path().filename() == "tests";  // wrong servers, above all
    if (!is_of_the_tests) known += " " + entry.name;
  }
  throw loadgen::UsageError("no entry '" + given.entry + "' under " + given.root + "; use one of:" + known);
}

void choose_parts(loadgen::Entry& entry, const std::string& parts) {
  entry.keeps_all = parts == "all";
  entry.keeps = entry.keeps_all ? loadgen::contract_parts() : split_parts(parts);
  loadgen::check_parts(entry.keeps);
}

// The first package of an entry is its own. Where Debian's package manager is missing nothing is
// known about it.
bool is_installed(const loadgen::Entry& entry) {
  if (entry.packages.empty() || std::system("command -v dpkg-query >/dev/null") != 0) return true;
  return std::system(("dpkg-query -W '" + entry.packages.front() + "' >/dev/null 2>&1").c_str()) == 0;
}

// Adds the tests whose parts the entry keeps.
void add_tests(const loadgen::Entry& entry) {
  const auto is_kept = [&](const std::string& part) { return entry.keeps_part(part); };
  for (const ContractTest& test : contract_tests())
    if (std::all_of(test.parts.begin(), test.parts.end(), is_kept)) test.add();
}

// How to run this program again; every path is a whole one, so that it can be run from any folder.
std::string command_of(const CommandLine& given) {
  const auto absolute = [](const std::string& path) {
    const auto whole = std::filesystem::weakly_canonical(path).string();
    return whole.find_first_of(" '\"$&;()") == std::string::npos ? whole : "'" + whole + "'";
  };
  std::string command =
      absolute(given.program) + " --entry " + given.entry + " --root " + absolute(given.root);
  const CommandLine defaults;
  if (given.bin_dir != defaults.bin_dir) command += " --bin-dir " + absolute(given.bin_dir);
  if (!given.parts.empty()) command += " --parts '" + given.parts + "'";
  if (testing::GTEST_FLAG(shuffle))  // the labs' tests are random by it
    command += " --gtest_shuffle --gtest_random_seed=" + std::to_string(testing::GTEST_FLAG(random_seed));
  return command;
}

int run(const CommandLine& given) {
  const bool only_list = testing::GTEST_FLAG(list_tests);
  UnderTest& chosen = under_test();
  if (given.check || (only_list && given.entry.empty())) {
    for (const ContractTest& test : contract_tests()) test.add();
    if (only_list) return RUN_ALL_TESTS();
    const auto wrong = wrong_declarations(given.root);
    for (const std::string& line : wrong) std::cerr << line << "\n";
    return wrong.empty() ? 0 : 1;
  }
  chosen.entry = find_entry(given);
  if (!given.parts.empty()) choose_parts(chosen.entry, given.parts);
  add_tests(chosen.entry);
  const bool is_too_little = contract_tests().empty() && !chosen.entry.keeps_all;
  if (only_list) return is_too_little ? 0 : RUN_ALL_TESTS();
  if (is_too_little) throw loadgen::UsageError("these tests are for an entry that keeps the whole contract");
  if (!is_installed(chosen.entry)) {
    std::cout << "skipped: the package " << chosen.entry.packages.front() << " of " << given.entry
              << " is not installed (peers/deps)\n";
    return kNotInstalled;
  }
  chosen.program = find_program(chosen.entry, given.bin_dir);
  loadgen::look_up_first_in(given.bin_dir);
  set_patience(std::chrono::milliseconds(static_cast<long>(given.patience_seconds * 1000)));
  testing::UnitTest::GetInstance()->listeners().Append(
      new FailureReport(std::filesystem::path(given.root) / "docs/contract.md", command_of(given)));
  const int status = RUN_ALL_TESTS();
  if (testing::UnitTest::GetInstance()->test_to_run_count() == 0)
    throw loadgen::UsageError("no test with that name needs only the parts " +
                              (given.parts.empty() ? "that " + given.entry + " keeps" : given.parts) +
                              "; most need subscribe and publish");
  return status;
}

}  // namespace
}  // namespace comet::test

int main(int argc, char** argv) {
  using namespace comet;
  testing::InitGoogleTest(&argc, argv);  // takes its own flags out of argv
  CLI::App app{"Runs the contract's tests on one entry. Other flags are GoogleTest's (--gtest_filter=...)."};
  test::CommandLine given;
  app.add_option("--entry", given.entry, "name of the entry or variant under test");
  app.add_option(
      "--parts", given.parts,
      "the parts of the contract to test, as in subscribe,publish; else those that its manifest keeps");
  app.add_option("--root", given.root, "folder whose */*/pattern.json are the entries")
      ->capture_default_str();
  app.add_option("--bin-dir", given.bin_dir, "folder of the servers' programs, looked up before PATH");
  app.add_option("--patience", given.patience_seconds, "seconds to wait for what is due at once")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_flag("--check", given.check,
               "run no test: check that each names its parts and quotes docs/contract.md");
  CLI11_PARSE(app, argc, argv);
  try {
    return test::run(given);
  } catch (const std::exception& error) {
    std::cerr << program_invocation_short_name << ": " << error.what() << "\n";
    return test::kUsage;
  }
}
