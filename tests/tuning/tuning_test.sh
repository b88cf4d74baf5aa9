#!/bin/sh
# Tests tuning/show, apply and restore. Usage: tuning_test.sh FOLDER-OF-THE-SCRIPTS. Nothing of this machine is changed:
# the scripts work in a tree that stands for the root folder, and with the real network keys of a new network namespace.
set -u

if [ "${1:-}" = --in-namespace ]; then in_namespace=yes; shift; else in_namespace=""; fi
scripts=$(cd "${1:?folder of the scripts}" && pwd) || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
export COMET_TUNING_ROOT="$work/root"
failures=0

fail() {
  echo "FAILED: $test_name: $*" >&2
  failures=$((failures + 1))
}

# run STATUS COMMAND...: the command must end with that status; its output is in $work/output.
run() {
  expected=$1
  shift
  status=0
  "$@" > "$work/output" 2>&1 || status=$?
  [ "$status" -eq "$expected" ] || fail "$* ended with $status, not $expected: $(cat "$work/output")"
}

expect_output() { grep -qF -- "$1" "$work/output" || fail "no '$1' in: $(cat "$work/output")"; }
expect_one_line() { [ "$(wc -l < "$work/output")" -eq 1 ] || fail "more than one line: $(cat "$work/output")"; }
expect_value() { [ "$(cat "$work/root/proc/sys/$1")" = "$2" ] || fail "$1 is $(cat "$work/root/proc/sys/$1"), not $2"; }
expect_as_before() { diff -r "$work/before" "$work/root" || fail "$1: not as before"; }

put() { mkdir -p "$work/root/proc/sys/${1%/*}" && printf '%s\n' "$2" > "$work/root/proc/sys/$1"; }

# A machine of 8 GiB and 4 cores as Linux starts it, with the tabs that /proc has.
make_root() {
  rm -rf "$work/root" "$work/before"
  mkdir -p "$work/root/proc/self" "$work/root/etc/sysctl.d" "$work/root/etc/security/limits.d" "$work/root/var/lib/comet-patterns"
  echo 'MemTotal:        8388608 kB' > "$work/root/proc/meminfo"
  printf 'cpu  1 2 3\ncpu0 1 2 3\ncpu1 1 2 3\ncpu2 1 2 3\ncpu3 1 2 3\n' > "$work/root/proc/stat"
  echo 'Max open files            1024                 4096                 files     ' > "$work/root/proc/self/limits"
  put fs/nr_open 1048576
  put fs/file-max 9223372036854775807
  put net/core/rmem_max 212992
  put net/core/wmem_max 212992
  put net/core/somaxconn 128
  put net/core/netdev_max_backlog 1000
  put net/ipv4/tcp_rmem "4096	131072	33554432"
  put net/ipv4/tcp_wmem "4096	16384	4194304"
  put net/ipv4/tcp_mem "50576	64768	98152"
  put net/ipv4/tcp_syncookies 1
  put net/ipv4/tcp_max_syn_backlog 512
  put net/ipv4/tcp_keepalive_time 300
  put net/ipv4/ip_local_port_range "32768	60999"
  put kernel/pid_max 32768
  put kernel/threads-max 60000
  put vm/max_map_count 65530
  put net/netfilter/nf_conntrack_max 65536
  # What apply and restore write has single spaces, which the kernel takes and shows as tabs: let the tree have them.
  find "$work/root/proc/sys" -type f -exec sed -i 's/	/ /g' {} +
  cp -a "$work/root" "$work/before"
}

usage_errors_exit_64_with_one_line() {
  for command in "show --bogus" "show --held" "show --held ten" "show --held 0" "apply --held 10000001" "apply --held -5" \
    "apply --bogus" "apply 100" "restore --yes"; do
    # shellcheck disable=SC2086 # a command and its options
    run 64 "$scripts"/$command
    expect_one_line
  done
  for script in show apply restore; do run 0 "$scripts/$script" --help; expect_output usage; done
}

