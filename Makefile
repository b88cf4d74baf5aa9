# The commands that people type. `make bench` and `make test` install what is missing and build by themselves.
JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 60
SERVERS = comet-prefork comet-threaded comet-async comet-continuations comet-fibers
MINIMAL = $(addsuffix -minimal,$(SERVERS))
URING = comet-continuations-uring
# Warnings stop the build in CI only.
STRICT = $(if $(CI),-DCOMET_WARNINGS_AS_ERRORS=ON)
# Else every step of CMake's own makefiles says which folder it enters.
MAKEFLAGS += --no-print-directory
# Configures, and builds nothing but the targets that follow.
BUILD_ONLY = cmake --preset release $(STRICT) && cmake --build build/release -j $(JOBS) --target
# The conformance suite also runs the servers of these builds: NAME=DIR[=REGEX of entries]. Not the server on io_uring
# with the thread sanitizer: it does not see that the kernel orders what one thread submits before its completion in
# another, and calls each of them a race.
TSAN = ^(threaded|fibers|continuations-(redispatch|direct|stackful|coroutine|minimal))
SANITIZED = asan=$(CURDIR)/build/address/bin;tsan=$(CURDIR)/build/thread/bin=$(TSAN)

# One publish of each of these is drawn for the book.
PICTURED = $(patsubst comet-%,%,$(MINIMAL)) prefork threaded async continuations-redispatch fibers three-nodes
PICTURES = docs/book/pictures

.PHONY: help deps build sanitizers test lint fuzz soak bench bench-peers reference microbench report picture \
  publish-pictures book book-check measure grade lab-kit labs-check labs-soak nodes nodes-soak million nodes-bench clean
help:
	@echo "make bench        build and measure the five servers and the floor and print tables (about 5 minutes);"
	@echo "                  ENTRIES='threaded threaded-minimal' measures these instead"
	@echo "make bench-peers  the same beside Node.js, Twisted, MochiWeb, Jetty, Go and nginx with nchan"
	@echo "make microbench   measure each mechanism alone (under a minute) and write results/microbench.json"
	@echo "make reference    measure everything, peers included, anew into results/reference (under 75 minutes)"
	@echo "make report       the latest run, or RUNS='DIR DIR', as one page in the run's folder; before a run, the reference's"
	@echo "make picture      the reference run's page, results/index.html, and two of its plots as docs/results.png"
	@echo "make publish-pictures  trace one publish to each of the five, minimal and full, and draw it (root)"
	@echo "make book         weave the book and render it into build/book/html, which opens from disk"
	@echo "make measure      CHAPTER=7: that chapter's experiments on this machine (under 3 minutes) beside the reference's"
	@echo "make book-check   what CI checks of the book: listings, figures, claims, links, commands, pages in a browser"
	@echo "make grade        LAB=2: grade a lab's server (under 2 minutes); FILE=my.cpp or DIR=my-folder: another than the lab's own"
	@echo "make lab-kit      pack what a student gets into build/comet-lab-kit.tar.gz"
	@echo "make labs-check   test the labs: solutions pass, starters fail what is named, wrong solutions are caught;"
	@echo "                  LAB=2: only this one. make test does it without the bars"
	@echo "make labs-soak    the same, and each solution 20 times in a row (about an hour and a half)"
	@echo "make nodes        three servers that share their messages over Redis, two gateways and a chat page, until Ctrl-C"
	@echo "make nodes-soak   the same under one fault after another, by chance, until 1,000,000 deliveries (about 15 minutes);"
	@echo "                  SEED=7 repeats a run's faults"
	@echo "make million      a million subscribers on this machine, or SUBSCRIBERS=20000, on nodes that share their messages (2 minutes)"
	@echo "make nodes-bench  measure such nodes beside a server alone (under 4 minutes) and write build/nodes.json"
	@echo "make test         run every test, sanitizer builds included (about 35 minutes on two cores)"
	@echo "make lint         clang-tidy over every source file, by the list in .clang-tidy (about half an hour on two cores)"
	@echo "make fuzz         fuzz the request path of core/ and bus/ for FUZZ_SECONDS (60) each and report the executions"
	@echo "make soak         run the hardening tests with large numbers (about 17 minutes) and print their figures"
	@echo "make build        build everything, tests included (about 6 minutes on two cores), into build/release/bin"
	@echo "make deps         install the packages that are missing (root or sudo)"
	@echo "make clean        remove the builds"

