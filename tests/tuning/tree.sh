# shellcheck shell=sh
# The tree that stands for the root folder, and what tests of the tuning scripts ask of it. Sourced by
# tuning_test.sh, which sets $folder, $busybox, $work and $failures.

# A copy, which everybody may read and whose first line names the shell.
cp -R "$folder" "$work/tuning" || exit 1
scripts=$work/tuning
if [ -n "$busybox" ]; then
  sed -i "1s|.*|#!$busybox sh|" "$scripts/show" "$scripts/apply" "$scripts/restore"
  mkdir "$work/bin" && "$busybox" --install -s "$work/bin" && PATH=$work/bin || exit 1
fi

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

expect_line() { grep -qxF -- "$2" "$work/root/$1" || fail "no '$2' in $1: $(cat "$work/root/$1")"; }
new_boot() { for tree in root before; do echo "$1" > "$work/$tree/proc/sys/kernel/random/boot_id"; done; }

put() { mkdir -p "$work/root/proc/sys/${1%/*}" && printf '%s\n' "$2" > "$work/root/proc/sys/$1"; }

# A machine of 8 GiB and 4 cores as Linux starts it, with the tabs that /proc has.
make_root() {
  rm -rf "$work/root" "$work/before"
  mkdir -p "$work/root/proc/self" "$work/root/etc/sysctl.d" "$work/root/etc/security/limits.d" "$work/root/var/lib/comet-patterns"
  echo 'MemTotal:        8388608 kB' > "$work/root/proc/meminfo"
  printf 'cpu  1 2 3\ncpu0 1 2 3\ncpu1 1 2 3\ncpu2 1 2 3\ncpu3 1 2 3\n' > "$work/root/proc/stat"
  echo 'Max open files            1024                 4096                 files     ' > "$work/root/proc/self/limits"
  put kernel/random/boot_id first
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
  # What apply and restore write has single spaces, which the kernel takes and shows as tabs: let the
  # tree have them.
  find "$work/root/proc/sys" -type f -exec sed -i 's/	/ /g' {} +
  cp -a "$work/root" "$work/before"
}

run_test() {
  test_name=$1
  make_root
  "$1"
}
