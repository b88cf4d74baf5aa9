// The changing line on a terminal.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include "loadgen/driver/progress.hpp"

namespace comet::loadgen {
namespace {

// What `work` prints if standard error is a terminal; nullopt if no terminal can be made.
template <class Work>
std::optional<std::string> on_a_terminal(Work work) {
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (terminal < 0 || grantpt(terminal) != 0 || unlockpt(terminal) != 0) return std::nullopt;
  const int screen = open(ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (screen < 0) return std::nullopt;
  const int before = dup(STDERR_FILENO);
  EXPECT_GE(dup2(screen, STDERR_FILENO), 0);
  work();
  std::fflush(stderr);
  EXPECT_GE(dup2(before, STDERR_FILENO), 0);
  std::array<char, 4096> buffer;
  const ssize_t size = read(terminal, buffer.data(), buffer.size());
  for (const int descriptor : {terminal, screen, before}) close(descriptor);
  return std::string(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(0, size)));
}

TEST(LoadgenProgress, ALineThatIsTooLongIsCutByTheTerminal) {
  const std::string title(300, 't');
  const auto printed = on_a_terminal([&title] {
    Progress progress;
    progress.start(title, 1.0);
    progress.phase("rounds");
  });
  if (!printed) GTEST_SKIP() << "no terminal can be made here: is /dev/pts mounted?";
  const std::size_t off = printed->find("\033[?7l" + title);
  ASSERT_NE(off, std::string::npos);
  EXPECT_NE(printed->find("\033[?7h", off), std::string::npos);
}

}  // namespace
}  // namespace comet::loadgen
