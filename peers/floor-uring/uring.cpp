// The io_uring floor: what ../floor does by epoll, without a system call for each connection. The
// kernel receives into buffers that are lent to it (multishot receive), and sends are submitted 256 at
// a time. With --threads N there are N such threads, each with a listener, a ring and an array of held
// requests of its own.
// Owner of a connection: the thread that accepted it. Wake-up: the ring. README.md says what it does not do.
#include <liburing.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <deque>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "peers/floor-uring/lent_buffers.hpp"
#include "peers/floor-uring/operation.hpp"
#include "peers/floor/floor.hpp"

namespace comet::floor {
namespace {

constexpr unsigned kEntries = 4096;     // of the submission queue
constexpr unsigned kSendsAtOnce = 256;  // submitted together

std::atomic<std::int64_t> connections{0}, published{0}, delivered{0};

// Bytes on their way to one or many clients; the place is free again when no send is left.
struct Outgoing {
  std::string bytes;
  std::size_t sends = 0;
};

class Loop {
 public:
  using Loops = std::vector<std::unique_ptr<Loop>>;

  Loop(int listener, int stop) : listener_(listener), stop_(stop) {
    if (mail_ < 0) fail("eventfd", errno);
  }
  void run(Loops& loops);

 private:
  void open_ring();
  io_uring_sqe* submission(Operation operation);
  void accept_more();
  void receive_more(int connection);
  void complete(const io_uring_cqe& completion, Loops& loops);
  void complete_accept(const io_uring_cqe& completion);
  void complete_receive(const io_uring_cqe& completion, int connection, Loops& loops);
  void complete_send(const io_uring_cqe& completion, Operation operation);
  void handle(int connection, std::string_view input, Loops& loops);
  void publish(int publisher, std::string_view message, Loops& loops);
  void deliver(const std::string& message);
  void take_mail();
  unsigned put_out(std::string bytes);
  void send(int connection, unsigned outgoing);
  void hold(int connection);
  void release(int connection);
  int& place_of(int connection) { return place_[static_cast<std::size_t>(connection)]; }

