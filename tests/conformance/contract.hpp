// What ties a test to docs/contract.md: the parts of the contract that it needs, and the words that it tests.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace comet::test {

struct ContractTest {
  std::string name;  // Suite.Name
  std::vector<std::string> parts;
  std::string words;
  std::function<void()> add;  // to the tests that GoogleTest runs
};

// All of the program, in the order of their files.
std::vector<ContractTest>& contract_tests();
// For CONTRACT_TEST. `parts` are separated by commas. True, so that it can start a variable.
bool declare(std::string name, const std::string& parts, std::string words, std::function<void()> add);

std::vector<std::string> split_parts(const std::string& list);

// The line of `contract` where `words` begin, whatever its line breaks; 0: they are not there.
std::size_t line_of(const std::filesystem::path& contract, const std::string& words);

// What is wrong with the declarations: a test that quotes what docs/contract.md does not say or that names no part of
// the contract, a part without a test or without a line in docs/architecture.md. One line for each.
std::vector<std::string> wrong_declarations(const std::filesystem::path& root);

}  // namespace comet::test

// TEST_F of a test of the contract. An entry runs it if it keeps all of `parts` ("subscribe, publish"); a failure shows
// `words`, which are a piece of docs/contract.md.
#define CONTRACT_TEST(Suite, Name, parts, words)                                                          \
  class Suite##_##Name : public Suite {                                                                   \
    void TestBody() override;                                                                             \
  };                                                                                                      \
  [[maybe_unused]] const bool is_declared_##Suite##_##Name = declare(#Suite "." #Name, parts, words, [] { \
    testing::RegisterTest(#Suite, #Name, nullptr, nullptr, __FILE__, __LINE__,                            \
                          []() -> Suite* { return new Suite##_##Name; });                                 \
  });                                                                                                     \
  void Suite##_##Name::TestBody()