deps:
	@scripts/deps

build: deps
	cmake --preset release $(STRICT) "-DCOMET_SANITIZED_BIN_DIRS=$(SANITIZED)"
	cmake --build build/release -j $(JOBS)

sanitizers: deps
	cmake --preset address $(STRICT)
	cmake --build build/address -j $(JOBS) --target $(SERVERS) $(URING) $(MINIMAL) unit-tests prefork-kill-test threaded-cap-test request-fuzzer bus-fuzzer comet-relay comet-gateway beast-socket
	cmake --preset thread $(STRICT)
	cmake --build build/thread -j $(JOBS) --target $(foreach model,threaded continuations fibers,comet-$(model) comet-$(model)-minimal)

# What testing needs is installed first: the build looks for it.
test:
	@scripts/deps test
	@scripts/deps bayeux || echo "test: npm's clients are not here, so the tests with them are skipped"
	@$(MAKE) build sanitizers
	ctest --test-dir build/release -j 6 --output-on-failure
	ctest --test-dir build/address -j 6 --output-on-failure -L '^(unit|faults|fuzz|nodes)$$'

# Needs no build: the compile commands are enough.
lint: deps
	@scripts/deps lint
	cmake --preset release -B build/lint -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON
	run-clang-tidy -quiet -p build/lint -j $(JOBS)

# New inputs stay in the build folder; one that is worth keeping goes into tests/fuzz/seeds by hand. The corpus
# is made anew, in an empty tests/fuzz/corpus, by:
#   request-fuzzer -merge=1 -use_counters=0 -max_len=1024 tests/fuzz/corpus build/fuzz/corpus
fuzz:
	@scripts/deps fuzz
	cmake --preset fuzz $(STRICT)
	cmake --build build/fuzz -j $(JOBS) --target request-fuzzer bus-fuzzer
	@mkdir -p build/fuzz/corpus build/fuzz/bus_corpus
	build/fuzz/bin/request-fuzzer -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -timeout=10 -print_final_stats=1 \
	  -dict=tests/fuzz/http.dict -artifact_prefix=build/fuzz/ build/fuzz/corpus tests/fuzz/corpus tests/fuzz/seeds
	build/fuzz/bin/bus-fuzzer -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -timeout=10 -print_final_stats=1 \
	  -artifact_prefix=build/fuzz/ build/fuzz/bus_corpus tests/fuzz/bus_seeds

# ENTRIES names some of them.
soak: build
	@scripts/deps soak
	@tests/hardening/soak $(ENTRIES)

# A minimal server is an entry that is measured by its name; its program is built only then.
bench: BENCHED = $(or $(ENTRIES),prefork threaded async continuations-redispatch fibers floor floor-2-threads)
bench: deps
	$(BUILD_ONLY) comet-loadgen $(SERVERS) comet-floor $(patsubst %,comet-%,$(filter %-minimal,$(BENCHED)))
	build/release/bin/comet-loadgen bench --entries "$$(echo $(BENCHED) | tr ' ' ,)"

bench-peers: build
	@peers/deps
	build/release/bin/comet-loadgen bench

reference: build
	@peers/deps
	@scripts/reference

microbench: deps
	$(BUILD_ONLY) comet-microbench
	build/release/bin/comet-microbench --benchmark_min_time=0.1 --benchmark_repetitions=5 \
	  --benchmark_display_aggregates_only=true --benchmark_out=results/microbench.json --benchmark_out_format=json
	@sed -i 's/: NaN/: null/' results/microbench.json # the spread of zeros, which JSON cannot say

