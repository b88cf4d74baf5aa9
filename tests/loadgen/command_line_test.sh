#!/bin/sh
# command_line_test.sh CASE BIN ROOT: comet-loadgen as a person uses it, and its messages if
# something is wrong.
set -eu
case_name=$1 bin=$2 root=$3
folder=$(mktemp -d)
server=
touch "$folder/out" "$folder/err"
cleanup() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  if [ -d "$folder/small" ]; then umount "$folder/small" 2>/dev/null || true; fi
  rm -rf "$folder"
}
trap cleanup EXIT

fail() {
  echo "$case_name: $*" >&2
  cat "$folder/out" "$folder/err" >&2
  exit 1
}

loadgen() {
  status=0
  "$bin/comet-loadgen" "$@" > "$folder/out" 2> "$folder/err" || status=$?
}

bench() { loadgen bench --root "$root" --out "$folder/results" "$@"; }

expect_status() { [ "$status" = "$1" ] || fail "exit status $status where $1 was expected"; }
expect_one_line() {
  [ "$(wc -l < "$folder/err")" = 1 ] || fail "more than one line"
  grep -q "$1" "$folder/err" || fail "no '$1'"
}
no_children() {
  ! printf '%s\n' "$folder/" | grep -qsf - /proc/[0-9]*/cmdline || fail "processes are left behind"
}

start_server() {
  "$bin/comet-floor" --port 0 > "$folder/ready" &
  server=$!
  until grep -q READY "$folder/ready"; do sleep 0.05; done
  url=http://127.0.0.1:$(sed -n 's/READY port=\([0-9]*\).*/\1/p' "$folder/ready")
}

# Makes an entry in a folder of this test, so that its server can be as bad as the test needs.
own_entry() {
  mkdir -p "$folder/tree/patterns/own"
  cat > "$folder/tree/patterns/own/pattern.json" << EOF
{"name": "own", "model": "m", "command": [$1], "keeps": ["subscribe", "publish", "stats"]}
EOF
  root=$folder/tree
}

needs_tracing() {
  [ -w /sys/kernel/tracing/instances ] && return
  echo "skipped: tracing needs root and a mounted tracefs (mount -t tracefs nodev /sys/kernel/tracing)"
  exit 77
}

# Instances of other tests that run at the same time are theirs.
no_trace_instance() {
  for instance in /sys/kernel/tracing/instances/comet-trace-*; do
    [ ! -d "$instance" ] || kill -0 "${instance##*-}" 2>/dev/null || fail "$instance is left behind"
  done
}

