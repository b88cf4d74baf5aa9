// The kernel's text files, of /proc and /sys: read whole, then taken apart by line and word.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace comet::loadgen {

// The whole text; empty if the file is gone or may not be read.
std::string read_proc_file(const std::filesystem::path& file);

std::vector<std::string_view> lines_of(std::string_view text);

// Separated by blanks and tabs.
std::vector<std::string_view> words_of(std::string_view line);

// The rest of the first line that begins with `start`, without the blanks before it; nothing if there is
// no such line.
std::optional<std::string_view> line_after(std::string_view text, std::string_view start);

// The number that `text` begins with, after blanks; nothing if it begins with something else, as in "max".
// Only as much as needs to be there is read: "4096 kB" is 4096.
std::optional<std::int64_t> number_in(std::string_view text, int base = 10);

// number_in() of line_after().
std::optional<std::int64_t> number_after(std::string_view text, std::string_view start);

// The numeric names in a folder of /proc: processes or threads. Empty if it is gone.
std::vector<int> numbered_entries(const std::filesystem::path& folder);

}  // namespace comet::loadgen
