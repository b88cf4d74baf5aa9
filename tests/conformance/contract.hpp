// What ties a test to docs/contract.md: the parts of the contract that it needs, and the words that it tests.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

namespace comet::test {

struct ContractTest {
  const char* suite;
  const char* own_name;
  std::vector<std::string> parts;
  std::string words;
  testing::Test* (*make)();
  const char* file;
  int line;

  std::string name() const { return std::string(suite) + "." + own_name; }
  void add() const;  // to the tests that GoogleTest runs
};

// All of the program, in the order of their files.
std::vector<ContractTest>& contract_tests();
// For CONTRACT_TEST. True, so that it can start a variable.
bool declare(ContractTest test);

// The words of a list that is separated by commas.
std::vector<std::string> split_parts(const std::string& list);

// The line of `contract` where `words` begin, whatever its line breaks; 0: they are not there.
std::size_t line_of(const std::filesystem::path& contract, const std::string& words);

// What is wrong with the declarations: a test that quotes what docs/contract.md does not say or that names no
// part of the contract, a part without a test or without a line in docs/architecture.md. One line for each.
std::vector<std::string> wrong_declarations(const std::filesystem::path& root);

}  // namespace comet::test

// TEST_F of a test of the contract. An entry runs it if it keeps all of `parts` ("subscribe, publish"); a
// failure shows `words`, which are a piece of docs/contract.md.
// NOLINTBEGIN(bugprone-macro-parentheses): names of classes
#define CONTRACT_TEST(Suite, Name, parts, words)                                            \
  class Suite##_##Name : public Suite {                                                     \
    void TestBody() override;                                                               \
  };                                                                                        \
  [[maybe_unused]] const bool is_declared_##Suite##_##Name =                                \
      declare({#Suite, #Name, split_parts(parts), words,                                    \
               []() -> testing::Test* { return new Suite##_##Name; }, __FILE__, __LINE__}); \
  void Suite##_##Name::TestBody()
// NOLINTEND(bugprone-macro-parentheses)