report: deps
	@scripts/deps report
	$(BUILD_ONLY) comet-loadgen
	build/release/bin/comet-loadgen report $(RUNS)

# Chromium's sandbox does not run as root; the page is our own. Its report is that of the reference run.
picture: RUNS = results/reference/*
picture: report
	@scripts/deps test
	chromium --headless=new --no-sandbox --disable-gpu --hide-scrollbars '--user-data-dir=$(CURDIR)/build/chromium' \
	  --window-size=1280,470 --screenshot=docs/results.png \
	  'file://$(CURDIR)/results/index.html#picture=4000,prefork,threaded,async,continuations-redispatch,fibers,floor'

# As root. The recordings are kept: comet-loadgen trace --from draws them again, which needs no root.
publish-pictures: deps
	@scripts/deps nodes
	$(BUILD_ONLY) comet-loadgen $(SERVERS) $(MINIMAL) comet-relay
	@mkdir -p $(PICTURES)/recordings
	@set -e; for entry in $(PICTURED); do build/release/bin/comet-loadgen trace --entry $$entry \
	  --out $(PICTURES)/publish-$$entry.svg --events $(PICTURES)/recordings/$$entry.json; done
	@build/release/bin/comet-loadgen trace --out $(PICTURES)/publish-five.svg \
	  --from $(patsubst comet-%,$(PICTURES)/recordings/%.json,$(MINIMAL))

# Writes listings and figures into docs/book, then renders it; with the reader's figures of `make measure`, if there are any.
book:
	@scripts/deps book
	scripts/book/weave
	scripts/book/render --measured build/measure

book-check:
	@scripts/deps test
	$(BUILD_ONLY) comet-loadgen comet-microbench comet-floor $(SERVERS) $(MINIMAL) comet-relay comet-gateway
	ctest --test-dir build/release -j 2 --output-on-failure -R '^book\.'

measure: deps
	@[ -n "$(CHAPTER)" ] || { echo "measure: say which chapter, as in: make measure CHAPTER=7" >&2; exit 2; }
	$(BUILD_ONLY) comet-loadgen comet-floor $(SERVERS) $(MINIMAL)
	@scripts/book/measure $(CHAPTER)

grade: deps
	@[ -n "$(LAB)" ] || { echo "grade: say which lab, as in: make grade LAB=2" >&2; exit 2; }
	@labs/lab grade "$(LAB)" $(if $(FILE),--file "$(FILE)") $(if $(DIR),--dir "$(DIR)") $(if $(SEED),--seed "$(SEED)")

lab-kit:
	@labs/lab pack

labs-check: deps
	@labs/lab check $(LAB)

labs-soak: deps
	@labs/lab check --times 20 $(LAB)

nodes: deps
	@scripts/deps nodes
	$(BUILD_ONLY) comet-relay comet-async comet-threaded comet-fibers $(if $(wildcard nodes/gateway),comet-gateway)
	@nodes/up --bin-dir build/release/bin

nodes-soak: deps
	@scripts/deps nodes
	$(BUILD_ONLY) comet-relay comet-gateway comet-async comet-threaded comet-fibers
	@/usr/bin/python3 -B tests/nodes/soak.py build/release/bin $(if $(SEED),--seed $(SEED))

million: deps
	@scripts/deps nodes
	$(BUILD_ONLY) comet-loadgen comet-relay comet-async comet-floor
	@nodes/million --bin-dir build/release/bin $(if $(SUBSCRIBERS),--subscribers $(SUBSCRIBERS))

nodes-bench: deps
	@scripts/deps nodes
	$(BUILD_ONLY) comet-loadgen comet-relay comet-gateway $(SERVERS)
	@nodes/bench/bench.py --bin-dir build/release/bin --out build/nodes.json

clean:
	rm -rf build
