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
    // >>> student: as many threads that call work() as --publish-work-threads says, but at least one
    // <<< starter
    // === solution
    for (unsigned i = 0; i < std::max(1U, setup_.options().publish_work_threads); ++i)
      std::thread([this] { work(); }).detach();
    // <<< end
  }

  // Called on the loop's thread, which never waits here for work that is being done.
  void add(Job&& job) {
    // >>> student: put the job into to_do_, and wake a thread
    // <<< starter
    //= (void)job;
    // === solution
    {
      const std::lock_guard lock(mutex_);
      to_do_.push_back(std::move(job));
    }
    job_came_.notify_one();
    // <<< end
  }

  // Readable when there are jobs in done_: what a loop that watches descriptors can be told.
  int descriptor() const { return descriptor_; }

  // Called on the loop's thread, when the descriptor is readable.
  std::vector<Job> take_done() {
    // >>> student: set the descriptor back first, so that a job that is done meanwhile is told of again
    // <<< starter
    //= return {};
    // === solution
    eventfd_t count = 0;
    eventfd_read(descriptor_, &count);  // it fails only if nothing was written: then nothing is done either
    const std::lock_guard lock(mutex_);
    return std::exchange(done_, {});
    // <<< end
  }

 private:
  // The life of each thread.
  [[noreturn]] void work() {
    while (true) {
      // >>> student: sleep until there is a job, take it, unlock, kit::work(), add it to done_, tell the loop
      // <<< starter
      //= kit::work(setup_);
      // === solution
      std::unique_lock lock(mutex_);
      job_came_.wait(lock, [this] { return !to_do_.empty(); });
      Job job = std::move(to_do_.front());
      to_do_.pop_front();
      lock.unlock();
      kit::work(setup_);
      lock.lock();
      done_.push_back(std::move(job));
      lock.unlock();
      kit::check(eventfd_write(descriptor_, 1), "eventfd_write");
      // <<< end
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
    // >>> student: hand the work to the pool, and return
    // <<< starter
    //= respond(connection, kit::not_written(request));
    // === solution
    pool_.add({connection.number, request});
    // <<< end
  }

  // The message is appended here, on the loop's thread, so that the log needs no lock.
  void descriptor_is_readable() override {
    // >>> student: append each job that is done, and answer its publisher if it is still there
    // <<< starter
    // === solution
    for (const Job& job : pool_.take_done()) {
      const kit::Response answer = append(job.request);
      if (lab5::Connection* const publisher = find(job.publisher)) respond(*publisher, answer);
    }
    // <<< end
  }

  Pool pool_;
};

}  // namespace

int main(int argc, char** argv) {
  kit::Setup setup(argc, argv);
  Server(setup).serve();
}
