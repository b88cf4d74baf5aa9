# shellcheck shell=sh disable=SC2034
# The settings that limit how many requests a Linux machine can hold, and what show, apply and restore
# share. Sourced. COMET_TUNING_ROOT stands before every path that is read or written; tests set it, nobody
# else needs it.
root=${COMET_TUNING_ROOT:-}
save=$root/var/lib/comet-patterns/tuning.saved
# Files of sysctl.d are read in the order of their names: this comes after 99-sysctl.conf, which
# is /etc/sysctl.conf.
sysctl_file=$root/etc/sysctl.d/99-zz-comet-patterns.conf
limits_file=$root/etc/security/limits.d/90-comet-patterns.conf
program=tuning/${0##*/}
held=100000
umask 022 # everybody may read what is written: restore says what there is, and sysctl.d is no secret

refuse() {
  echo "$program: $*" >&2
  exit 1
}

usage_error() {
  echo "$program: $*; see $program --help" >&2
  exit 64
}

# The argument of --held: simultaneous held requests, 1 to 10,000,000.
set_held() {
  case $1 in
    '' | 0* | *[!0-9]* | ?????????*) usage_error "--held takes a number from 1 to 10000000, as in --held 100000" ;;
  esac
  [ "$1" -le 10000000 ] || usage_error "--held takes a number from 1 to 10000000"
  held=$1
}

# Reads the machine: memory in bytes and in pages, cores, and what is there now of tasks, open files and
# tracked connections. What `recommended` computes with.
read_machine() {
  page=$(getconf PAGESIZE 2>/dev/null) || # busybox has no getconf
    page=$(awk '$1 == "KernelPageSize:" { print $2 * 1024; exit }' /proc/self/smaps 2>/dev/null) || true
  [ "${page:-0}" -gt 0 ] || page=4096
  kilobytes=$(awk '$1 == "MemTotal:" { print $2 }' "$root/proc/meminfo" 2>/dev/null) || true
  cores=$(awk '/^cpu[0-9]/ { n++ } END { print n + 0 }' "$root/proc/stat" 2>/dev/null) || true
  [ -n "$kilobytes" ] || refuse "cannot read $root/proc/meminfo: this needs Linux with /proc mounted"
  [ "${cores:-0}" -gt 0 ] || cores=1
  memory=$((kilobytes * 1024))
  pages=$((memory / page))
  tasks=$(awk '{ sub(/.*\//, "", $4); print $4 }' "$root/proc/loadavg" 2>/dev/null) || true
  files=$(current fs.file-nr)
  files=${files%% *}
  tracked=$(current net.netfilter.nf_conntrack_count)
}

# What one held request takes of kernel memory: both ends of its connection, as results/reference has it
# after messages.
kernel_bytes=10240
warn_of_memory() {
  wanted_memory=$((held * kernel_bytes))
  [ "$wanted_memory" -le "$memory" ] ||
    echo "no setting helps: $held held requests take $((wanted_memory / 1048576)) MiB of kernel memory, more than the" \
      "$((memory / 1048576)) MiB of this machine (10 KiB each, both ends of a connection)"
}

