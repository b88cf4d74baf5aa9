// Entries: the servers that can be tested and measured. Each is described by a manifest, which is a file
// called pattern.json or NAME.pattern.json in a folder two levels below the root; a manifest with variants
// gives one entry for each of them. The load generator and the tests read manifests with this reader alone.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
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

// What one delivery consists of, for the results page.
struct Budget {
  std::vector<std::pair<std::string, std::int64_t>>
      mechanisms;  // benchmarks of microbench/, and how often each happens
  std::string left_out = "its manifest has no budget";  // why there are none
};

struct Entry {
  std::string name;
  std::string manifest_name;  // one name for all variants
  std::string model;
  std::string group;                  // pattern, peer, floor or student
  std::string floor = "floor";        // the entry that its figures are divided by
  std::filesystem::path manifest;     // the file
  std::filesystem::path folder;       // its folder, and the working directory of the process
  std::vector<std::string> command;   // with {address} and {port}; variant options included
  std::vector<std::string> capacity;  // with {capacity}; may be empty
  bool keeps_all = false;             // of the contract's parts; `keeps` then names them all
  std::vector<std::string> keeps;
  double warm_up_seconds = 0;         // of messages before anything is timed: for what compiles as it runs
  std::vector<std::string> packages;  // Debian's, whose versions the results record
  HeldCost held;
  Budget budget;

  bool keeps_part(const std::string& part) const;
};

// The parts of the contract that an entry may keep without keeping all of it, in the order in which they are
// easiest to write. docs/architecture.md says what each is.
const std::vector<std::string>& contract_parts();
// Throws UsageError that lists the parts if one of `parts` is not among them.
void check_parts(const std::vector<std::string>& parts);

// Throws UsageError that names the file and the key.
std::vector<Entry> parse_manifest(const std::string& json, const std::filesystem::path& file);

// All entries under `root`, sorted by manifest; the floors last. Throws UsageError if there is none, if a
// manifest is wrong, or if two entries have the same name.
std::vector<Entry> find_entries(const std::filesystem::path& root);

// Those that `names` picks, in the order of the names with the floors last. A manifest's name or folder picks
// all its variants; an empty list picks what is measured: the patterns and the peers. Throws UsageError.
std::vector<Entry> select_entries(const std::vector<Entry>& all, const std::vector<std::string>& names);

// The command line with every placeholder filled in; capacity options only if `capacity` is not 0. `port` is
// text, so that a test can give one that is no number.
std::vector<std::string> entry_command(const Entry& entry, const std::string& address,
                                       const std::string& port, std::size_t capacity);

}  // namespace comet::loadgen
