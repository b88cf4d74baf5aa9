// Buffers for multishot receive: io_uring_setup_buf_ring(3).
#include "peers/floor-uring/lent_buffers.hpp"

#include <sys/mman.h>

#include <cerrno>
#include <cstdint>

#include "peers/floor/floor.hpp"

namespace comet::floor {
namespace {

constexpr unsigned kBuffers = 1024;     // a power of two
constexpr unsigned kBufferSize = 2048;  // bytes; a request is at most that long

}  // namespace

void LentBuffers::lend(io_uring& ring) {
  const std::size_t size = kBuffers * sizeof(io_uring_buf);
  void* const shared = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
  if (shared == MAP_FAILED) fail("mmap", errno);
  lent_ = static_cast<io_uring_buf_ring*>(shared);
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uintptr_t>(shared);
  registration.ring_entries = kBuffers;
  if (const int refused = io_uring_register_buf_ring(&ring, &registration, 0))
    fail("lending buffers", -refused);
  io_uring_buf_ring_init(lent_);
  memory_.resize(std::size_t{kBuffers} * kBufferSize);
  for (unsigned buffer = 0; buffer < kBuffers; ++buffer) add(buffer, buffer);
  io_uring_buf_ring_advance(lent_, kBuffers);
}

std::string_view LentBuffers::bytes_of(const io_uring_cqe& completion) const {
  const unsigned buffer = completion.flags >> IORING_CQE_BUFFER_SHIFT;
  return {&memory_[std::size_t{buffer} * kBufferSize], static_cast<std::size_t>(completion.res)};
}

void LentBuffers::lend_again(const io_uring_cqe& completion) {
  add(completion.flags >> IORING_CQE_BUFFER_SHIFT, 0);
  io_uring_buf_ring_advance(lent_, 1);
}

void LentBuffers::add(unsigned buffer, unsigned place) {
  io_uring_buf_ring_add(lent_, &memory_[std::size_t{buffer} * kBufferSize], kBufferSize,
                        static_cast<unsigned short>(buffer), io_uring_buf_ring_mask(kBuffers),
                        static_cast<int>(place));
}

}  // namespace comet::floor