# Calls "$1" KEY ARTICLE DEFAULT DOCUMENT WHY HARM for each setting, in the order of the page that `show`
# prints. ARTICLE: the value of the article of 2010, or -. DEFAULT: Linux 6.x. DOCUMENT: the page of the
# kernel's documentation, or an address, that says so. HARM: what the article's value does today, empty where
# it does none. `nofile` is no sysctl: the soft and hard limit of open files of one process.
for_each_setting() {
  "$1" nofile 'root 32768, * 1024 2048' '1024 524288' \
    https://www.freedesktop.org/software/systemd/man/latest/systemd-system.conf.html \
    'a held request is an open file; the servers raise the soft limit themselves, so only the hard one counts' \
    'caps root at 32,768 held requests and everybody else at 2,048; systemd gives services 524,288 (DefaultLimitNOFILE=)'
  "$1" fs.nr_open - 1048576 admin-guide/sysctl/fs \
    'no process may have a higher open-file limit than this' ''
  "$1" fs.file-max - 'by memory' admin-guide/sysctl/fs \
    'open files of all processes together: both ends of each connection, and two more for a process of prefork' ''
  "$1" net.core.rmem_max 16777216 4194304 admin-guide/sysctl/net \
    'only for programs that set SO_RCVBUF themselves: no server here does (212992 before Linux 6.18)' ''
  "$1" net.core.wmem_max 16777216 4194304 admin-guide/sysctl/net \
    'caps what a program asks for with SO_SNDBUF: the servers ask for 64 KiB (212992 before Linux 6.18)' ''
  "$1" net.ipv4.tcp_rmem '4096 87380 16777216' '4096 131072 33554432' networking/ip-sysctl \
    'limits, not reservations: an idle connection holds no buffer, so smaller ones save nothing (6291456 before 6.16)' \
    'lowers the default (131072 since Linux 4.20), and with it the first window, and since 6.16 the maximum'
  "$1" net.ipv4.tcp_wmem '4096 65536 16777216' '4096 16384 4194304' networking/ip-sysctl \
    'only for sockets without an SO_SNDBUF of their own: the servers set one, for clients that do not read' \
    'raises the ceiling for a client that does not read from 4 to 16 MiB'
  "$1" net.ipv4.tcp_mem '50576 64768 98152' '4.7 6.3 9.4 % of memory' networking/ip-sysctl \
    'pages (not bytes) for all sockets together; 4 for each held request, as both ends may have one each way' \
    'in pages: TCP saves memory from 253 MiB on and gets no more than 383 MiB, below the default of any machine over 4 GiB'
  "$1" net.ipv4.tcp_syncookies 1 1 networking/ip-sysctl \
    'a net for floods, not for load: where the log shows them, raise the two backlogs below' ''
  "$1" net.core.somaxconn 4096 4096 networking/ip-sysctl \
    'connections that wait for accept(); the servers ask for 4,096 (128 before Linux 5.4)' ''
  "$1" net.ipv4.tcp_max_syn_backlog - 'by memory' networking/ip-sysctl \
    'half-open connections per listener, 304 bytes each: everybody comes back at once after a restart' ''
  "$1" net.core.netdev_max_backlog 2500 1000 admin-guide/sysctl/net \
    'packets that wait for one core: a broadcast is answered by one from each subscriber' ''
  "$1" net.ipv4.tcp_keepalive_time 300 7200 networking/ip-sysctl \
    'only for sockets with SO_KEEPALIVE; the hold time-out finds a vanished client sooner' ''
  "$1" net.ipv4.ip_local_port_range - '32768 60999' networking/ip-sysctl \
    'for the side that connects: one port for each connection from one address to one server' ''
  "$1" kernel.pid_max - 4194304 admin-guide/sysctl/kernel \
    'a process or thread for each held request in the prefork and threaded patterns (32768 without systemd)' ''
  "$1" kernel.threads-max - 'by memory' admin-guide/sysctl/kernel \
    'the same, as a number; the default lets thread structures fill an eighth of the memory' ''
  "$1" vm.max_map_count - 65530 admin-guide/sysctl/vm \
    'a stack with its guard page is two maps of a process: threads, and fibers too' ''
  "$1" net.netfilter.nf_conntrack_max - 'by memory' networking/nf_conntrack-sysctl \
    'one entry for each connection, kept for two minutes after it ends; a full table drops new ones' ''
}

path_of() { echo "$root/proc/sys/$(echo "$1" | tr . /)"; }

# The value now, with single spaces; empty where this kernel or container does not have the key.
current() {
  if [ "$1" = nofile ]; then
    awk '/^Max open files/ { print $4, $5 }' "$root/proc/self/limits" 2>/dev/null | sed 's/unlimited/1073741816/g'
  elif [ -r "$(path_of "$1")" ]; then
    tr -s '\t ' '  ' < "$(path_of "$1")"
  fi
}

# Number by number the larger: nothing here ever lowers a limit. One of 19 digits may be beyond what the
# shell counts to.
at_least() {
  result=""
  floors=$2
  # shellcheck disable=SC2086 # a list of numbers
  set -- $1
  for floor in $floors; do
    case ${1:-0} in
      ???????????????????*) floor=$1 ;;
      *) [ "${1:-0}" -lt "$floor" ] || floor=$1 ;;
    esac
    result="$result $floor"
    [ $# -eq 0 ] || shift
  done
  echo "${result# }"
}

