// For a server of several processes: memory that they share, and a way to sleep until another process has
// changed it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace kit {

// Ends the process with one line that says what failed and why; `error_number` is an errno.
[[noreturn]] void fail(const char* what, int error_number);

// Memory that this process shares with all that it forks from now on: zeros, for the life of the server.
void* map_shared_bytes(std::size_t size);

// The same, for objects that are good as zeros. Nothing in them may be an address: use no std::string.
template <class Type>
Type* map_shared(std::size_t count = 1) {
  static_assert(std::is_trivially_destructible_v<Type>);
  return static_cast<Type*>(map_shared_bytes(count * sizeof(Type)));
}

// Copies bytes there. A test may stop the process, or end it, when half of them are copied.
void copy_to_shared(char* to, std::string_view from);

// futex(2), the kernel's way to sleep on a number. The kernel looks at the number once more before the
// process sleeps: if it is not `seen` any more, the call returns at once. Else it returns after wake_all(),
// or when the time is `until`, and now and then for no reason.
void sleep_while(const std::atomic<std::uint32_t>& number, std::uint32_t seen,
                 std::chrono::steady_clock::time_point until);

// Raises the number, and wakes all processes that sleep on it.
void wake_all(std::atomic<std::uint32_t>& number);

}  // namespace kit
