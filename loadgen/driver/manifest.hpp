// What can be measured: patterns/*/pattern.json and peers/*/pattern.json. One folder is one entry or several
// variants.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace comet::loadgen {

// What the server needs for one held request. Of descriptors and maps: in one process.
struct HeldCost {
  std::int64_t descriptors = 1;
  std::int64_t files = 1;  // open files of all its processes together
  std::int64_t tasks = 0;  // processes and threads
  std::int64_t maps = 0;
  std::int64_t bytes = 0;              // of the server and the kernel, as measured; 0: not known
  std::optional<std::int64_t> most{};  // connections that the server takes as it is started
};

struct Entry {
  std::string name;
  std::string manifest_name;  // the folder's name for all its variants
  std::string model;
  std::string group;                  // pattern, peer or floor
  std::filesystem::path folder;       // working directory of the process
  std::vector<std::string> command;   // with {address} and {port}; variant options included
  std::vector<std::string> capacity;  // with {capacity}; may be empty
  bool keeps_all = false;
  std::vector<std::string> keeps;     // the parts kept when not all
  double warm_up_seconds = 0;         // of messages before anything is timed: for what compiles as it runs
  std::vector<std::string> packages;  // Debian's, whose versions the results record
  HeldCost held;

  bool keeps_part(const std::string& part) const;
};

// Throws UsageError that names the file and the key.
std::vector<Entry> parse_manifest(const std::string& json, const std::filesystem::path& file);

// All entries under `root`: patterns first, then peers, each sorted by folder; the floor last. Throws UsageError
// where there is none.
std::vector<Entry> find_entries(const std::filesystem::path& root);

// Those that `names` picks, in the order of the names with the floor last; a manifest's name or folder picks all
// its variants, an empty list all entries. Throws UsageError.
std::vector<Entry> select_entries(const std::vector<Entry>& all, const std::vector<std::string>& names);

// The command line with every placeholder filled in; capacity options only when `capacity` is not 0.
std::vector<std::string> entry_command(const Entry& entry, const std::string& address, int port,
                                       std::size_t capacity);

}  // namespace comet::loadgen
