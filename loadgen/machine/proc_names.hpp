// What it costs the kernel that somebody looks at processes: each name below /proc that was looked up or
// listed keeps an inode and a name's entry (dentry), about 1 kB, until its process ends or memory is scarce.
#pragma once

#include <cstdint>
#include <string>

namespace comet::loadgen {

// The bytes of those that exist now. 0 if that is not known: only root may read /proc/slabinfo.
std::int64_t proc_name_bytes();

// The same from the text of such a file, with pages of `page_bytes`.
std::int64_t proc_name_bytes(const std::string& slabinfo, std::int64_t page_bytes);

}  // namespace comet::loadgen
