// The processes of a server under test, which are the process group that it was started in.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace comet::test {

// Those that are alive.
std::vector<pid_t> processes_of(pid_t group);

// If every thread of the group sleeps: how often each of them has run so far, as text. Empty if one of them
// runs. The same text twice: nobody has run in between, so the group waits for something from outside.
std::string sleeping_threads(pid_t group);

}  // namespace comet::test
