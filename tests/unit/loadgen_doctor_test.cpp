// The doctor: which limit is reached first. The limits are set here, or read from files that stand for
// /proc and /sys.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "loadgen/driver/doctor.hpp"

namespace comet::loadgen {
namespace {

Entry entry_of(HeldCost cost) {
  Entry entry;
  entry.name = "mine";
  entry.command = {"comet-mine"};
  entry.held = cost;
  return entry;
}

// The limits of a machine that is large in every way.
Limits large() {
  Limits limits;
  limits.open_files = limits.most_open_files = 1'000'000;
  limits.open_files_of_all = limits.pid_max = limits.threads_max = limits.maps = 10'000'000;
  limits.memory_bytes = std::int64_t{1} << 40;
  limits.local_ports = 28'232;
  return limits;
}

HeldCeiling lowest(HeldCost cost, const Limits& limits, std::int64_t wanted) {
  return ceilings(entry_of(cost), limits, wanted).front();
}

TEST(LoadgenDoctor, DescriptorsBindWithRoomLeftForPublishers) {
  Limits limits = large();
  limits.open_files = 20'000;
  const HeldCeiling ceiling = lowest({.descriptors = 1}, limits, 50'000);
  EXPECT_EQ(ceiling.held, 19'936);
  EXPECT_EQ(ceiling.limit, "open files of one process, hard limit 20,000");
  EXPECT_TRUE(ceiling.remedy.starts_with("ulimit -n 50064")) << ceiling.remedy;
}

TEST(LoadgenDoctor, AHardLimitBeyondNrOpenNeedsThatFirst) {
  Limits limits = large();
  limits.open_files = limits.most_open_files = 20'000;
  const HeldCeiling ceiling = lowest({.descriptors = 1}, limits, 50'000);
  EXPECT_TRUE(ceiling.remedy.starts_with("sudo sysctl -w fs.nr_open=50064 && ulimit -n 50064"))
      << ceiling.remedy;
}

TEST(LoadgenDoctor, EachNodeHasOpenFilesOfItsOwn) {
  Limits limits = large();
  limits.open_files = 20'000;
  const auto found = ceilings(entry_of({.descriptors = 1}), limits, 1'000'000, 59);
  EXPECT_EQ(found.front().held, 59 * 19'936);
  EXPECT_TRUE(found.front().remedy.starts_with("ulimit -n 17014")) << found.front().remedy;
}

TEST(LoadgenDoctor, EachNodeIsThreeProcesses) {
  Limits limits = large();
  limits.pid_max = 300;
  limits.tasks = 100;
  const auto found = ceilings(entry_of({}), limits, 1'000'000, 59);
  EXPECT_EQ(found.front().held, 45 * 16'950);  // 45 nodes
  EXPECT_EQ(found.front().remedy, "sudo sysctl -w kernel.pid_max=341");
}

TEST(LoadgenDoctor, ProcessesBindWhereEachHeldRequestIsOne) {
  Limits limits = large();
  limits.open_files = 1'000;
  limits.pid_max = 32'768;
  limits.tasks = 200;
  const HeldCeiling ceiling = lowest({.descriptors = 0, .tasks = 1}, limits, 100'000);
  EXPECT_EQ(ceiling.held, 32'768 - 200 - 64);
  EXPECT_EQ(ceiling.remedy, "sudo sysctl -w kernel.pid_max=100264");
}

TEST(LoadgenDoctor, ProcessesOfTheUserThatAreThereCount) {
  Limits limits = large();
  limits.processes_of_user = 10'000;
  limits.most_processes_of_user = 20'000;
  limits.tasks_of_user = 300;
  EXPECT_EQ(lowest({.tasks = 1}, limits, 15'000).held, 10'000 - 300 - 64);
  EXPECT_EQ(lowest({.tasks = 1}, limits, 15'000).remedy, "ulimit -u 15364");
  EXPECT_TRUE(lowest({.tasks = 1}, limits, 20'000).remedy.starts_with("ulimit -u 20364  (as root"));
}

// A server of many processes can hold more than the load generator can connect.
TEST(LoadgenDoctor, OpenFilesOfTheClientProcessesBind) {
  Limits limits = large();
  limits.open_files = 1'024;
  const HeldCeiling ceiling = lowest({.descriptors = 0}, limits, 100'000);
  EXPECT_EQ(ceiling.held, 61'440);
  EXPECT_TRUE(ceiling.remedy.starts_with("ulimit -n 1627  (as root")) << ceiling.remedy;
}

TEST(LoadgenDoctor, FilesOfAllProcessesBind) {
  Limits limits = large();
  limits.open_files_of_all = 100'000;
  limits.files_open = 20'000;
  EXPECT_EQ(lowest({.descriptors = 1}, limits, 50'000).held, 40'000);
  EXPECT_EQ(lowest({.descriptors = 0, .files = 3}, limits, 50'000).held, 20'000);
}

TEST(LoadgenDoctor, BuffersOfAllSocketsBind) {
  Limits limits = large();
  limits.tcp_buffer_bytes = 512 * 10'000;
  EXPECT_EQ(lowest({}, limits, 100'000).held, 10'000);
  EXPECT_EQ(lowest({}, limits, 100'000).remedy, "sudo sysctl -w net.ipv4.tcp_mem='12501 12501 12501'");
}

TEST(LoadgenDoctor, ConnectionsThatAreTrackedAlreadyCount) {
  Limits limits = large();
  limits.tracked_connections = 65'536;
  limits.tracked_now = 5'536;
  EXPECT_EQ(lowest({}, limits, 100'000).held, 60'000);
  EXPECT_EQ(lowest({}, limits, 100'000).remedy, "sudo sysctl -w net.netfilter.nf_conntrack_max=105536");
}

// With two commands, the second would undo the first.
TEST(LoadgenDoctor, OneCommandForEachLimitMakesRoomForAll) {
  Limits limits = large();
  limits.open_files_of_all = 1'000;
  testing::internal::CaptureStdout();
  print_ceilings({entry_of({}), entry_of({.files = 3}), entry_of({.files = 2})}, limits, 2'000);
  const std::string output = testing::internal::GetCapturedStdout();
  const auto command = output.find("sysctl -w fs.file-max=");
  EXPECT_EQ(output.substr(command, 27), "sysctl -w fs.file-max=8000\n") << output;
  EXPECT_EQ(output.find("fs.file-max=", command + 27), std::string::npos) << output;
}

TEST(LoadgenDoctor, TwoMapsForEachStack) {
  Limits limits = large();
  limits.maps = 65'530;
  const HeldCeiling ceiling = lowest({.descriptors = 1, .maps = 2}, limits, 40'000);
  EXPECT_EQ(ceiling.held, 31'741);
  EXPECT_EQ(ceiling.remedy, "sudo sysctl -w vm.max_map_count=82048");
}

TEST(LoadgenDoctor, TheGroupOfProcessesBindsByItsFile) {
  Limits limits = large();
  limits.group_tasks = {1'000, 36, "/sys/fs/cgroup/a/pids.max"};
  const HeldCeiling ceiling = lowest({.tasks = 1}, limits, 2'000);
  EXPECT_EQ(ceiling.held, 900);
  EXPECT_EQ(ceiling.remedy, "echo 2100 | sudo tee /sys/fs/cgroup/a/pids.max");
}

TEST(LoadgenDoctor, MemoryBindsWhereTheCostIsKnown) {
  Limits limits = large();
  limits.memory_bytes = std::int64_t{1} << 30;
  EXPECT_EQ(lowest({.bytes = 1 << 20}, limits, 2'000).held, 1'024);
  EXPECT_EQ(lowest({.bytes = 1 << 20}, limits, 2'000).remedy, "mine: 2,000 MiB of available memory");
}

TEST(LoadgenDoctor, MemoryOfTheGroupBindsByItsFile) {
  Limits limits = large();
  limits.group_memory = {std::int64_t{1} << 30, 24 << 20, "/sys/fs/cgroup/a/memory.max"};
  const HeldCeiling ceiling = lowest({.bytes = 1 << 20}, limits, 2'000);
  EXPECT_EQ(ceiling.held, 1'000);
  EXPECT_EQ(ceiling.remedy, "echo 2122317824 | sudo tee /sys/fs/cgroup/a/memory.max");
}

TEST(LoadgenDoctor, PidMaxIsNotLiftedBeyondTheKernelsEnd) {
  Limits limits = large();
  limits.pid_max = 4'194'304;
  const HeldCeiling ceiling = lowest({.descriptors = 0, .tasks = 1}, limits, 5'000'000);
  EXPECT_EQ(ceiling.remedy, "no command: the kernel numbers no more than 4,194,304 processes and threads");
}

TEST(LoadgenDoctor, TheServersOwnCapBinds) {
  const HeldCeiling ceiling = lowest({.most = 30'000}, large(), 50'000);
  EXPECT_EQ(ceiling.held, 29'978);
  EXPECT_NE(ceiling.remedy.find("an option for 50,022 connections"), std::string::npos) << ceiling.remedy;
}

TEST(LoadgenDoctor, ACapThatABenchRaisesAlreadyIsTheEnd) {
  Entry entry = entry_of({.descriptors = 0, .most = 30'000});
  entry.capacity = {"--workers", "{capacity}"};
  EXPECT_EQ(ceilings(entry, large(), 50'000).front().remedy, "mine: none of its options allows that");
}

TEST(LoadgenDoctor, FewPortsBindAndManyDoNot) {
  Limits limits = large();
  limits.local_ports = 5'000;
  EXPECT_EQ(lowest({.descriptors = 1}, limits, 6'000).held, 5'000);
  EXPECT_EQ(lowest({.descriptors = 1}, large(), 6'000).held, 999'936);
}

TEST(LoadgenDoctor, UnlimitedBindsNowhere) { EXPECT_TRUE(ceilings(entry_of({}), {}, 100).empty()); }

TEST(LoadgenDoctor, SaysWhatABenchWillSkip) {
  Limits limits = large();
  limits.open_files = 1'064;
  EXPECT_EQ(why_not_held(entry_of({}), limits, 1'000), "");
  EXPECT_EQ(why_not_held(entry_of({}), limits, 1'001).find("can hold 1,000 of 1,001 here: open files of one"),
            0u)
      << why_not_held(entry_of({}), limits, 1'001);
}

class LoadgenLimits : public testing::Test {
 protected:
  ~LoadgenLimits() override { std::filesystem::remove_all(root_); }
  void write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }

  const std::filesystem::path root_ =
      std::filesystem::path(testing::TempDir()) / ("limits-" + std::to_string(getpid()));
};

TEST_F(LoadgenLimits, AreReadFromProcAndSys) {
  write("proc/self/limits",
        "Limit                     Soft Limit           Hard Limit           Units     \n"
        "Max processes             900                  30000                processes \n"
        "Max open files            1024                 20000                files     \n");
  write("proc/sys/kernel/pid_max", "32768\n");
  write("proc/loadavg", "0.10 0.20 0.30 2/345 6789\n");
  write("proc/7/status", "Name:\ta b\nUid:\t9\t1\t1\t1\nThreads:\t5\n");
  write("proc/8/status", "Name:\tc\nUid:\t1\t9\t9\t9\nThreads:\t40\n");
  write("proc/9/status", "Name:\td\nUid:\t9\t9\t9\t9\nThreads:\t1\n");
  write("proc/self/status", "Name:\td\nUid:\t9\t9\t9\t9\nThreads:\t1\n");
  write("proc/sys/net/netfilter/nf_conntrack_count", "17\n");
  write("proc/meminfo", "MemTotal: 9 kB\nMemAvailable:    2048 kB\n");
  write("proc/sys/net/ipv4/ip_local_port_range", "32768\t60999\n");
  write("proc/sys/net/ipv4/tcp_mem", "10\t20\t30\n");
  const Limits limits = read_limits(root_, 9);
  EXPECT_EQ(limits.open_files, 20'000);
  EXPECT_EQ(limits.processes_of_user, 900);
  EXPECT_EQ(limits.most_processes_of_user, 30'000);
  EXPECT_EQ(limits.tasks_of_user, 6);
  EXPECT_EQ(limits.tracked_now, 17);
  EXPECT_EQ(limits.pid_max, 32'768);
  EXPECT_EQ(limits.tasks, 345);
  EXPECT_EQ(limits.memory_bytes, 2048 * 1024);
  EXPECT_EQ(limits.local_ports, 28'232);
  EXPECT_EQ(limits.tcp_buffer_bytes, 30 * sysconf(_SC_PAGESIZE));
  EXPECT_EQ(limits.tracked_connections, std::nullopt);
  EXPECT_EQ(limits.group_tasks.most, std::nullopt);
  EXPECT_EQ(read_limits(root_, 0).processes_of_user, std::nullopt);
}

TEST_F(LoadgenLimits, ConntrackThatTracksNothingIsNoLimit) {
  write("proc/sys/net/netfilter/nf_conntrack_max", "262144\n");
  write("proc/sys/net/netfilter/nf_conntrack_count", "0\n");
  EXPECT_EQ(read_limits(root_, 9).tracked_connections, std::nullopt);
  write("proc/sys/net/netfilter/nf_conntrack_count", "1\n");
  EXPECT_EQ(read_limits(root_, 9).tracked_connections, 262'144);
}

TEST_F(LoadgenLimits, TheGroupWithTheLeastRoomBinds) {
  write("proc/self/cgroup", "8:pids:/\n0::/a/b\n");
  write("sys/fs/cgroup/a/b/pids.max", "max\n");
  write("sys/fs/cgroup/a/pids.max", "500\n");
  write("sys/fs/cgroup/a/pids.current", "40\n");
  write("sys/fs/cgroup/pids/pids.max", "9000\n");
  const Limits limits = read_limits(root_, 9);
  EXPECT_EQ(limits.group_tasks.most, 500);
  EXPECT_EQ(limits.group_tasks.used, 40);
  EXPECT_EQ(limits.group_tasks.file, (root_ / "sys/fs/cgroup/a/pids.max").string());
}

TEST_F(LoadgenLimits, AGroupsCacheIsNotUsedMemory) {
  write("proc/self/cgroup", "0::/a\n");
  write("sys/fs/cgroup/a/memory.max", "1000000\n");
  write("sys/fs/cgroup/a/memory.current", "300000\n");
  write("sys/fs/cgroup/a/memory.stat", "anon 150000\ninactive_file 100000\nactive_file 7\n");
  const Limits limits = read_limits(root_, 9);
  EXPECT_EQ(limits.group_memory.most, 1'000'000);
  EXPECT_EQ(limits.group_memory.used, 200'000);
}

}  // namespace
}  // namespace comet::loadgen
