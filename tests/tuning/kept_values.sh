# shellcheck shell=sh
# Tests of what outlives a boot: the files of --persist, and the save. Sourced by tuning_test.sh.

sysctl_file=etc/sysctl.d/99-zz-comet-patterns.conf
limits_file=etc/security/limits.d/90-comet-patterns.conf

persist_writes_two_files_and_restore_removes_them() {
  run 0 "$scripts/apply" --held=100000 --persist --yes
  expect_line $sysctl_file 'net.core.somaxconn=4096'
  expect_line $sysctl_file '-net.netfilter.nf_conntrack_max=265536'
  expect_line $limits_file '* hard nofile 101024'
  run 0 "$scripts/apply" --held=100000 --persist --yes
  expect_output 'no setting of the kernel to change'
  run 0 "$scripts/restore"
  expect_as_before restore
}

persist_after_apply_writes_what_is_set_already() {
  run 0 "$scripts/apply" --held 100000 --yes
  run 0 "$scripts/apply" --held 100000 --persist --yes
  expect_line $sysctl_file 'net.core.somaxconn=4096'
  expect_line $limits_file '* hard nofile 101024'
  run 0 "$scripts/restore"
  expect_as_before restore
}

# A low soft limit is none to raise: the servers do that themselves.
persist_without_a_limit_to_raise_needs_no_limits_folder() {
  for tree in root before; do
    rm -r "$work/$tree/etc/security"
    echo 'Max open files            256                  524288               files     ' > "$work/$tree/proc/self/limits"
  done
  run 0 "$scripts/apply" --held 100000 --persist --yes
  run 0 "$scripts/restore"
  expect_as_before restore
}

persist_names_files_that_are_read_later() {
  printf '# net.core.somaxconn = 1\nnet.core.somaxconn = 128\nnet.ipv4.tcp_syncookies=1\n' > "$work/root/etc/sysctl.conf"
  echo '-kernel/pid_max=32768' > "$work/root/etc/sysctl.d/zz-last.conf"
  echo 'kernel.threads-max=1' > "$work/root/etc/sysctl.d/99-sysctl.conf"
  run 0 "$scripts/apply" --held 100000 --persist
  expect_output '/etc/sysctl.conf sets net.core.somaxconn=128 and may be read later'
  expect_output '/etc/sysctl.d/zz-last.conf sets kernel.pid_max=32768 and may be read later'
  [ "$(grep -c 'read later' "$work/output")" -eq 2 ] || fail "more than two warnings: $(cat "$work/output")"
}

a_save_of_an_earlier_boot_is_void() {
  run 0 "$scripts/apply" --held 100000 --yes
  put net/core/somaxconn 1000 # as this boot set it
  new_boot second
  run 0 "$scripts/restore"
  expect_output 'has started anew'
  expect_value net/core/somaxconn 1000
  [ ! -e "$work/root/var/lib/comet-patterns/tuning.saved" ] || fail 'the save is still there'
  run 0 "$scripts/apply" --held 100000 --yes
  new_boot third
  put net/core/somaxconn 2000
  run 0 "$scripts/apply" --held 100000 --yes
  run 0 "$scripts/restore"
  expect_value net/core/somaxconn 2000
}

what_is_persisted_is_restored_after_a_boot() {
  run 0 "$scripts/apply" --held 100000 --persist --yes
  new_boot second
  run 0 "$scripts/restore"
  expect_as_before restore
}