# with_room CURRENT ENOUGH ROOM: the value now where it is enough, so that a second run finds nothing to
# change though a few more tasks or files are there by then.
with_room() { if [ "$(at_least "$1" "$2")" = "$1" ]; then echo "$1"; else echo $(($2 + $3)); fi; }

smaller() { if [ "$1" -lt "$2" ]; then echo "$1"; else echo "$2"; fi; }
larger() { if [ "$1" -gt "$2" ]; then echo "$1"; else echo "$2"; fi; }

# recommended KEY CURRENT: for this machine and --held; empty where nothing is. The reasons are in the
# table above.
recommended() {
  case $1 in
    nofile) at_least "$2" "0 $((held + 1024))" ;;
    fs.nr_open) at_least "$2" "$((held + 1024))" ;;
    fs.file-max) with_room "$2" $((4 * held + ${files:-0})) 65536 ;;
    net.core.rmem_max | net.core.wmem_max) at_least "$2" 212992 ;;
    # A little under the kernel's own formula (net/ipv4/tcp.c, tcp_init), which is 1/128 of the memory that
    # was free at its start.
    net.ipv4.tcp_rmem) at_least "$2" "4096 131072 $(larger 131072 "$(smaller 6291456 $((memory / 134)))")" ;;
    net.ipv4.tcp_wmem) at_least "$2" "4096 16384 $(larger 65536 "$(smaller 4194304 $((memory / 134)))")" ;;
    # No less than 9% of the memory (a little under the kernel's 9.4%), no more than a quarter; the
    # kernel's proportions.
    net.ipv4.tcp_mem)
      most=$(larger $((pages * 9 / 100)) "$(smaller $((4 * held)) $((pages / 4)))")
      at_least "$2" "$((most / 2)) $((most * 2 / 3)) $most"
      ;;
    net.ipv4.tcp_syncookies) at_least "$2" 1 ;;
    net.core.somaxconn | net.ipv4.tcp_max_syn_backlog) at_least "$2" 4096 ;;
    net.core.netdev_max_backlog) at_least "$2" "$(larger 1000 "$(smaller 16384 $((held / cores)))")" ;;
    # Above 10000: the servers' own ports stay out of it.
    net.ipv4.ip_local_port_range)
      if [ $((${2#* } - ${2% *} + 1)) -ge "$held" ]; then echo "$2"
      else echo "$(smaller "${2% *}" 10000) $(larger "${2#* }" 65535)"; fi
      ;;
    # 64: what the doctor of comet-loadgen keeps free.
    kernel.pid_max) smaller 4194304 "$(with_room "$2" $((held + ${tasks:-0} + 64)) 16384)" ;;
    kernel.threads-max) with_room "$2" $((held + ${tasks:-0} + 64)) 4096 ;;
    vm.max_map_count) at_least "$2" $((2 * held + 4096)) ;;
    net.netfilter.nf_conntrack_max) with_room "$2" $((2 * held + ${tracked:-0})) 65536 ;;
  esac
}

# Writes one sysctl; false if the kernel refuses the value.
write_value() { { printf '%s\n' "$2" > "$(path_of "$1")"; } 2>/dev/null; }

# Ends the run where one of the keys given cannot be written. Only a write can tell: for root `[ -w ]` of
# busybox is true on a read-only /proc/sys too.
require_writable() {
  for key in "$@"; do
    write_value "$key" "$(current "$key")" && continue
    if [ "$(id -u)" -ne 0 ]; then refuse "changing $key needs root: use sudo $program"; fi
    refuse "$key is read-only here (a container?): run this on the host; nothing was changed"
  done
}

boot_id() { cat "$root/proc/sys/kernel/random/boot_id" 2>/dev/null || true; }

# Sets save_state: none; live: the values saved are those of before; persisted: the same, and files were
# written; void: the machine has started anew since, which undid what was not persisted.
read_save_state() {
  save_state=none
  if [ -d "${save%/*}" ] && [ ! -x "${save%/*}" ]; then refuse "looking for $save needs root: use sudo $program"; fi
  [ -e "$save" ] || return 0
  [ -r "$save" ] || refuse "reading $save needs root: use sudo $program"
  save_state=live
  saved_boot=$(sed -n 's/^boot=//p' "$save")
  if grep -q '^persisted=yes$' "$save"; then save_state=persisted
  elif [ -n "$saved_boot" ] && [ "$saved_boot" != "$(boot_id)" ]; then save_state=void; fi
}
