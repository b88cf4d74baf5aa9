// Names of system calls: see system_call_names.hpp.
#include "loadgen/trace/system_call_names.hpp"

#include <sys/syscall.h>

#include <algorithm>
#include <array>

namespace comet::loadgen {
namespace {

struct Name {
  long number;
  const char* name;
};

constexpr std::array kNames{
    Name{SYS_read, "read"},
    Name{SYS_readv, "readv"},
    Name{SYS_recvfrom, "recvfrom"},
    Name{SYS_recvmsg, "recvmsg"},
    Name{SYS_write, "write"},
    Name{SYS_writev, "writev"},
    Name{SYS_sendto, "sendto"},
    Name{SYS_sendmsg, "sendmsg"},
    Name{SYS_sendmmsg, "sendmmsg"},
    Name{SYS_sendfile, "sendfile"},
    Name{SYS_epoll_pwait, "epoll_pwait"},
    Name{SYS_epoll_pwait2, "epoll_pwait2"},
    Name{SYS_epoll_ctl, "epoll_ctl"},
    Name{SYS_ppoll, "ppoll"},
    Name{SYS_pselect6, "pselect6"},
    Name{SYS_futex, "futex"},
    Name{SYS_accept4, "accept4"},
    Name{SYS_accept, "accept"},
    Name{SYS_close, "close"},
    Name{SYS_shutdown, "shutdown"},
    Name{SYS_setsockopt, "setsockopt"},
    Name{SYS_fcntl, "fcntl"},
    Name{SYS_nanosleep, "nanosleep"},
    Name{SYS_clock_nanosleep, "clock_nanosleep"},
    Name{SYS_rt_sigtimedwait, "rt_sigtimedwait"},
    Name{SYS_rt_sigsuspend, "rt_sigsuspend"},
    Name{SYS_rt_sigprocmask, "rt_sigprocmask"},
    Name{SYS_timerfd_settime, "timerfd_settime"},
    Name{SYS_sched_yield, "sched_yield"},
    Name{SYS_wait4, "wait4"},
    Name{SYS_waitid, "waitid"},
    Name{SYS_kill, "kill"},
    Name{SYS_tgkill, "tgkill"},
    Name{SYS_io_uring_enter, "io_uring_enter"},
    Name{SYS_mmap, "mmap"},
    Name{SYS_munmap, "munmap"},
    Name{SYS_madvise, "madvise"},
    Name{SYS_mprotect, "mprotect"},
    Name{SYS_brk, "brk"},
    Name{SYS_clone3, "clone3"},
    Name{SYS_exit, "exit"},
#ifdef SYS_epoll_wait  // newer architectures have only the calls that replaced these
    Name{SYS_epoll_wait, "epoll_wait"},
    Name{SYS_poll, "poll"},
    Name{SYS_select, "select"},
    Name{SYS_pause, "pause"},
#endif
};

template <std::size_t size>
bool contains(const std::array<const char*, size>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

std::string system_call_name(long number) {
  const auto found = std::find_if(kNames.begin(), kNames.end(),
                                  [number](const Name& name) { return name.number == number; });
  return found == kNames.end() ? "call " + std::to_string(number) : found->name;
}

bool sends(const std::string& call) {
  return contains(std::array{"write", "writev", "sendto", "sendmsg", "sendmmsg", "sendfile"}, call);
}

bool receives(const std::string& call) {
  return contains(std::array{"read", "readv", "recvfrom", "recvmsg"}, call);
}

}  // namespace comet::loadgen
