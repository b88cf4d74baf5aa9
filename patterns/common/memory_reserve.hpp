// Memory put aside for what has begun. Where memory is out, `new` finds the reserve and succeeds; the server
// then takes nothing new until the reserve is whole again, so that it lasts for answers and the drain.
#pragma once

namespace comet::common {

// From now on `new` frees the reserve, block by block, before it throws. Nobody has written to it until then:
// it is address space.
void keep_memory_reserve();

// Frees one block; false where none is left. For allocators beside `new`.
bool use_memory_reserve();

// False while memory is out: what is new has to be refused. Puts aside again what is missing. Any thread.
bool memory_reserve_is_whole();

}  // namespace comet::common
