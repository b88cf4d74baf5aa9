// A connection wakes one idle worker of comet-prefork. Killed before it accepts, it leaves the connection to
// the next worker that is started.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <functional>
#include <future>
#include <optional>
#include <vector>

#include "tests/faults/prefork_test.hpp"

namespace comet::test {
namespace {

class PreforkWoken : public PreforkTest {
 protected:
  std::string get(std::string_view target) {
    Connection connection(server_->port());
    connection.send(request("GET", target, "Connection: close\r\n"));
    return connection.read_response().body;
  }

  // More idle workers than the pool replaces when one is lost, and all of them past their last client.
  void grow() {
    {
      std::vector<Connection> connections;
      for (int i = 0; i < 4; ++i) {
        connections.emplace_back(server_->port());
        connections.back().send(get_request("/healthz"));
        EXPECT_EQ(connections.back().read_response().status, 200);
      }
      ASSERT_NO_FATAL_FAILURE(wait_until([this] { return workers().size() >= 8; }));
    }
    wait_until([this] { return get("/stats").find("\"connections\":1,") != std::string::npos; });
  }
};

// Lets the worker, which this thread traces, run until it begins to wait in its epoll.
void run_into_wait(pid_t worker) {
  ASSERT_EQ(ptrace(PTRACE_SEIZE, worker, nullptr, PTRACE_O_TRACESYSGOOD), 0);
  ASSERT_EQ(ptrace(PTRACE_INTERRUPT, worker, nullptr, nullptr), 0);
  __ptrace_syscall_info call{};
  do {
    ASSERT_EQ(waitpid(worker, nullptr, __WALL), worker);
    ASSERT_GT(ptrace(PTRACE_GET_SYSCALL_INFO, worker, sizeof call, &call), 0);
    ASSERT_EQ(ptrace(PTRACE_SYSCALL, worker, nullptr, nullptr), 0);
  } while (call.op != PTRACE_SYSCALL_INFO_ENTRY ||
           (call.entry.nr != SYS_epoll_wait && call.entry.nr != SYS_epoll_pwait));
}

// Kills the worker that a call of `connect` wakes, before it knows why. The others go on undisturbed when
// this thread, their tracer, has ended.
template <class Connect>
void kill_the_woken(const std::vector<pid_t>& workers, Connect connect) {
  for (const pid_t worker : workers) {
    run_into_wait(worker);
    if (testing::Test::HasFatalFailure()) return;
  }
  connect();
  const pid_t woken = waitpid(-1, nullptr, __WALL);
  ASSERT_EQ(kill(woken, SIGKILL), 0);
  ASSERT_EQ(waitpid(woken, nullptr, __WALL), woken);
}

TEST_F(PreforkWoken, KilledBeforeItAcceptsItsClientIsServedByANewWorker) {
  start({"--workers", "1:30"});
  ASSERT_NO_FATAL_FAILURE(grow());
  const std::vector<pid_t> before = workers();
  std::optional<Connection> client;
  std::async(std::launch::async, kill_the_woken<std::function<void()>>, before, [&] {
    client.emplace(server_->port());
    client->send(get_request("/healthz"));
  }).get();
  ASSERT_TRUE(client.has_value());
  EXPECT_EQ(client->read_response().status, 200);
  // Where another worker has looked by chance, the client has its answer before the master has seen the end.
  wait_until([this] { return server_->errors().find("signal 9") != std::string::npos; });
}

}  // namespace
}  // namespace comet::test
