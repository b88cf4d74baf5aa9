// wrong-server [--fault NAME] [shared options]: keeps the contract but for the fault.
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "core/options.hpp"
#include "patterns/common/startup.hpp"
#include "tests/wrong_servers/server.hpp"

namespace {

const std::vector<std::string> kFaults = {"announces_twice",
                                          "answers_before_its_work",
                                          "answers_before_logging",
                                          "appends_twice",
                                          "asks_no_token",
                                          "cacheable",
                                          "calls_a_herd",
                                          "closes_after_each_answer",
                                          "counts_leaving_as_delivered",
                                          "cursor_shrinks_after_restart",
                                          "cuts_slow_reader",
                                          "dies_on_garbage",
                                          "drops_held_at_drain",
                                          "drops_pipelined",
                                          "exits_1_after_drain",
                                          "forgets_to_count",
                                          "holds_on_head",
                                          "ignores_channel",
                                          "ignores_sigterm",
                                          "ignores_since",
                                          "jumps_to_newest",
                                          "keeps_body_on_head",
                                          "keeps_open_after_framing_error",
                                          "leaves_a_child",
                                          "leaves_early_bytes_unread",
                                          "loses_between_polls",
                                          "never_releases_dead_client",
                                          "no_challenge",
                                          "no_header_timeout",
                                          "no_missed",
                                          "no_retry_after",
                                          "refuses_publisher_at_cap",
                                          "renews_time_at_continue",
                                          "repeats_a_message",
                                          "takes_any_flood",
                                          "takes_cross_site",
                                          "times_out_early",
                                          "wakes_only_first_subscriber",
                                          "works_in_the_loop",
                                          "wrong_length"};

}  // namespace

int main(int argc, char** argv) {
  using namespace comet;
  CLI::App app{"A server with one deliberate fault, for testing the conformance suite.", "wrong-server"};
  core::Options options;
  std::string fault;
  core::add_shared_options(app, options);
  app.add_option("--fault", fault, "what it does wrong")->check(CLI::IsMember(kFaults));
  core::parse_or_exit(app, argc, argv);
  common::prepare_process();
  return wrong_server::WrongServer(options, fault).run();
}
