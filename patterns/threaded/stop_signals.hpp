// Model: one thread per connection. SIGTERM and SIGINT as a descriptor, so that they interrupt no thread's
// calls.
// Owner of a connection: nothing here.
// Runs on: the main thread.
// Wakes a held request: nothing here.
#pragma once

namespace comet {

class StopSignals {
 public:
  // To be made before any thread: threads inherit that the signals are blocked. Exits where the kernel
  // refuses.
  StopSignals();
  ~StopSignals();

  // Readable once a signal has come.
  int descriptor() const { return descriptor_; }

  // Takes the signal that has come, and gives the next one its default action: it ends the process.
  void restore();

 private:
  int descriptor_;
};

}  // namespace comet
