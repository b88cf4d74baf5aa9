// Inodes of /proc from /proc/slabinfo: see proc_names.hpp.
#include "loadgen/machine/proc_names.hpp"

#include <unistd.h>

#include <optional>
#include <string_view>

#include "loadgen/machine/proc_file.hpp"

namespace comet::loadgen {
namespace {

// Objects of one kind, in slabs of pages.
struct Cache {
  std::int64_t objects = 0;
  std::int64_t object_bytes = 0;
  std::int64_t slab_bytes = 0;  // of all slabs together
};

// "NAME objects all object_bytes objects_per_slab pages_per_slab : ... : slabdata active_slabs
// all_slabs shared"
std::optional<Cache> cache_named(const std::string& slabinfo, std::string_view name,
                                 std::int64_t page_bytes) {
  for (const std::string_view line : lines_of(slabinfo)) {
    const auto words = words_of(line);
    if (words.size() < 16 || words[0] != name) continue;
    const auto number = [&words](std::size_t index) { return number_in(words[index]).value_or(0); };
    return Cache{number(1), number(3), number(14) * number(5) * page_bytes};
  }
  return std::nullopt;
}

}  // namespace

std::int64_t proc_name_bytes(const std::string& slabinfo, std::int64_t page_bytes) {
  const auto inodes = cache_named(slabinfo, "proc_inode_cache", page_bytes);
  if (!inodes) return 0;
  // Each inode has one name, and with a security module a label. These two caches hold those of all file
  // systems, so that the share of /proc is known by number only.
  std::int64_t beside = 0;
  for (const char* name : {"dentry", "lsm_inode_cache"})
    if (const auto cache = cache_named(slabinfo, name, page_bytes)) beside += cache->object_bytes;
  return inodes->slab_bytes + inodes->objects * beside;
}

std::int64_t proc_name_bytes() {
  return proc_name_bytes(read_proc_file("/proc/slabinfo"), sysconf(_SC_PAGESIZE));
}

}  // namespace comet::loadgen
