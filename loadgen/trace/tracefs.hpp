// The kernel's own recorder, tracefs: an instance with buffers of its own, which disturbs no other tracing.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace comet::loadgen {

// Exists in the kernel as long as this object does. All functions throw std::runtime_error.
class TraceInstance {
 public:
  // Makes the instance, which records nothing yet. Also removes instances that were left when this program
  // was killed. The error says what to do: root is needed, or tracefs has to be mounted.
  TraceInstance();
  ~TraceInstance();
  TraceInstance(const TraceInstance&) = delete;
  TraceInstance& operator=(const TraceInstance&) = delete;

  // Records these threads, what they start, and when each core becomes idle or busy.
  void start(const std::vector<pid_t>& threads);
  void stop();

  // What was recorded, as the kernel prints it.
  std::string text() const;

 private:
  void set_up();
  void remove();
  void write(const char* file, const std::string& text) const;

  std::filesystem::path folder_;
};

}  // namespace comet::loadgen
