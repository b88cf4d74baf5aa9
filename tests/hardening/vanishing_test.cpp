// Clients that connect, wait and vanish, in any state: memory, descriptors and counters return to
// their start.
#include <chrono>
#include <thread>

#include "tests/conformance/fixture.hpp"
#include "tests/conformance/process_group.hpp"
#include "tests/hardening/processes.hpp"
#include "tests/hardening/scale.hpp"

namespace comet::test {
namespace {

constexpr int kAtOnce = 50;
constexpr int kHolders = 40;  // of them
// What allocators and page-wise growth may keep: 1,008 KiB were seen. A leak of 1 KiB a client would be more
// in CI already.
constexpr std::size_t kKeptKilobytes = 1536;

class Vanishing : public ServerTest {
 protected:
  void SetUp() override {
    ServerTest::SetUp();
    watch_dog(scale().watch_dog);
  }

  // `kAtOnce` clients: a few silent or in the middle of a head, the others held, half of these with bytes
  // behind it. Then all of them reset.
  void vanish_once() {
    std::vector<Connection> clients;
    for (int i = 0; i < kAtOnce; ++i) {
      clients.push_back(connect());
      const std::string poll = get_request("/subscribe?channel=vanishing-" + std::to_string(i));
      if (i % 10 == 1) clients.back().send(std::string_view(poll).substr(0, poll.size() / 2));
      if (i % 10 >= 2) clients.back().send(poll + (i % 2 == 1 ? poll : ""));
    }
    wait_for("held", kHolders);
    for (Connection& client : clients) client.reset();
    wait_for("held", 0);
    wait_for("connections", 1);  // the one that asks
  }

  Usage usage() { return usage_of(processes_of(server().pid())); }
};

TEST_F(Vanishing, ClientsLeaveNothingBehind) {
  start({}, kAtOnce + 16);
  for (int warm_up = 0; warm_up < 10; ++warm_up) vanish_once();
  const Usage before = usage();
  for (int vanished = 0; vanished < scale().vanishing_holders; vanished += kHolders) vanish_once();
  wait_for("channels", 0);
  const auto deadline = std::chrono::steady_clock::now() + patience();
  Usage after = usage();
  while ((after.descriptors > before.descriptors ||
          after.private_kilobytes > before.private_kilobytes + kKeptKilobytes) &&
         std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    after = usage();
  }
  EXPECT_LE(after.descriptors, before.descriptors);
  EXPECT_LE(after.private_kilobytes, before.private_kilobytes + kKeptKilobytes);
  print_figure(std::to_string(scale().vanishing_holders) + " holders vanished, memory " +
               std::to_string(before.private_kilobytes) + " KiB before and " +
               std::to_string(after.private_kilobytes) + " KiB after, descriptors " +
               std::to_string(before.descriptors) + " and " + std::to_string(after.descriptors));
}

}  // namespace
}  // namespace comet::test
