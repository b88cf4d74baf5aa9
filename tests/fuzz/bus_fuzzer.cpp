// libFuzzer's target: what Redis sends, through bus/. Whatever the bytes, the events are the same when they come
// at once or one by one; no message is left out, and after each reply there is something to ask.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bus/stream_reader.hpp"

namespace comet::test {
using namespace bus;
namespace {

constexpr std::size_t kLongestCompared = 8000;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "bus-fuzzer: %s\n", what);
  std::abort();
}

class Events {
 public:
  void take(const Event& event) {
    if (const auto* begins = std::get_if<Begins>(&event)) {
      all_.push_back("begins " + core::to_string(begins->cursor));
      last_.reset();
    } else if (const auto* entry = std::get_if<Entry>(&event)) {
      require(!last_ || (entry->n == last_->n + 1 && entry->epoch == last_->epoch), "a message is left out");
      all_.push_back(core::to_string(entry->cursor) + ' ' + entry->channel + ' ' + entry->body);
      last_ = *entry;
    } else {
      all_.emplace_back("caught up");
    }
  }
  void close() { all_.emplace_back("closed"); }
  const std::vector<std::string>& all() const { return all_; }

 private:
  std::vector<std::string> all_;
  std::optional<Entry> last_;
};

std::vector<std::string> events_of(std::string_view bytes, std::size_t piece) {
  Events events;
  ReplyReader replies;
  StreamReader reader(10, 1000);
  require(!reader.connect("new").empty(), "nothing is asked on a new connection");
  try {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
      replies.feed(bytes.substr(0, piece));
      while (const auto reply = replies.next()) {
        const StreamReader::Step step = reader.take(*reply);
        require(!step.command.empty(), "nothing is asked after a reply");
        for (const Event& event : step.events) events.take(event);
      }
    }
  } catch (const WireError&) {
    events.close();
  }
  return events.all();
}

}  // namespace
}  // namespace comet::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace comet::test;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto expected = events_of(bytes, size);
  if (size > kLongestCompared) return 0;
  require(events_of(bytes, 1) == expected, "other events when the bytes come one by one");
  return 0;
}
