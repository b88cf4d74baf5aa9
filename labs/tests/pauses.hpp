// The other end of kit::pause_point(): stops a thread of the server at one of its points, until the test lets
// it go.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

namespace comet::test {

class Pauses {
 public:
  enum class Whose { kAny, kMainThread, kOtherThreads };
  // The servers that are started from now on ask here.
  Pauses();
  // Whoever still stands at a point goes on.
  ~Pauses();
  Pauses(const Pauses&) = delete;
  Pauses& operator=(const Pauses&) = delete;

  // Whoever comes to a point of that name as the `count`th from now on (1: as the next) stops there. Those who
  // stand somewhere already stay there.
  void stop_at(const std::string& point, int count = 1, Whose whose = Whose::kAny);
  // Whether somebody has come there.
  bool has_stopped();
  // Whether anybody has come to any point since the last call. All who came before it are answered.
  bool has_anybody_come();
  // The process of whoever stands there.
  pid_t who();
  // Waits until somebody stands there; throws ClientError if nobody comes.
  void wait_until_stopped();
  // Lets whoever stands longest go on. If nobody stands anywhere, nobody will stop at the point either.
  void go_on();

 private:
  void answer_all();
  void answer(int thread);
  void tell_where_it_stands();

  int listener_;
  int end_;  // an eventfd
  std::mutex mutex_;
  std::condition_variable has_come_;
  // Guarded by mutex_:
  std::string point_;
  Whose whose_ = Whose::kAny;
  int count_ = 0;             // how many have still to come, the one that stops included; 0: nobody stops
  std::deque<int> stopped_;   // the connections of those who stand somewhere, in the order in which they came
  bool has_stopped_ = false;  // at point_
  bool is_told_ = false;      // in the transcript, that somebody stands there
  bool has_anybody_come_ = false;
  std::thread answering_;
};

}  // namespace comet::test
