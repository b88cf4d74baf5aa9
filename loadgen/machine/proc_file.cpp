// The reader of /proc: see proc_file.hpp.
#include "loadgen/machine/proc_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

namespace comet::loadgen {
namespace {

constexpr std::string_view kBlanks = " \t";

std::string_view without_leading_blanks(std::string_view text) {
  return text.substr(std::min(text.find_first_not_of(kBlanks), text.size()));
}

}  // namespace

// By system calls, for a stream would allocate: a tree of 15,000 processes has 45,000 such files.
std::string read_proc_file(const std::filesystem::path& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return {};
  std::array<char, 8192> buffer;
  std::string text;
  for (ssize_t size = 0; (size = read(file, buffer.data(), buffer.size())) > 0;)
    text.append(buffer.data(), static_cast<std::size_t>(size));
  close(file);
  return text;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (line = without_leading_blanks(line); !line.empty(); line = without_leading_blanks(line)) {
    const std::size_t end = std::min(line.find_first_of(kBlanks), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
  return words;
}

std::optional<std::string_view> line_after(std::string_view text, std::string_view start) {
  std::size_t at = 0;
  while (!text.substr(at).starts_with(start)) {
    at = text.find('\n', at);
    if (at == std::string_view::npos) return std::nullopt;
    ++at;
  }
  const std::string_view line = text.substr(at + start.size());
  return without_leading_blanks(line.substr(0, line.find('\n')));
}

std::optional<std::int64_t> number_in(std::string_view text, int base) {
  text = without_leading_blanks(text);
  std::int64_t number = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), number, base).ec != std::errc())
    return std::nullopt;
  return number;
}

std::optional<std::int64_t> number_after(std::string_view text, std::string_view start) {
  const auto line = line_after(text, start);
  return line ? number_in(*line) : std::nullopt;
}

std::vector<int> numbered_entries(const std::filesystem::path& folder) {
  std::vector<int> numbers;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error))
    if (const auto number = number_in(entry->path().filename().native()))
      numbers.push_back(static_cast<int>(*number));
  return numbers;
}

}  // namespace comet::loadgen
