#include "tests/loadgen/loadgen_process.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <fstream>
#include <stdexcept>
#include <system_error>

namespace comet::test {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

void check(bool good, const char* what) {
  if (!good) throw std::system_error(errno, std::generic_category(), what);
}

std::string text_of(int file) {
  std::string text(static_cast<std::size_t>(lseek(file, 0, SEEK_END)), '\0');
  const ssize_t size = pread(file, text.data(), text.size(), 0);
  text.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  return text;
}

}  // namespace

LoadgenProcess::LoadgenProcess(std::vector<std::string> arguments, const std::string& program)
    : output_(memfd_create("output", MFD_CLOEXEC)), errors_(memfd_create("errors", MFD_CLOEXEC)) {
  check(output_ >= 0 && errors_ >= 0, "memfd_create");
  check(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0, "prctl");
  std::string name = program;
  std::vector<char*> words{name.data()};
  for (std::string& argument : arguments) words.push_back(argument.data());
  words.push_back(nullptr);
  posix_spawn_file_actions_t streams;
  posix_spawn_file_actions_init(&streams);
  posix_spawn_file_actions_addopen(&streams, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&streams, output_, 1);
  posix_spawn_file_actions_adddup2(&streams, errors_, 2);
  errno = posix_spawnp(&pid_, name.c_str(), &streams, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&streams);
  check(errno == 0, program.c_str());
}

LoadgenProcess::~LoadgenProcess() {
  if (pid_ > 0) {
    kill(pid_, SIGTERM);
    wait();
  }
  ::close(output_);
  ::close(errors_);
}

Outcome LoadgenProcess::wait() {
  Outcome outcome;
  int status = 0;
  check(waitpid(pid_, &status, 0) == pid_, "waitpid");
  pid_ = -1;
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  outcome.output = text_of(output_);
  outcome.errors = text_of(errors_);
  siginfo_t left{};
  outcome.left_a_child =
      waitid(P_ALL, 0, &left, WEXITED | WSTOPPED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD;
  return outcome;
}

json::object figures_of(const Outcome& outcome) {
  boost::system::error_code error;
  const json::value document = json::parse(outcome.output, error);
  if (error || !document.is_object()) throw std::runtime_error("no JSON: " + outcome.output + outcome.errors);
  return document.get_object().at("repeats").as_array().back().as_object();
}

FakeProject::FakeProject(const std::string& manifest) {
  std::string folder = (fs::temp_directory_path() / "comet-loadgen-test-XXXXXX").string();
  check(mkdtemp(folder.data()) != nullptr, "mkdtemp");
  root_ = folder;
  fs::create_directories(root_ / "patterns/mine");
  std::ofstream(root_ / "patterns/mine/pattern.json") << manifest;
}

FakeProject::~FakeProject() {
  std::error_code ignored;
  fs::remove_all(root_, ignored);
}

}  // namespace comet::test
