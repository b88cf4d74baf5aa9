// Model: asynchronous event loop. Takes connections as long as the kernel can give them. uv_listen() would
// close those for which there is no descriptor; here they wait in the kernel's queue until there is one.
// Owner of a connection: not this file; the server gets each socket.
// Runs on: the loop's thread.
// Wakes a held request: nothing here.
#pragma once

#include <uv.h>

#include <functional>

#include "core/options.hpp"

namespace comet::async {
using namespace core;

class Listener {
 public:
  // Listens; exits with one line on standard error if it cannot. Each accepted socket, which does not
  // block, is `on_accepted`'s to close.
  Listener(const Options& options, std::function<void(int socket)> on_accepted);
  void open(uv_loop_t& loop);
  void start();
  void close();
  int descriptor() const { return descriptor_; }

 private:
  void accept_all();
  void pause();

  const int descriptor_;
  const std::function<void(int socket)> on_accepted_;
  uv_poll_t poll_;
  uv_timer_t pause_;
};

}  // namespace comet::async
