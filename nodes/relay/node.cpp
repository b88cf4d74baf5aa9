// See node.hpp.
#include "nodes/relay/node.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "nodes/common/names.hpp"
#include "nodes/relay/time_limit.hpp"
#include "patterns/common/startup.hpp"

namespace comet::relay {
namespace {

using asio::use_awaitable;
using std::chrono::milliseconds;
namespace http = boost::beast::http;

constexpr milliseconds kReady{10'000};   // for a node to start
constexpr milliseconds kDrained{6'000};  // for a node to drain, which the contract does in 5 s
constexpr milliseconds kLook{20};        // between two looks whether it has ended

std::system_error system_error(const char* what) { return {errno, std::generic_category(), what}; }

// A file in memory, which ends with the processes that have it open. The node inherits it.
int open_token_file(const std::string& token) {
  const int file = memfd_create("token", MFD_CLOEXEC);
  if (file < 0) throw system_error("making a file for the node's token");
  if (write(file, token.data(), token.size()) != static_cast<ssize_t>(token.size())) {
    throw system_error("writing the node's token");
  }
  return file;
}

}  // namespace

Node::Node(asio::io_context& loop, std::vector<std::string> command, milliseconds timeout,
           std::function<void()> on_end)
    : loop_(loop),
      command_(std::move(command)),
      timeout_(timeout),
      on_end_(std::move(on_end)),
      token_(nodes::random_name()),
      token_file_(open_token_file(token_)),
      socket_(loop) {}

Node::~Node() {
  if (process_ > 0) kill(process_, SIGKILL);
  close(token_file_);
}

asio::awaitable<void> Node::start(core::Cursor begin) {
  const int output = spawn(begin);
  asio::co_spawn(loop_, watch(process_), asio::detached);
  co_await read_ready_line(output);
  serves_ = true;
}

// The child's signals are as those of a program that a shell starts, and of the relay's descriptors it gets no other
// than the token's. It ends when the relay does, however that ends.
int Node::spawn(core::Cursor begin) {
  std::vector<std::string> words = command_;
  words.insert(words.end(), {"--joined", core::to_string(begin), "--publish-token-file",
                             "/proc/self/fd/" + std::to_string(token_file_)});
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  int pipe_ends[2];
  if (pipe2(pipe_ends, O_CLOEXEC) != 0) throw system_error("making a pipe");
  const pid_t relay = getpid();
  process_ = fork();
  if (process_ == 0) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    signal(SIGPIPE, SIG_DFL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != relay) _exit(1);  // it has ended already
    close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    fcntl(token_file_, F_SETFD, 0);
    dup2(pipe_ends[1], STDOUT_FILENO);
    execvp(arguments[0], arguments.data());
    std::fprintf(stderr, "comet-relay: starting %s: %s\n", arguments[0], std::strerror(errno));
    _exit(127);
  }
  close(pipe_ends[1]);
  if (process_ > 0) return pipe_ends[0];
  process_ = 0;
  close(pipe_ends[0]);
  throw system_error("starting the node");
}

asio::awaitable<void> Node::read_ready_line(int output) {
  asio::posix::stream_descriptor pipe(loop_, output);
  const TimeLimit limit(pipe, kReady);
  std::string text;
  boost::system::error_code error;
  co_await asio::async_read_until(pipe, asio::dynamic_buffer(text), '\n',
                                  asio::redirect_error(use_awaitable, error));
  int port = 0;
  if (error || std::sscanf(text.c_str(), "READY port=%d", &port) != 1) {
    throw NodeError("the node does not say READY");
  }
  port_ = static_cast<std::uint16_t>(port);
}

// Waits for the process's end by a descriptor of it, then tells, unless start() or stop() waits for it. Asio may say
// that the descriptor is ready when it is not.
asio::awaitable<void> Node::watch(int process) {
  const auto descriptor = static_cast<int>(syscall(SYS_pidfd_open, process, 0));
  if (descriptor < 0) throw system_error("watching the node");
  asio::posix::stream_descriptor end(loop_, descriptor);
  while (waitpid(process, nullptr, WNOHANG) == 0) {
    co_await end.async_wait(asio::posix::stream_descriptor::wait_read, use_awaitable);
  }
  process_ = 0;
  boost::system::error_code ignored;
  socket_.close(ignored);
  if (std::exchange(serves_, false)) on_end_();
}

asio::awaitable<void> Node::wait_for_end(milliseconds most) {
  asio::steady_timer timer(loop_);
  const auto until = std::chrono::steady_clock::now() + most;
  while (process_ > 0 && std::chrono::steady_clock::now() < until) {
    timer.expires_after(kLook);
    co_await timer.async_wait(use_awaitable);
  }
}

asio::awaitable<void> Node::stop() {
  if (process_ == 0) co_return;
  serves_ = false;
  kill(process_, SIGTERM);
  kill(process_, SIGCONT);  // one that was stopped cannot drain
  co_await wait_for_end(kDrained);
  if (process_ == 0) co_return;
  kill(process_, SIGKILL);
  co_await wait_for_end(kDrained);
}

asio::awaitable<void> Node::connect() {
  boost::system::error_code ignored;
  socket_.close(ignored);
  co_await socket_.async_connect({asio::ip::address_v4::loopback(), port_}, use_awaitable);
  socket_.set_option(asio::ip::tcp::no_delay(true));
}

// The node may have closed the connection, because it was idle. So what fails is tried once more on a new one: if the
// node has the message already, it says 409.
asio::awaitable<void> Node::publish(const bus::Entry& entry) {
  if (socket_.is_open()) {
    try {
      co_return co_await send(entry);
    } catch (const boost::system::system_error&) {  // on below
    }
  }
  try {
    co_await connect();
    co_await send(entry);
  } catch (const boost::system::system_error& error) {
    throw NodeError("the node does not take a message: " + error.code().message());
  }
}

asio::awaitable<void> Node::send(const bus::Entry& entry) {
  http::request<http::string_body> request(http::verb::post, "/publish?channel=" + entry.channel, 11,
                                           entry.body);
  request.set(http::field::host, "localhost");
  request.set(http::field::content_type, "text/plain");
  request.set(http::field::authorization, "Bearer " + token_);
  request.set("Comet-Cursor", core::to_string(entry.cursor));
  request.prepare_payload();
  const TimeLimit limit(socket_, timeout_ / 2);  // for each of two tries
  http::response<http::string_body> response;
  boost::beast::flat_buffer buffer;
  co_await http::async_write(socket_, request, use_awaitable);
  co_await http::async_read(socket_, buffer, response, use_awaitable);
  if (!response.keep_alive()) {
    boost::system::error_code ignored;
    socket_.close(ignored);
  }
  if (response.result_int() != 200 && response.result_int() != 409) {
    throw NodeError("the node refuses a message: " + response.body());
  }
}

}  // namespace comet::relay
