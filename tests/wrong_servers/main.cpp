// wrong-server [--fault NAME] [shared options]: keeps the contract but for the fault.
#include <algorithm>
#include <string>
#include <vector>

#include "core/options.hpp"
#include "patterns/common/startup.hpp"
#include "tests/wrong_servers/server.hpp"

namespace {

const std::vector<std::string> kFaults = {"announces_no_idle_time",
                                          "announces_twice",
                                          "answers_before_its_work",
                                          "answers_before_logging",
                                          "answers_to_any_name",
                                          "appends_twice",
                                          "asks_for_no_scope",
                                          "asks_no_token",
                                          "cacheable",
                                          "calls_a_herd",
                                          "closes_after_each_answer",
                                          "closes_before_the_announced_time",
                                          "counts_leaving_as_delivered",
                                          "cursor_shrinks_after_restart",
                                          "cuts_slow_reader",
                                          "dies_on_garbage",
                                          "drains_in_spite_of_nohup",
                                          "drops_held_at_drain",
                                          "drops_pipelined",
                                          "ends_on_hangup",
                                          "exits_1_after_drain",
                                          "forgets_to_count",
                                          "forgets_where_it_begins",
                                          "gives_its_own_cursor",
                                          "holds_a_cursor_ahead",
                                          "holds_on_head",
                                          "ignores_channel",
                                          "ignores_sigterm",
                                          "ignores_since",
                                          "joins_without_a_token",
                                          "jumps_to_newest",
                                          "keeps_body_on_head",
                                          "keeps_open_after_framing_error",
                                          "leaves_a_child",
                                          "leaves_early_bytes_unread",
                                          "loses_between_polls",
                                          "measures_before_it_asks",
                                          "never_releases_dead_client",
                                          "no_challenge",
                                          "no_header_timeout",
                                          "no_missed",
                                          "no_retry_after",
                                          "passes_nothing_over",
                                          "reads_octal",
                                          "refuses_publisher_at_cap",
                                          "renews_idle_time",
                                          "renews_time_at_continue",
                                          "repeats_a_message",
                                          "sends_back_a_smaller_cursor",
                                          "takes_any_charset",
                                          "takes_any_cursor",
                                          "takes_any_flood",
                                          "takes_any_origin",
                                          "takes_cross_site",
                                          "takes_encoded_bodies",
                                          "takes_publishes_without_a_cursor",
                                          "tells_a_gap_ahead",
                                          "times_out_early",
                                          "wakes_only_first_subscriber",
                                          "works_in_the_loop",
                                          "wrong_length"};

// Faults of the command line: the words as they are before the options are checked.
std::string spoilt_word(const std::string& word, const std::string& fault) {
  const bool is_number = word.find_first_not_of("0123456789") == std::string::npos;
  if (fault == "reads_octal" && word.size() > 1 && word[0] == '0' && is_number) {
    return std::to_string(std::stoul(word, nullptr, 8));
  }
  if (fault == "asks_for_no_scope" && word == "fe80::1") return "fe80::1%lo";
  if (fault == "joins_without_a_token" && word == "--joined") return "--max-held";
  return word;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace comet;
  core::CommandLine line("A server with one deliberate fault, for testing the conformance suite.",
                         "wrong-server");
  core::Options options;
  std::string fault;
  core::add_shared_options(line, options);
  line.add_choice("--fault", fault, kFaults, "what it does wrong");
  const std::vector<std::string> given(argv, argv + argc);
  const auto fault_word = std::find(given.begin(), given.end(), "--fault");
  const std::string known = given.end() - fault_word > 1 ? fault_word[1] : "";
  std::vector<std::string> words;
  std::vector<char*> spoilt;
  for (const std::string& word : given) words.push_back(spoilt_word(word, known));
  for (std::string& word : words) spoilt.push_back(word.data());
  line.parse_or_exit(argc, spoilt.data());
  common::prepare_process();
  return wrong_server::WrongServer(options, fault).run();
}
