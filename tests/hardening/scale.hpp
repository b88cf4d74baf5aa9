// How much of everything: small numbers for CI, large ones where the environment says COMET_SOAK=1 (`make
// soak`). Figures that a run has measured are printed as lines "figure: ...".
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>

namespace comet::test {

struct Scale {
  int fuzz_rounds;        // connections with random or mutated bytes, each
  int slow_clients;       // of each kind, at once
  int publishes;          // while they are slow
  int vanishing_holders;  // connect, hold, reset
  int race_messages;      // published as fast as can be; each goes to every reader
  int hold_races;         // of holds that end as messages come
  int drains;             // servers drained under load
  int kills;              // of prefork's workers
  unsigned watch_dog;     // seconds that one test may take
};

inline bool is_soak() { return std::getenv("COMET_SOAK") != nullptr; }

inline const Scale& scale() {
  static const Scale kCi{1000, 60, 100, 2'000, 1'500, 40, 5, 400, 150};
  static const Scale kSoak{30'000, 700, 5'000, 100'000, 60'000, 300, 50, 5'000, 200};
  static const Scale& chosen = is_soak() ? kSoak : kCi;
  return chosen;
}

inline void print_figure(const std::string& text) { std::printf("figure: %s\n", text.c_str()); }

}  // namespace comet::test
