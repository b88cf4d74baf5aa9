// What looking into /proc costs the kernel is known, so that it can be left out of a server's memory.
#include <gtest/gtest.h>
#include <unistd.h>

#include <vector>

#include "loadgen/machine/proc_file.hpp"
#include "loadgen/machine/proc_names.hpp"

namespace comet::loadgen {
namespace {

constexpr char kSlabinfo[] =
    "slabinfo - version: 2.1\n"
    "# name <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables <limit> ...\n"
    "proc_inode_cache 90 92 696 23 4 : tunables 0 0 0 : slabdata 4 4 0\n"
    "dentry 336588 336588 192 21 1 : tunables 0 0 0 : slabdata 16028 16028 0\n"
    "lsm_inode_cache 1000 1024 32 128 1 : tunables 0 0 0 : slabdata 8 8 0\n";

TEST(LoadgenProcNames, AreSlabsOfInodesAndForEachANameAndALabel) {
  EXPECT_EQ(proc_name_bytes(kSlabinfo, 4096), 4 * 4 * 4096 + 90 * (192 + 32));
}

TEST(LoadgenProcNames, AreUnknownWhereTheFileMayNotBeRead) { EXPECT_EQ(proc_name_bytes("", 4096), 0); }

// Names of other processes may go away meanwhile, so it is tried again.
TEST(LoadgenProcNames, ListingDescriptorsAddsAboutAKilobyteForEach) {
  if (read_proc_file("/proc/slabinfo").empty()) GTEST_SKIP() << "only root may read /proc/slabinfo";
  constexpr int kDescriptors = 900;
  std::vector<int> descriptors;
  std::int64_t added = 0;
  for (int attempt = 0; attempt < 10 && added < 600 * kDescriptors; ++attempt) {
    for (int i = 0; i < kDescriptors; ++i) descriptors.push_back(dup(0));
    const std::int64_t before = proc_name_bytes();
    numbered_entries("/proc/self/fd");
    added = proc_name_bytes() - before;
    for (const int descriptor : descriptors) close(descriptor);
    descriptors.clear();
  }
  EXPECT_GE(added, 600 * kDescriptors);
}

}  // namespace
}  // namespace comet::loadgen
