// Memory that is lent to the kernel for what it receives: it picks a buffer for each request.
#pragma once

#include <liburing.h>

#include <string_view>
#include <vector>

namespace comet::floor {

class LentBuffers {
 public:
  // Lends all buffers, as group 0. Exits with one line if the kernel refuses.
  void lend(io_uring& ring);
  // What a receive has put into its buffer; good until lend_again().
  std::string_view bytes_of(const io_uring_cqe& completion) const;
  void lend_again(const io_uring_cqe& completion);

 private:
  void add(unsigned buffer, unsigned place);

  io_uring_buf_ring* lent_ = nullptr;
  std::vector<char> memory_;
};

}  // namespace comet::floor
