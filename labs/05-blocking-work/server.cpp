// Lab 5, blocking work: a pool of threads beside a loop.
// A publish has to do work that blocks, such as a call of a database. On the loop's thread all others would
// wait for it. So a thread of the pool does it, and tells the loop when it is done.
#include <sys/eventfd.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "labs/05-blocking-work/loop.hpp"

namespace {

// A publish whose work is to be done, or is done.
struct Job {
  std::uint64_t publisher;  // the number of its connection, which may be gone when the work is done
  kit::Request request;
};

// A fixed number of threads that sleep until there is a job. Its jobs wait in two lists, on the way to the
// threads and on the way back. One lock guards both.
class Pool {
 public:
  explicit Pool(const kit::Setup& setup) : setup_(setup) {}

  // Before the first job. The threads run until the process ends.
  void start() {
    // TO WRITE: as many threads that call work() as --publish-work-threads says, but at least one
  }

  // Called on the loop's thread, which never waits here for work that is being done.
  void add(Job&& job) {
    // TO WRITE: put the job into to_do_, and wake a thread
    (void)job;
  }

  // Readable when there are jobs in done_: what a loop that watches descriptors can be told.
  int descriptor() const { return descriptor_; }

  // Called on the loop's thread, when the descriptor is readable.
  std::vector<Job> take_done() {
    // TO WRITE: set the descriptor back first, so that a job that is done meanwhile is told of again
    return {};
  }

 private:
  // The life of each thread.
  [[noreturn]] void work() {
    while (true) {
      // TO WRITE: sleep until there is a job, take it, unlock, kit::work(), add it to done_, tell the loop
      kit::work(setup_);
    }
  }

  const kit::Setup& setup_;
  const int descriptor_ = kit::check(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd");
  kit::Mutex mutex_;  // guards the two lists
  kit::ConditionVariable job_came_;
  std::deque<Job> to_do_;
  std::vector<Job> done_;
};

class Server : public lab5::Loop {
 public:
  explicit Server(kit::Setup& setup) : Loop(setup), pool_(setup) {}

  [[noreturn]] void serve() {
    pool_.start();
    run(pool_.descriptor());
  }

 private:
  void publish(lab5::Connection& connection, const kit::Request& request) override {
    // TO WRITE: hand the work to the pool, and return
    respond(connection, kit::not_written(request));
  }

  // The message is appended here, on the loop's thread, so that the log needs no lock.
  void descriptor_is_readable() override {
    // TO WRITE: append each job that is done, and answer its publisher if it is still there
  }

  Pool pool_;
};

}  // namespace

int main(int argc, char** argv) {
  kit::Setup setup(argc, argv);
  Server(setup).serve();
}
