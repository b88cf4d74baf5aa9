// comet-async: the command line, then the server until it is drained.
#include <CLI/CLI.hpp>

#include "patterns/async/server.hpp"
#include "patterns/common/startup.hpp"

int main(int argc, char** argv) {
  comet::Options options;
  CLI::App app("The long-poll server as one event loop on one thread (libuv).", "comet-async");
  comet::add_shared_options(app, options);
  comet::parse_or_exit(app, argc, argv);

  comet::prepare_process();
  comet::Server server(options);
  server.run();
}
