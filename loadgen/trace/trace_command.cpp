// The command `trace`: see trace_command.hpp.
#include "loadgen/trace/trace_command.hpp"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <stdexcept>

#include "loadgen/driver/manifest.hpp"
#include "loadgen/driver/program_path.hpp"
#include "loadgen/errors.hpp"
#include "loadgen/trace/picture.hpp"
#include "loadgen/trace/record_publish.hpp"
#include "loadgen/trace/timeline.hpp"

namespace comet::loadgen {
namespace {

namespace fs = std::filesystem;

Entry find_entry(const TraceOptions& options) {
  const auto entries = select_entries(find_entries(options.root), {options.entry});
  std::string names;
  for (const Entry& entry : entries)
    if (entry.name == options.entry || entries.size() == 1) return entry;
  for (const Entry& entry : entries) names += (names.empty() ? "" : ", ") + entry.name;
  throw UsageError("'" + options.entry + "' is several entries: use one of " + names);
}

fs::path picture_file(const TraceOptions& options) {
  if (!options.out.empty()) return options.out;
  if (options.from.size() > 1)
    throw UsageError("several recordings become one picture: name it with --out FILE.svg");
  return options.entry.empty() ? fs::path(options.from.front()).replace_extension(".svg")
                               : fs::path("publish-" + options.entry + ".svg");
}

void write_file(const fs::path& file, const std::string& text) {
  std::ofstream out(file);
  out << text << std::flush;
  if (!out) throw std::runtime_error(system_error_text("cannot write " + file.string()));
}

// The recording is written before it is drawn, so that it is not lost if that fails.
Recording record(const TraceOptions& options, const fs::path& picture) {
  look_up_first_in(options.program_folder);
  Recording recording = record_publish(find_entry(options), options.held, options.program_folder);
  const fs::path file =
      options.events.empty() ? fs::path(picture).replace_extension(".json") : options.events;
  write_recording(file, recording);
  std::printf("%s: %zu events\n", file.c_str(), recording.events.size());
  return recording;
}

void warn_of_others(const Timeline& timeline) {
  const auto is_other = [](const CoreUse& use) { return !use.lane; };
  const auto has_others = [&is_other](const Core& core) {
    return std::any_of(core.uses.begin(), core.uses.end(), is_other);
  };
  if (std::any_of(timeline.cores.begin(), timeline.cores.end(), has_others))
    std::fprintf(stderr,
                 "comet-loadgen: other programs ran on the same cores: record again for a clear picture\n");
}

}  // namespace

int run_trace(const TraceOptions& options) {
  const fs::path picture = picture_file(options);
  std::vector<Timeline> timelines;
  for (const fs::path& file : options.from) timelines.push_back(make_timeline(read_recording(file)));
  if (!options.entry.empty()) {
    timelines.push_back(make_timeline(record(options, picture)));
    warn_of_others(timelines.back());
  }
  write_file(picture, timelines.size() == 1 ? picture_of(timelines.front()) : picture_of_several(timelines));
  std::printf("%s: open it in a browser\n", picture.c_str());
  return 0;
}

}  // namespace comet::loadgen
