// The base of the tests in which something runs out under a running server: limits that are set and lifted
// while it runs, and what must go on meanwhile and afterwards.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "tests/conformance/fixture.hpp"
#include "tests/conformance/process_group.hpp"
#include "tests/hardening/processes.hpp"

namespace comet::test {

class ExhaustionTest : public ServerTest {
 protected:
  // Sets the limit of each process of the server to `soft(process)`, and again if a process was forked before
  // its parent had the limit.
  template <class Soft>
  void limit_all(__rlimit_resource resource, Soft soft) {
    for (std::vector<pid_t> limited, found = processes_of(server().pid()); found != limited;
         limited = std::exchange(found, processes_of(server().pid()))) {
      for (const pid_t process : found) limit(process, resource, soft(process));
    }
  }
  void lift(__rlimit_resource resource) {
    limit_all(resource, [](pid_t) { return RLIM_INFINITY; });
  }

  // Here too: a publisher that is told to come again does.
  void expect_publish_reaches(std::vector<Connection>& subscribers, const std::string& message) {
    Response answer = publish(message);
    const auto give_up = std::chrono::steady_clock::now() + patience();
    while (answer.status == 503 && std::chrono::steady_clock::now() < give_up) answer = publish(message);
    EXPECT_EQ(answer.header("Comet-Receivers"), std::to_string(subscribers.size()));
    for (Connection& subscriber : subscribers) expect_message(subscriber.read_response(), message);
  }
};

}  // namespace comet::test
