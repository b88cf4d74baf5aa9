#!/bin/sh
# program_test.sh CASE BIN ROOT: the conformance suite as a person uses it, what it prints when a test fails,
# and what it says when something is wrong.
set -eu
case_name=$1 bin=$2 root=$3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

fail() {
  echo "$case_name: $*" >&2
  cat "$folder/out" "$folder/err" >&2
  exit 1
}

conformance() {
  status=0
  "$bin/conformance" --root "$root" "$@" > "$folder/out" 2> "$folder/err" || status=$?
}

expect_status() { [ "$status" = "$1" ] || fail "exit status $status where $1 was expected"; }
expect_one_line() {
  [ "$(wc -l < "$folder/err")" = 1 ] || fail "not one line"
  grep -q -- "$1" "$folder/err" || fail "no '$1'"
}

# Each of the lines that match, one after another.
expect_in_order() {
  from=1
  for pattern in "$@"; do
    found=$(tail -n "+$from" "$folder/out" | grep -n -m 1 -- "$pattern" | cut -d: -f1)
    [ -n "$found" ] || fail "no '$pattern' after line $from"
    from=$((from + found))
  done
}

own_manifest() {
  root=$folder/tree
  mkdir -p "$root/patterns/own"
  echo "$1" > "$root/patterns/own/my.pattern.json"
}

case $case_name in
  failure)  # the exchange, the contract's line, and a command that runs this test again, from any folder
    conformance --entry wakes_only_first_subscriber --patience 1 --gtest_filter='Subscribe.OnePublish*'
    expect_status 1
    expect_in_order '^ *[0-9.]* .*the server is started: wrong-server ' \
      '^ *[0-9.]*  *1 > GET /subscribe HTTP/1.1$' '^ *Host: localhost$' \
      '^ *[0-9.]*  *2 > GET /subscribe HTTP/1.1$' \
      '^ *[0-9.]*  *3 > POST /publish HTTP/1.1$' '^ *for both$' \
      '^ *[0-9.]*  *1 < HTTP/1.1 200 OK$' '^ *for both$' \
      '^ *1\.[0-9]*  *2 *nothing more has come$' 'here the test failed' 'the server has ended with status 0' \
      'docs/contract.md, line [1-9]' 'holds until the next message on the channel' \
      '^This test alone:$' '^  /.*--entry wakes_only_first_subscriber' \
      'FAILED  . Subscribe.OnePublishReachesTwoSubscribers'
    again=$(sed -n '/^This test alone:$/{n;p}' "$folder/out")
    status=0
    (cd / && sh -c "$again --patience 1") > "$folder/out" 2> "$folder/err" || status=$?
    expect_status 1
    expect_in_order 'Running 1 test ' 'FAILED  . Subscribe.OnePublishReachesTwoSubscribers'
    ;;
  parts)  # fewer than the manifest's
    conformance --entry no-fault --parts subscribe,publish --gtest_list_tests
    expect_status 0
    grep -q HoldsUntilTheNextMessage "$folder/out" || fail "a test of the parts is missing"
    ! grep -q Drain "$folder/out" || fail "a test of another part is there"
    ;;
  wrong_part)
    conformance --entry no-fault --parts subscribe,publsh
    expect_status 64
    expect_one_line "unknown part 'publsh': use some of subscribe, publish, "
    ;;
  wrong_part_in_manifest)
    own_manifest '{"name": "own", "model": "m", "command": ["true"], "keeps": ["subscribe", "publsh"]}'
    conformance --entry own
    expect_status 64
    expect_one_line "own/my.pattern.json: 'keeps' has an unknown part 'publsh': use some of subscribe, publish, "
    ;;
  no_test)
    conformance --entry no-fault --parts subscribe,publish --gtest_filter='Drain.*'
    expect_status 64
    expect_one_line 'no test with that name needs only the parts subscribe,publish'
    ;;
  unknown_entry)
    conformance --entry asnyc
    expect_status 64
    expect_one_line "no entry 'asnyc' under .*; use one of: async "
    ;;
  not_installed)
    own_manifest '{"name": "own", "model": "m", "command": ["true"], "keeps": "all", "packages": ["no-such-package"]}'
    command -v dpkg-query > "$folder/out" || exit 77
    conformance --entry own
    expect_status 77
    expect_in_order 'the package no-such-package of own is not installed'
    ;;
  *)
    fail "no such case"
    ;;
esac
