# Sourced by tuning_test.sh: its tests with the real keys of a network namespace.
# shellcheck shell=sh

# The network keys are the kernel's from here on, of a namespace that ends with this process; the rest
# is the tree.
use_network_of_namespace() {
  rm -r "$work/root/proc/sys/net"
  mkdir "$work/root/proc/sys/net"
  ln -s /proc/sys/net/core /proc/sys/net/ipv4 "$work/root/proc/sys/net/"
  echo 300 > /proc/sys/net/core/somaxconn
  echo 200 > /proc/sys/net/ipv4/tcp_max_syn_backlog
  network_values > "$work/namespace-before"
}

network_values() {
  (cd /proc/sys/net && grep -s . core/somaxconn core/*mem_max ipv4/tcp_[rw]mem ipv4/tcp_syncookies \
    ipv4/tcp_max_syn_backlog ipv4/tcp_keepalive_time ipv4/ip_local_port_range)
}

expect_network_as_before() {
  network_values | diff "$work/namespace-before" - || fail "$1: the network is not as before"
  rm -r "$work/root/proc/sys/net" "$work/before/proc/sys/net"
  expect_as_before "$1"
}

apply_then_restore_in_a_network_namespace() {
  use_network_of_namespace
  run 0 "$scripts/apply" --held 100000 --yes
  [ "$(cat /proc/sys/net/core/somaxconn)" = 4096 ] || fail 'somaxconn was not changed'
  [ "$(cat /proc/sys/net/ipv4/tcp_max_syn_backlog)" = 4096 ] || fail 'tcp_max_syn_backlog was not changed'
  network_values | grep -q '^ipv4/ip_local_port_range:10000.65535$' || fail 'the port range was not changed'
  run 0 "$scripts/restore"
  expect_network_as_before restore
}

# The kernel lets no range of ports begin below the first that everybody may listen on.
a_value_that_the_kernel_refuses_is_undone() {
  use_network_of_namespace
  echo 20000 > /proc/sys/net/ipv4/ip_unprivileged_port_start
  run 1 "$scripts/apply" --held 100000 --yes
  echo 1024 > /proc/sys/net/ipv4/ip_unprivileged_port_start
  expect_output 'the kernel refused net.ipv4.ip_local_port_range=10000 65535; putting everything back'
  expect_network_as_before undo
}

what_cannot_be_put_back_stays_saved() {
  use_network_of_namespace
  run 0 "$scripts/apply" --held 100000 --yes
  echo '50000 60000' > /proc/sys/net/ipv4/ip_local_port_range
  echo 40000 > /proc/sys/net/ipv4/ip_unprivileged_port_start
  run 1 "$scripts/restore"
  expect_output 'could not put back: net.ipv4.ip_local_port_range;'
  expect_value net/core/somaxconn 300
  expect_value kernel/pid_max 32768 # which comes after the range
  echo 1024 > /proc/sys/net/ipv4/ip_unprivileged_port_start
  run 0 "$scripts/restore"
  expect_network_as_before restore
}
