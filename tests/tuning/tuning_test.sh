#!/bin/sh
# Tests tuning/show, apply and restore. Usage: tuning_test.sh FOLDER-OF-THE-SCRIPTS [BUSYBOX]. Nothing of this
# machine is changed: the scripts work in a tree that stands for the root folder, and with the real network
# keys of a new network namespace. BUSYBOX, a path: the scripts run in its shell, and this and they find no
# other programs than its own.
set -u

if [ "${1:-}" = --in-namespace ]; then in_namespace=yes; shift; else in_namespace=""; fi
folder=$(cd "${1:?folder of the scripts}" && pwd) || exit 1
busybox=${2:-}
work=$(mktemp -d) || exit 1
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
export COMET_TUNING_ROOT="$work/root"
failures=0

# shellcheck source=tests/tuning/tree.sh
. "$(dirname "$0")/tree.sh"
# shellcheck source=tests/tuning/kept_values.sh
. "$(dirname "$0")/kept_values.sh"
# shellcheck source=tests/tuning/network.sh
. "$(dirname "$0")/network.sh"

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
  expect_output 'systemd-system.conf'
  ! grep -q 'no setting helps' "$work/output" || fail '50,000 held requests fit 8 GiB'
  expect_as_before show
}

show_says_when_memory_is_too_small() {
  run 0 "$scripts/show" --held 1000000
  expect_output 'no setting helps: 1000000 held requests take 9765 MiB of kernel memory, more than the 8192 MiB'
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
  expect_value kernel/pid_max 116448
  expect_value kernel/threads-max 104160
  expect_value vm/max_map_count 204096
  expect_value net/netfilter/nf_conntrack_max 265536
  [ -z "$(ls "$work/root/etc/sysctl.d")" ] || fail 'a file in sysctl.d without --persist'
  run 0 "$scripts/restore"
  expect_as_before restore
}

what_is_there_already_is_added() {
  echo '0.10 0.20 0.30 2/20000 4711' > "$work/root/proc/loadavg"
  put fs/file-nr '200000	0	500000'
  put fs/file-max 500000
  put net/netfilter/nf_conntrack_count 70000
  run 0 "$scripts/apply" --held 100000 --yes
  expect_value fs/file-max 665536
  expect_value kernel/pid_max 136448
  expect_value kernel/threads-max 124160
  expect_value net/netfilter/nf_conntrack_max 335536
  echo '0.10 0.20 0.30 2/21000 4711' > "$work/root/proc/loadavg"
  run 0 "$scripts/apply" --held 100000 --yes
  expect_output 'no setting of the kernel to change'
}

apply_never_lowers_a_value() {
  put net/core/somaxconn 65535
  put net/core/rmem_max 16777216
  put kernel/pid_max 4194304
  put fs/file-max 18446744073709551615
  run 0 "$scripts/apply" --held 100 --yes
  ! grep -q -i illegal "$work/output" || fail "$(cat "$work/output")"
  expect_value net/core/somaxconn 65535
  expect_value net/core/rmem_max 16777216
  expect_value net/ipv4/tcp_rmem '4096 131072 33554432'
  expect_value fs/file-max 18446744073709551615
  expect_value kernel/pid_max 4194304
  expect_value net/ipv4/ip_local_port_range '32768 60999'
}

ports_are_widened_where_they_are_fewer_than_the_requests() {
  put net/ipv4/ip_local_port_range '32768 40000'
  run 0 "$scripts/apply" --held 7000 --yes
  expect_value net/ipv4/ip_local_port_range '32768 40000'
  run 0 "$scripts/restore"
  run 0 "$scripts/apply" --held 8000 --yes
  expect_value net/ipv4/ip_local_port_range '10000 65535'
}

# On a small machine the kernel's own maximum of the buffers is a little below 1/128 of the memory.
the_kernels_own_buffer_limits_are_left_alone() {
  echo 'MemTotal:         262144 kB' > "$work/root/proc/meminfo"
  put net/ipv4/tcp_rmem '4096 131072 2056000'
  put net/ipv4/tcp_wmem '4096 16384 2056000'
  run 0 "$scripts/apply" --held 100
  ! grep -q 'tcp_[rw]mem:' "$work/output" || fail "$(cat "$work/output")"
}

a_second_apply_is_refused_and_keeps_the_first_save() {
  run 0 "$scripts/apply" --held 100000 --yes
  run 1 "$scripts/apply" --held 200000 --yes
  expect_output 'run tuning/restore first'
  run 1 "$scripts/apply" --held 200000
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
  expect_output 'hard limit of open files: too low'
  expect_output 'no setting of the kernel to change'
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
  ! grep -q 'putting everything back' "$work/output" || fail 'it was tried'
  expect_as_before refusal
}

restore_leaves_a_read_only_key_that_is_as_it_was() {
  ln -sf /proc/sys/kernel/ngroups_max "$work/root/proc/sys/vm/max_map_count"
  echo "vm.max_map_count=$(cat /proc/sys/kernel/ngroups_max)" > "$work/root/var/lib/comet-patterns/tuning.saved"
  run 0 "$scripts/restore"
  [ ! -e "$work/root/var/lib/comet-patterns/tuning.saved" ] || fail 'the save is still there'
}