case $case_name in
  unknown_entry)
    bench --entries async,asnyc
    expect_status 64
    expect_one_line "unknown entry 'asnyc': use one or more of"
    ;;
  empty_entry)
    bench --entries async,
    expect_status 64
    expect_one_line "unknown entry '': use one or more of"
    ;;
  unknown_command)
    loadgen bnech --held 10
    expect_status 64
    expect_one_line "unknown command 'bnech'"
    ;;
  unknown_scenario)
    bench --scenario broadcats
    expect_status 64
    expect_one_line "unknown scenario 'broadcats'"
    ;;
  wrong_key)
    echo '{"kind": "broadcast", "held": [1], "seconds": 1}' > "$folder/mine.json"
    bench --scenario "$folder/mine.json"
    expect_status 64
    expect_one_line "mine.json: unknown key 'seconds'"
    ;;
  wrong_number)
    for option in "--seconds nan" "--seconds -1" "--seconds 3601" "--seed -1"; do
      bench --scenario churn $option
      expect_status 64
      expect_one_line "comet-loadgen: ${option%% *}: "
    done
    ;;
  help)
    loadgen bench --help
    expect_status 0
    grep -q "steady-no-cursors" "$folder/out" || fail "the scenarios are not named"
    ;;
  several_clients)
    start_server
    ulimit -n 100
    loadgen run --url "$url" --held 150 --rounds 3 --json
    expect_status 0
    grep -q '"processes": 5' "$folder/out" || fail "not 5 client processes"
    grep -Eq '"delivered": (600|1050),' "$folder/out" || fail "not 4 rounds, or 7 with those for the system calls"
    grep -q '"lost": 0' "$folder/out" || fail "deliveries were lost"
    ;;
  dead_client)
    start_server
    "$bin/comet-loadgen" run --url "$url" --held 20 --seconds 3600 > "$folder/out" 2> "$folder/err" &
    pid=$!
    until grep -q . "/proc/$pid/task/$pid/children"; do sleep 0.1; done
    kill -KILL $(cat "/proc/$pid/task/$pid/children")
    status=0
    wait "$pid" || status=$?
    expect_status 1
    grep -q "a client process of the load generator ended by signal Killed" "$folder/out" || fail "it is not said"
    ;;
  full_output)
    start_server
    status=0
    "$bin/comet-loadgen" run --url "$url" --held 1 --rounds 1 > /dev/full 2> "$folder/err" || status=$?
    expect_status 1
    grep -q "comet-loadgen: cannot write to standard output" "$folder/err" || fail "it is not said"
    ;;
  full_output_of_the_doctor)
    status=0
    "$bin/comet-loadgen" doctor --root "$root" --held 10 > /dev/full 2> "$folder/err" || status=$?
    expect_status 1
    expect_one_line "comet-loadgen: cannot write to standard output"
    ;;
  same_second)
    own_entry '"false"'  # which no cursors are asked of: skipped at once
    now=$(date +%s)
    for later in $(seq 0 59); do
      mkdir -p "$folder/results/$(date -u -d "@$((now + later))" +%Y-%m-%dT%H%M%SZ)"
    done
    bench --entries own --held 1 --scenario channels
    expect_status 1
    [ -e "$folder"/results/*Z-2/channels-own-1.json ] || fail "no folder of its own"
    ;;
  dead_server)
    own_entry '"sh", "-c", "echo no memory >&2; exit 3"'
    bench --entries own --held 10 --repeats 3
    expect_status 1
    grep -q "not ready: ended with status 3: no memory" "$folder/out" || fail "the reason is not said"
    grep -q "repeat 2, 3: not started again: not ready: ended" "$folder/out" || fail "it is started again"
    grep -q '"status": "failed"' "$folder"/results/*/broadcast-own-10.json || fail "the file does not say it"
    ;;
  interrupt)
    cp "$bin/comet-async" "$folder/server"
    own_entry "\"$folder/server\", \"--port\", \"0\""
    "$bin/comet-loadgen" bench --held 10,20 --seconds 1 --repeats 1000 --root "$root" --out "$folder/results" \
      > "$folder/out" 2> "$folder/err" &
    pid=$!
    until [ "$(grep -c 'deliveries/s' "$folder/err")" -ge 2 ]; do sleep 0.1; done
    kill -INT "$pid"
    status=0
    wait "$pid" || status=$?
    expect_status 130
    grep -q "^results: " "$folder/out" || fail "no table"
    grep -q '"status": "complete"' "$folder"/results/*/broadcast-own-10.json || fail "what was measured is gone"
    ;;
  full_disk)
    mkdir "$folder/small"
    mount -t tmpfs -o size=16k small "$folder/small" 2>/dev/null || exit 77  # only root may
    loadgen bench --root "$root" --out "$folder/small" --entries async --held 10 --seconds 0.2 --repeats 20
    expect_status 1
    grep -q "cannot write .*No space left on device" "$folder/err" || fail "the reason is not said"
    grep -q "reach ms" "$folder/out" || fail "no table"
    ;;
  trace)
    needs_tracing
    loadgen trace --root "$root" --entry threaded-minimal --held 2 --out "$folder/one.svg" --events "$folder/one.json"
    expect_status 0
    no_trace_instance
    grep -q ">thread 3<" "$folder/one.svg" || fail "not a lane for each thread"
    grep -q "thread 1 wakes thread [23] " "$folder/one.svg" || fail "not an arrow from thread to thread"
    grep -q '"call":"sendto"' "$folder/one.json" || fail "no system calls"
    loadgen trace --from "$folder/one.json" --out "$folder/again.svg"
    expect_status 0
    cmp "$folder/one.svg" "$folder/again.svg" || fail "the recording gives another picture"
    loadgen trace --from "$folder/one.json" "$folder/one.json" --out "$folder/two.svg"
    expect_status 0
    [ "$(grep -c ">thread 3<" "$folder/two.svg")" = 2 ] || fail "not both"
    ;;
  trace_of_several_entries)
    loadgen trace --root "$root" --entry continuations
    expect_status 64
    expect_one_line "'continuations' is several entries: use one of continuations-redispatch, "
    ;;
  trace_without_entry)
    loadgen trace
    expect_status 64
    expect_one_line "trace needs an entry: comet-loadgen trace --entry threaded"
    ;;
  trace_without_root)
    as_nobody=
    if [ "$(id -u)" = 0 ]; then as_nobody="setpriv --reuid=65534 --regid=65534 --clear-groups"; fi
    if ! $as_nobody "$bin/comet-loadgen" trace --help > /dev/null 2>&1; then
      echo "skipped: a user without rights cannot run $bin/comet-loadgen"
      exit 77
    fi
    status=0
    $as_nobody "$bin/comet-loadgen" trace --root "$root" --entry async --out "$folder/one.svg" \
      > "$folder/out" 2> "$folder/err" || status=$?
    expect_status 1
    expect_one_line "run this command with sudo\|tracefs is not mounted"
    ;;
  trace_of_a_dead_server)
    needs_tracing
    own_entry '"sh", "-c", "echo no memory >&2; exit 3"'
    loadgen trace --root "$root" --entry own --out "$folder/one.svg"
    expect_status 1
    expect_one_line "not ready: ended with status 3: no memory"
    no_trace_instance
    ;;
  trace_interrupted)
    needs_tracing
    own_entry "\"sh\", \"-c\", \"sleep 1000; true $folder/\""
    "$bin/comet-loadgen" trace --root "$root" --entry own --out "$folder/one.svg" > "$folder/out" 2> "$folder/err" &
    pid=$!
    until [ -d "/sys/kernel/tracing/instances/comet-trace-$pid" ]; do sleep 0.05; done
    kill -INT "$pid"
    status=0
    wait "$pid" || status=$?
    expect_status 130
    [ ! -d "/sys/kernel/tracing/instances/comet-trace-$pid" ] || fail "the trace instance is left behind"
    ;;
  *) fail "no such case" ;;
esac
no_children
