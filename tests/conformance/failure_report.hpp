// What a test prints when it has failed: the whole exchange, the line of the contract, and a command for
// this test alone.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <utility>

namespace comet::test {

class FailureReport : public testing::EmptyTestEventListener {
 public:
  // `command`: how this program was started, without a filter.
  FailureReport(std::filesystem::path contract, std::string command)
      : contract_(std::move(contract)), command_(std::move(command)) {}

 private:
  void OnTestStart(const testing::TestInfo& test) override;
  void OnTestPartResult(const testing::TestPartResult& result) override;
  void OnTestEnd(const testing::TestInfo& test) override;

  std::filesystem::path contract_;
  std::string command_;
};

}  // namespace comet::test
