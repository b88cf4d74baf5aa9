// The tests of the contract as they are declared, and the check that each of them quotes it.
#include "tests/conformance/contract.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <utility>

#include "loadgen/driver/manifest.hpp"
#include "loadgen/errors.hpp"

namespace comet::test {
namespace {

std::string read_file(const std::filesystem::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

bool is_declared(const std::string& name) {
  const auto& all = contract_tests();
  return std::any_of(all.begin(), all.end(), [&](const ContractTest& test) { return test.name() == name; });
}

bool is_tested(const std::string& part) {
  const auto& all = contract_tests();
  return std::any_of(all.begin(), all.end(), [&](const ContractTest& test) {
    return std::find(test.parts.begin(), test.parts.end(), part) != test.parts.end();
  });
}

// Those of the program that a plain TEST_F made.
std::vector<std::string> undeclared_tests() {
  std::vector<std::string> names;
  const auto& program = *testing::UnitTest::GetInstance();
  for (int i = 0; i < program.total_test_suite_count(); ++i) {
    const auto& suite = *program.GetTestSuite(i);
    for (int j = 0; j < suite.total_test_count(); ++j) {
      const std::string name = std::string(suite.name()) + "." + suite.GetTestInfo(j)->name();
      if (!is_declared(name)) names.push_back(name);
    }
  }
  return names;
}

}  // namespace

std::vector<ContractTest>& contract_tests() {
  static std::vector<ContractTest> all;
  return all;
}

bool declare(ContractTest test) {
  contract_tests().push_back(std::move(test));
  return true;
}

void ContractTest::add() const {
#ifndef __clang_analyzer__  // it does not see that GoogleTest keeps what is made in there
  testing::RegisterTest(suite, own_name, nullptr, nullptr, file, line, make);
#endif
}

std::vector<std::string> split_parts(const std::string& list) {
  std::vector<std::string> parts;
  std::istringstream stream(list);
  for (std::string part; std::getline(stream >> std::ws, part, ',');) parts.push_back(part);
  return parts;
}

std::size_t line_of(const std::filesystem::path& contract, const std::string& words) {
  const std::string text = read_file(contract);
  std::string on_one_line;
  std::vector<std::size_t> lines;  // of each of its bytes
  std::size_t line = 1;
  for (const char byte : text) {
    const bool is_space = byte == ' ' || byte == '\n';
    if (!is_space || !on_one_line.ends_with(' ')) {
      on_one_line += is_space ? ' ' : byte;
      lines.push_back(line);
    }
    if (byte == '\n') ++line;
  }
  const auto at = words.empty() ? std::string::npos : on_one_line.find(words);
  return at == std::string::npos ? 0 : lines[at];
}

std::vector<std::string> wrong_declarations(const std::filesystem::path& root) {
  std::vector<std::string> wrong;
  for (const ContractTest& test : contract_tests()) {
    if (line_of(root / "docs/contract.md", test.words) == 0)
      wrong.push_back(test.name() + " quotes what docs/contract.md does not say: \"" + test.words + "\"");
    if (test.parts.empty()) wrong.push_back(test.name() + " names no part of the contract");
    try {
      loadgen::check_parts(test.parts);
    } catch (const loadgen::UsageError& error) {
      wrong.push_back(test.name() + " has an " + error.what());
    }
  }
  for (const std::string& name : undeclared_tests())
    wrong.push_back(name + " names no part of the contract: write CONTRACT_TEST in place of TEST_F");
  const std::string architecture = read_file(root / "docs/architecture.md");
  for (const std::string& part : loadgen::contract_parts()) {
    if (!is_tested(part)) wrong.push_back("the part '" + part + "' has no test");
    if (architecture.find("`" + part + "`") == std::string::npos)
      wrong.push_back("the part '" + part + "' is not in docs/architecture.md");
  }
  return wrong;
}

}  // namespace comet::test
