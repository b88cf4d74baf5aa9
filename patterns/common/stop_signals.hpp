// SIGTERM and SIGINT as a descriptor: they interrupt no thread's calls, and also a thread that its work keeps from
// its loop can see that one has come.
#pragma once

namespace comet::common {

class StopSignals {
 public:
  // To be made before any thread: threads inherit that the signals are blocked. Exits where the kernel refuses.
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  // Readable once a signal has come.
  int descriptor() const { return descriptor_; }
  // The same, from any thread: true from the signal to restore().
  bool come() const;

  // Takes the signal that has come, and gives the next one its default action: it ends the process.
  void restore();

 private:
  int descriptor_;
};

}  // namespace comet::common
