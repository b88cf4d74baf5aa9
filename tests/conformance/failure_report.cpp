// Prints after the failures themselves, which GoogleTest has printed as they occurred.
#include "tests/conformance/failure_report.hpp"

#include <cstdio>

#include "tests/conformance/contract.hpp"
#include "tests/conformance/transcript.hpp"

namespace comet::test {

void FailureReport::OnTestStart(const testing::TestInfo&) { transcript().begin(); }

void FailureReport::OnTestPartResult(const testing::TestPartResult& result) {
  if (!result.failed()) return;
  std::string place;  // unknown of an exception
  if (result.file_name() != nullptr)
    place = " (" + std::filesystem::path(result.file_name()).filename().string() + ":" +
            std::to_string(result.line_number()) + ")";
  transcript().happened("*** here the test failed" + place);
}

void FailureReport::OnTestEnd(const testing::TestInfo& info) {
  if (!info.result()->Failed()) return;
  const std::string name = std::string(info.test_suite_name()) + "." + info.name();
  std::printf(
      "\nWhat happened, in order: seconds since the test began, number of the connection, > sent, < came\n%s",
      transcript().text().c_str());
  for (const ContractTest& test : contract_tests()) {
    if (test.name() != name) continue;
    std::printf("\nWhat the test asks for: docs/contract.md, line %zu\n  \"%s\"\n",
                line_of(contract_, test.words), test.words.c_str());
  }
  std::printf("\nThis test alone:\n  %s --gtest_filter=%s\n\n", command_.c_str(), name.c_str());
  std::fflush(stdout);
}

}  // namespace comet::test
