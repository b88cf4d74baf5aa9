// The micro-benchmarks: what one wake, spawn, parse or append costs by itself. One file per subject.
#include <benchmark/benchmark.h>

#include "patterns/common/startup.hpp"

int main(int argc, char** argv) {
  using namespace comet;
  common::prepare_process();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 64;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