# Sets as_user, the words before a command that is to run as somebody who is not root. False if
# there are none.
become_user() {
  as_user=""
  [ "$(id -u)" -eq 0 ] || return 0
  as_user="setpriv --reuid=65534 --regid=65534 --clear-groups"
  $as_user true 2>/dev/null && return 0
  echo "left out: $test_name (no setpriv here that changes the user)"
  return 1
}

without_root_sudo_is_named() {
  become_user || return 0
  chmod -R a-w "$work/root/proc"
  # shellcheck disable=SC2086 # a command and its options
  run 1 $as_user "$scripts/apply" --held 100000 --yes
  expect_output 'needs root: use sudo tuning/apply'
  # shellcheck disable=SC2086
  run 0 $as_user "$scripts/apply" --held 100000
  expect_output 'add --yes to do this'
}

a_save_that_root_wrote_is_seen_by_everybody() {
  become_user || return 0
  saved=$work/root/var/lib/comet-patterns
  rm -r "$saved"
  umask 077
  run 0 "$scripts/apply" --held 100000 --yes
  umask 022
  chmod a-w "$saved/tuning.saved"
  # shellcheck disable=SC2086 # a command and its options
  run 1 $as_user "$scripts/restore"
  expect_output 'removing'
  for closed in "$saved/tuning.saved" "$saved"; do
    chmod 000 "$closed"
    for script in restore apply; do
      # shellcheck disable=SC2086
      run 1 $as_user "$scripts/$script"
      expect_one_line
      expect_output "needs root: use sudo tuning/$script"
    done
  done
  chmod 755 "$saved"
}

a_save_that_cannot_be_written_is_refused() {
  rm -r "$work/root/var/lib/comet-patterns" "$work/before/var/lib/comet-patterns"
  touch "$work/root/var/lib/comet-patterns" "$work/before/var/lib/comet-patterns"
  run 1 "$scripts/apply" --held 100000 --yes
  expect_output 'cannot write'
  expect_as_before refusal
}

a_foreign_file_of_our_name_is_refused() {
  touch "$work/root/$sysctl_file" "$work/before/$sysctl_file"
  run 1 "$scripts/apply" --held 100000 --persist --yes
  expect_output 'is there already'
  expect_as_before refusal
}

a_write_that_fails_half_way_is_undone() {
  ln -s "$work/no/such/folder" "$work/root/$limits_file"
  run 1 "$scripts/apply" --held 100000 --persist --yes
  expect_output 'putting everything back'
  expect_as_before undo
}

an_undo_leaves_what_an_earlier_apply_set() {
  run 0 "$scripts/apply" --held 100000 --yes
  cp -a "$work/root" "$work/applied"
  ln -s "$work/no/such/folder" "$work/root/$limits_file"
  run 1 "$scripts/apply" --held 100000 --persist --yes
  expect_output 'putting everything back'
  diff -r "$work/applied" "$work/root" || fail 'the undo changed what the first apply set'
  run 0 "$scripts/restore"
  expect_as_before restore
}

a_save_with_a_foreign_line_is_refused() {
  run 0 "$scripts/apply" --held 100000 --yes
  echo 'kernel.hostname=x' >> "$work/root/var/lib/comet-patterns/tuning.saved"
  run 1 "$scripts/restore"
  expect_output "'kernel.hostname'"
  expect_value net/core/somaxconn 4096
}

if [ -n "$in_namespace" ]; then
  for name in apply_then_restore_in_a_network_namespace a_value_that_the_kernel_refuses_is_undone \
    what_cannot_be_put_back_stays_saved; do
    run_test "$name"
  done
  exit "$failures"
fi

for name in usage_errors_exit_64_with_one_line show_prints_every_setting_and_the_harm show_says_when_memory_is_too_small \
  apply_without_yes_changes_nothing apply_then_restore_leaves_everything_as_before \
  what_is_there_already_is_added apply_never_lowers_a_value \
  ports_are_widened_where_they_are_fewer_than_the_requests the_kernels_own_buffer_limits_are_left_alone \
  persist_writes_two_files_and_restore_removes_them persist_after_apply_writes_what_is_set_already \
  persist_without_a_limit_to_raise_needs_no_limits_folder persist_names_files_that_are_read_later \
  a_save_of_an_earlier_boot_is_void what_is_persisted_is_restored_after_a_boot \
  a_second_apply_is_refused_and_keeps_the_first_save apply_with_nothing_to_change_saves_nothing \
  a_key_that_does_not_exist_is_named_and_left_out a_read_only_key_is_refused_before_any_change \
  restore_leaves_a_read_only_key_that_is_as_it_was without_root_sudo_is_named \
  a_save_that_root_wrote_is_seen_by_everybody a_save_that_cannot_be_written_is_refused \
  a_foreign_file_of_our_name_is_refused a_write_that_fails_half_way_is_undone \
  an_undo_leaves_what_an_earlier_apply_set a_save_with_a_foreign_line_is_refused; do
  run_test "$name"
done

unshare_options="-n"
[ "$(id -u)" -eq 0 ] || unshare_options="-rn"
if unshare "$unshare_options" test -w /proc/sys/net/core/somaxconn 2>/dev/null; then
  unshare "$unshare_options" sh "$0" --in-namespace "$folder" ${busybox:+"$busybox"} || failures=$((failures + 1))
else
  echo "left out: the tests in a network namespace (no network namespace may be made here)"
fi

[ "$failures" -eq 0 ] && echo "all passed"
[ "$failures" -eq 0 ]
