// The kernel's text files, taken apart.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "loadgen/machine/proc_file.hpp"

namespace comet::loadgen {
namespace {

constexpr char kStatus[] =
    "Name:\ta b\nnonvoluntary_ctxt_switches:\t9\nvoluntary_ctxt_switches:\t12 of some\nmax\tmax\n";

TEST(LoadgenProcFile, ALineIsFoundByWhatItBeginsWith) {
  EXPECT_EQ(line_after(kStatus, "Name:"), "a b");
  EXPECT_EQ(number_after(kStatus, "voluntary_ctxt_switches:"), 12);
  EXPECT_EQ(line_after(kStatus, "ame:"), std::nullopt);
  EXPECT_EQ(line_after("", "Name:"), std::nullopt);
}

TEST(LoadgenProcFile, WhatIsNoNumberIsNothing) {
  EXPECT_EQ(number_after(kStatus, "max"), std::nullopt);
  EXPECT_EQ(number_in(""), std::nullopt);
  EXPECT_EQ(number_in("  4096 kB"), 4096);
  EXPECT_EQ(number_in("000000ff", 16), 255);
}

TEST(LoadgenProcFile, WordsAndLinesAreWithoutWhatSeparatesThem) {
  EXPECT_EQ(words_of(" a\t b  c "), (std::vector<std::string_view>{"a", "b", "c"}));
  EXPECT_EQ(lines_of("a\n\nb"), (std::vector<std::string_view>{"a", "", "b"}));
}

TEST(LoadgenProcFile, ThatIsGoneIsEmpty) {
  EXPECT_EQ(read_proc_file("/proc/0/status"), "");
  EXPECT_TRUE(numbered_entries("/proc/0/task").empty());
}

TEST(LoadgenProcFile, EntriesAreProcesses) {
  const auto processes = numbered_entries("/proc");
  EXPECT_NE(std::find(processes.begin(), processes.end(), getpid()), processes.end());
}

}  // namespace
}  // namespace comet::loadgen
