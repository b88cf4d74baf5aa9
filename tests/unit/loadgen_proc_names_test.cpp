// What looking into /proc costs the kernel is known, so that it can be left out of a server's memory.
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace comet::loadgen
