// Memory put aside for what has begun. If memory runs out, `new` takes from the reserve and succeeds.
// The server then accepts nothing new until the reserve is whole again, so that it lasts for answers
// and the drain.
#pragma once

namespace comet::common {

// From now on `new` frees the reserve, block by block, before it throws. Until then it is address space
// alone: nobody has written to it.
void keep_memory_reserve();

// Frees one block; false if none is left. For allocators other than `new`.
bool use_memory_reserve();

// False while memory is out: new requests have to be refused. Puts aside again what is missing. Any thread.
bool memory_reserve_is_whole();

}  // namespace comet::common