show_prints_every_setting_and_the_harm() {
  run 0 "$scripts/show" --held 50000
  for key in nofile fs.nr_open fs.file-max net.core.rmem_max net.core.wmem_max net.ipv4.tcp_rmem net.ipv4.tcp_wmem \
    net.ipv4.tcp_mem net.ipv4.tcp_syncookies net.core.somaxconn net.ipv4.tcp_max_syn_backlog net.core.netdev_max_backlog \
    net.ipv4.tcp_keepalive_time net.ipv4.ip_local_port_range kernel.pid_max kernel.threads-max vm.max_map_count \
    net.netfilter.nf_conntrack_max; do
    grep -q "^$key  " "$work/output" || fail "no line for $key"
  done
  expect_output 'net.ipv4.tcp_mem = 50576 64768 98152'
  expect_output 'https://docs.kernel.org/networking/ip-sysctl.html'
  expect_as_before show
}

apply_without_yes_changes_nothing() {
  run 0 "$scripts/apply" --held 100000 --persist
  expect_output 'net.core.somaxconn: 128 -> 4096'
  expect_output 'nothing was changed'
  expect_as_before 'dry run'
}

apply_then_restore_leaves_everything_as_before() {
  run 0 "$scripts/apply" --held 100000 --yes
  expect_value net/core/somaxconn 4096
  expect_value net/core/netdev_max_backlog 16384
  expect_value net/ipv4/tcp_mem '200000 266666 400000'
  expect_value net/ipv4/ip_local_port_range '10000 65535'
  expect_value kernel/threads-max 104096
  expect_value vm/max_map_count 204096
  expect_value net/netfilter/nf_conntrack_max 265536
  [ -z "$(ls "$work/root/etc/sysctl.d")" ] || fail 'a file in sysctl.d without --persist'
  run 0 "$scripts/restore"
  expect_as_before restore
}

apply_never_lowers_a_value() {
  put net/core/somaxconn 65535
  put net/core/rmem_max 16777216
  put kernel/pid_max 4194304
  run 0 "$scripts/apply" --held 100 --yes
  expect_value net/core/somaxconn 65535
  expect_value net/core/rmem_max 16777216
  expect_value net/ipv4/tcp_rmem '4096 131072 33554432'
  expect_value fs/file-max 9223372036854775807
  expect_value kernel/pid_max 4194304
  expect_value net/ipv4/ip_local_port_range '32768 60999'
}

persist_writes_two_files_and_restore_removes_them() {
  run 0 "$scripts/apply" --held=100000 --persist --yes
  grep -qx 'net.core.somaxconn=4096' "$work/root/etc/sysctl.d/90-comet-patterns.conf" || fail 'sysctl.d'
  grep -qx '\* hard nofile 101024' "$work/root/etc/security/limits.d/90-comet-patterns.conf" || fail 'limits.d'
  run 0 "$scripts/restore"
  expect_as_before restore
}

a_second_apply_is_refused_and_keeps_the_first_save() {
  run 0 "$scripts/apply" --held 100000 --yes
  run 1 "$scripts/apply" --held 200000 --yes
  expect_output 'run tuning/restore first'
  run 0 "$scripts/restore"
  expect_as_before restore
  run 0 "$scripts/restore"
  expect_output 'nothing to restore'
}

apply_with_nothing_to_change_saves_nothing() {
  run 0 "$scripts/apply" --held 100000 --yes
  rm "$work/root/var/lib/comet-patterns/tuning.saved"
  run 0 "$scripts/apply" --held 100000 --yes
  expect_output 'nothing to change'
  [ ! -e "$work/root/var/lib/comet-patterns/tuning.saved" ] || fail 'a save of nothing'
}

a_key_that_does_not_exist_is_named_and_left_out() {
  rm -r "$work/root/proc/sys/net/netfilter"
  run 0 "$scripts/apply" --held 100000 --yes
  expect_output 'net.netfilter.nf_conntrack_max does not exist here'
  rm "$work/root/proc/sys/vm/max_map_count" "$work/before/proc/sys/vm/max_map_count"
  rm -r "$work/before/proc/sys/net/netfilter"
  run 0 "$scripts/restore"
  expect_output 'vm.max_map_count does not exist any more'
  expect_as_before restore
}

# ngroups_max is read-only, for root too.
a_read_only_key_is_refused_before_any_change() {
  ln -sf /proc/sys/kernel/ngroups_max "$work/root/proc/sys/vm/max_map_count"
  ln -sf /proc/sys/kernel/ngroups_max "$work/before/proc/sys/vm/max_map_count"
  run 1 "$scripts/apply" --held 100000 --yes
  expect_output 'vm.max_map_count'
  expect_as_before refusal
}

