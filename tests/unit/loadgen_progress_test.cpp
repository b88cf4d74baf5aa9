// The changing line on a terminal.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "loadgen/driver/progress.hpp"

namespace comet::loadgen {
namespace {

// What `work` prints if standard error is a terminal.
template <class Work>
std::string on_a_terminal(Work work) {
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  EXPECT_TRUE(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0);
  const int screen = open(ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
  const int before = dup(STDERR_FILENO);
  EXPECT_GE(dup2(screen, STDERR_FILENO), 0);
  work();
  std::fflush(stderr);
  EXPECT_GE(dup2(before, STDERR_FILENO), 0);
  std::array<char, 4096> buffer;
  const ssize_t size = read(terminal, buffer.data(), buffer.size());
  for (const int descriptor : {terminal, screen, before}) close(descriptor);
  return {buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(0, size))};
}

TEST(LoadgenProgress, ALineThatIsTooLongIsCutByTheTerminal) {
  const std::string title(300, 't');
  const std::string printed = on_a_terminal([&title] {
    Progress progress;
    progress.start(title, 1.0);
    progress.phase("rounds");
  });
  const std::size_t off = printed.find("\033[?7l" + title);
  ASSERT_NE(off, std::string::npos);
  EXPECT_NE(printed.find("\033[?7h", off), std::string::npos);
}

}  // namespace
}  // namespace comet::loadgen