  const int listener_, stop_;
  const int mail_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  io_uring ring_{};
  LentBuffers buffers_;
  bool accepting_ = false;
  std::vector<int> held_;          // the descriptors of held requests
  std::vector<int> place_;         // by descriptor: its index in held_ plus one, or 0
  std::deque<Outgoing> outgoing_;  // stays where it is as it grows
  std::vector<unsigned> free_outgoing_;
  std::atomic<std::size_t> held_count_{0};                    // held_.size(), for the other threads
  std::mutex mutex_;                                          // guards messages_
  std::vector<std::shared_ptr<const std::string>> messages_;  // from other threads
};

// By the thread that uses it: a ring with deferred task work has one user.
void Loop::open_ring() {
  const int error =
      io_uring_queue_init(kEntries, &ring_, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
  if (error != 0) fail("io_uring is refused here (Linux 6.1 or newer, kernel.io_uring_disabled=0)", -error);
  buffers_.lend(ring_);
}

void Loop::run(Loops& loops) {
  open_ring();
  io_uring_prep_poll_multishot(submission({Kind::mail}), mail_, POLLIN);
  io_uring_prep_poll_add(submission({Kind::stop}), stop_, POLLIN);
  accept_more();
  while (true) {
    const int error = io_uring_submit_and_wait(&ring_, 1);
    if (error < 0 && error != -EINTR) fail("io_uring_submit_and_wait", -error);
    unsigned head = 0;
    unsigned count = 0;
    io_uring_cqe* completion = nullptr;
    io_uring_for_each_cqe(&ring_, head, completion) {
      complete(*completion, loops);
      ++count;
    }
    io_uring_cq_advance(&ring_, count);
  }
}

// liburing's io_uring_prep_*() leave the user data as it is.
io_uring_sqe* Loop::submission(Operation operation) {
  io_uring_sqe* entry = io_uring_get_sqe(&ring_);
  if (entry == nullptr) {  // the queue is full
    if (const int error = io_uring_submit(&ring_); error < 0) fail("io_uring_submit", -error);
    entry = io_uring_get_sqe(&ring_);
  }
  entry->user_data = operation.pack();
  return entry;
}

// Ends when descriptors run out, and goes on when one is given back.
void Loop::accept_more() {
  if (std::exchange(accepting_, true)) return;
  io_uring_sqe* entry = submission({Kind::accept});
  io_uring_prep_multishot_accept(entry, listener_, nullptr, nullptr, SOCK_CLOEXEC);
}

void Loop::receive_more(int connection) {
  io_uring_sqe* entry = submission({Kind::receive, connection});
  io_uring_prep_recv_multishot(entry, connection, nullptr, 0, 0);
  entry->flags |= IOSQE_BUFFER_SELECT;
  entry->buf_group = 0;
}

void Loop::complete(const io_uring_cqe& completion, Loops& loops) {
  const Operation operation = Operation::unpack(completion.user_data);
  switch (operation.kind) {
    case Kind::accept:
      return complete_accept(completion);
    case Kind::receive:
      return complete_receive(completion, operation.connection, loops);
    case Kind::send:
      return complete_send(completion, operation);
    case Kind::close:
      --connections;
      return accept_more();
    case Kind::mail:
      return take_mail();
    case Kind::stop:
      std::_Exit(0);  // nobody is owed anything
  }
}

void Loop::complete_accept(const io_uring_cqe& completion) {
  if ((completion.flags & IORING_CQE_F_MORE) == 0) accepting_ = false;
  if (completion.res < 0) {
    if (completion.res != -EMFILE && completion.res != -ENFILE) accept_more();
    return;
  }
  const auto needed = static_cast<std::size_t>(completion.res) + 1;
  if (place_.size() < needed) place_.resize(2 * needed);
  ++connections;
  receive_more(completion.res);
}

// A receive that has ended for good closes the connection; by a submission, so that it comes after the
// sends before it.
void Loop::complete_receive(const io_uring_cqe& completion, int connection, Loops& loops) {
  if (completion.res > 0) {
    handle(connection, buffers_.bytes_of(completion), loops);
    buffers_.lend_again(completion);
  }
  if ((completion.flags & IORING_CQE_F_MORE) != 0) return;
  if (completion.res > 0 || completion.res == -ENOBUFS) return receive_more(connection);
  if (place_of(connection) != 0) release(connection);
  io_uring_sqe* entry = submission({Kind::close, connection});
  io_uring_prep_close(entry, connection);
}

// An answer goes out in one send or the client does not read: then it is cut, as the floor keeps no bytes.
void Loop::complete_send(const io_uring_cqe& completion, Operation operation) {
  Outgoing& outgoing = outgoing_[operation.outgoing];
  if (completion.res != static_cast<int>(outgoing.bytes.size())) shutdown(operation.connection, SHUT_RDWR);
  if (--outgoing.sends == 0) free_outgoing_.push_back(operation.outgoing);
}

void Loop::handle(int connection, std::string_view input, Loops& loops) {
  const bool is_held = place_of(connection) != 0;
  const Request request = is_held ? Request{} : read_request(input);
  switch (request.kind) {
    case Request::Kind::subscribe:
      return hold(connection);
    case Request::Kind::publish:
      return publish(connection, request.message, loops);
    case Request::Kind::stats: {
      std::size_t held = 0;
      for (const auto& loop : loops) held += loop->held_count_;
      return send(
          connection,
          put_out(encode_stats({connections, static_cast<std::int64_t>(held), published, delivered})));
    }
    case Request::Kind::unknown:
      if (is_held) {
        release(connection);
      } else {
        send(connection, put_out(encode_unknown()));
        io_uring_submit(&ring_);
      }
      shutdown(connection, SHUT_RDWR);
  }
}

// Other threads get the message before this one sends its own part, so that all send at once.
void Loop::publish(int publisher, std::string_view message, Loops& loops) {
  std::size_t receivers = 0;
  for (const auto& loop : loops) receivers += loop->held_count_;
  Published encoded = encode_publish(message, receivers);
  ++published;
  if (loops.size() > 1) {
    const auto shared = std::make_shared<const std::string>(encoded.message);
    for (const auto& loop : loops) {
      if (loop.get() == this) continue;
      {
        const std::lock_guard lock(loop->mutex_);
        loop->messages_.push_back(shared);
      }
      if (eventfd_write(loop->mail_, 1) != 0) fail("eventfd_write", errno);
    }
  }
  deliver(encoded.message);
  send(publisher, put_out(std::move(encoded.answer)));
}

void Loop::take_mail() {
  eventfd_t ignored = 0;
  eventfd_read(mail_, &ignored);  // it fails only if nothing is there any more
  std::vector<std::shared_ptr<const std::string>> messages;
  {
    const std::lock_guard lock(mutex_);
    messages.swap(messages_);
  }
  for (const auto& message : messages) deliver(*message);
}

void Loop::deliver(const std::string& message) {
  if (held_.empty()) return;
  const unsigned outgoing = put_out(message);
  for (std::size_t sent = 1; !held_.empty(); ++sent) {
    const int subscriber = held_.back();
    release(subscriber);
    send(subscriber, outgoing);
    ++delivered;
    if (sent % kSendsAtOnce == 0) {
      if (const int error = io_uring_submit(&ring_); error < 0) fail("io_uring_submit", -error);
    }
  }
}

unsigned Loop::put_out(std::string bytes) {
  if (free_outgoing_.empty()) {
    free_outgoing_.push_back(static_cast<unsigned>(outgoing_.size()));
    outgoing_.emplace_back();
  }
  const unsigned place = free_outgoing_.back();
  free_outgoing_.pop_back();
  outgoing_[place].bytes = std::move(bytes);
  return place;
}

void Loop::send(int connection, unsigned outgoing) {
  const std::string& bytes = outgoing_[outgoing].bytes;
  ++outgoing_[outgoing].sends;
  io_uring_sqe* entry = submission({Kind::send, connection, outgoing});
  io_uring_prep_send(entry, connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

void Loop::hold(int connection) {
  held_.push_back(connection);
  place_of(connection) = static_cast<int>(held_.size());
  held_count_.store(held_.size(), std::memory_order_relaxed);
}

void Loop::release(int connection) {
  const auto index = static_cast<std::size_t>(std::exchange(place_of(connection), 0) - 1);
  if (index + 1 < held_.size()) {
    held_[index] = held_.back();
    place_of(held_[index]) = static_cast<int>(index + 1);
  }
  held_.pop_back();
  held_count_.store(held_.size(), std::memory_order_relaxed);
}

}  // namespace
}  // namespace comet::floor

int main(int argc, char** argv) {
  comet::floor::run_loops<comet::floor::Loop>(
      comet::floor::read_options(argc, argv, "comet-floor-uring",
                                 "The floor of io_uring: long-poll delivery without a system call each."));
}