a_save_that_cannot_be_written_is_refused() {
  rm -r "$work/root/var/lib/comet-patterns" "$work/before/var/lib/comet-patterns"
  touch "$work/root/var/lib/comet-patterns" "$work/before/var/lib/comet-patterns"
  run 1 "$scripts/apply" --held 100000 --yes
  expect_output 'cannot write'
  expect_as_before refusal
}

a_foreign_file_of_our_name_is_refused() {
  touch "$work/root/etc/sysctl.d/90-comet-patterns.conf" "$work/before/etc/sysctl.d/90-comet-patterns.conf"
  run 1 "$scripts/apply" --held 100000 --persist --yes
  expect_output 'is there already'
  expect_as_before refusal
}

a_write_that_fails_half_way_is_undone() {
  ln -s "$work/no/such/folder" "$work/root/etc/security/limits.d/90-comet-patterns.conf"
  run 1 "$scripts/apply" --held 100000 --persist --yes
  expect_output 'putting everything back'
  expect_as_before undo
}

a_save_with_a_foreign_line_is_refused() {
  run 0 "$scripts/apply" --held 100000 --yes
  echo 'kernel.hostname=x' >> "$work/root/var/lib/comet-patterns/tuning.saved"
  run 1 "$scripts/restore"
  expect_output "'kernel.hostname'"
  expect_value net/core/somaxconn 4096
}

# The network keys are the kernel's here, of a namespace that ends with this process; the rest is the tree.
apply_then_restore_in_a_network_namespace() {
  rm -r "$work/root/proc/sys/net"
  mkdir "$work/root/proc/sys/net"
  ln -s /proc/sys/net/core /proc/sys/net/ipv4 "$work/root/proc/sys/net/"
  echo 300 > /proc/sys/net/core/somaxconn
  echo 200 > /proc/sys/net/ipv4/tcp_max_syn_backlog
  values() { (cd /proc/sys/net && grep -s . core/somaxconn core/*mem_max ipv4/tcp_[rw]mem ipv4/tcp_syncookies \
    ipv4/tcp_max_syn_backlog ipv4/tcp_keepalive_time ipv4/ip_local_port_range); }
  values > "$work/namespace-before"
  run 0 "$scripts/apply" --held 100000 --yes
  [ "$(cat /proc/sys/net/core/somaxconn)" = 4096 ] || fail 'somaxconn was not changed'
  [ "$(cat /proc/sys/net/ipv4/tcp_max_syn_backlog)" = 4096 ] || fail 'tcp_max_syn_backlog was not changed'
  values > "$work/namespace-applied"
  grep -q '^ipv4/ip_local_port_range:10000.65535$' "$work/namespace-applied" || fail 'the port range was not changed'
  run 0 "$scripts/restore"
  values | diff "$work/namespace-before" - || fail 'not as before'
}

run_test() {
  test_name=$1
  make_root
  "$1"
}

if [ -n "$in_namespace" ]; then
  run_test apply_then_restore_in_a_network_namespace
  exit "$failures"
fi

for name in usage_errors_exit_64_with_one_line show_prints_every_setting_and_the_harm apply_without_yes_changes_nothing \
  apply_then_restore_leaves_everything_as_before apply_never_lowers_a_value \
  persist_writes_two_files_and_restore_removes_them a_second_apply_is_refused_and_keeps_the_first_save \
  apply_with_nothing_to_change_saves_nothing a_key_that_does_not_exist_is_named_and_left_out \
  a_read_only_key_is_refused_before_any_change a_save_that_cannot_be_written_is_refused \
  a_foreign_file_of_our_name_is_refused a_write_that_fails_half_way_is_undone a_save_with_a_foreign_line_is_refused; do
  run_test "$name"
done

unshare_options="-n"
[ "$(id -u)" -eq 0 ] || unshare_options="-rn"
if unshare "$unshare_options" test -w /proc/sys/net/core/somaxconn 2>/dev/null; then
  unshare "$unshare_options" sh "$0" --in-namespace "$scripts" || failures=$((failures + 1))
else
  echo "left out: apply_then_restore_in_a_network_namespace (no network namespace may be made here)"
fi

[ "$failures" -eq 0 ] && echo "all passed"
[ "$failures" -eq 0 ]
