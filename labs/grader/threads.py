"""Where each thread of a program stands, for a program that hangs."""
import os
import pathlib
import platform
import re
import shutil
import subprocess

from .processes import descendants

ENDED = "has ended"
# What a blocked thread waits for, by the number of its system call.
WAITS = {
    "x86_64": {0: "read: for bytes", 1: "write: for room", 7: "poll: for events", 17: "pread", 20: "writev: for room",
               23: "select: for events", 35: "sleeps for a time", 43: "accept: for a connection",
               44: "sendto: for room", 45: "recvfrom: for bytes", 46: "sendmsg: for room", 47: "recvmsg: for bytes",
               61: "wait: for a process", 128: "for a signal", 202: "futex: for a lock or a condition variable",
               230: "sleeps for a time", 232: "epoll: for events", 270: "select: for events", 271: "poll: for events",
               281: "epoll: for events", 288: "accept: for a connection", 426: "io_uring: for completions"},
    "aarch64": {22: "epoll: for events", 63: "read: for bytes", 64: "write: for room", 72: "select: for events",
                73: "poll: for events", 98: "futex: for a lock or a condition variable", 115: "sleeps for a time",
                202: "accept: for a connection", 206: "sendto: for room", 207: "recvfrom: for bytes",
                242: "accept: for a connection", 260: "wait: for a process"},
}.get(platform.machine(), {})


def file(process, thread, name):
    try:
        return pathlib.Path(f"/proc/{process}/task/{thread}/{name}").read_text().strip()
    except OSError:
        return ""  # it has ended, or it is not ours to look at


def stands(process, thread):
    """In words, for one thread."""
    state = file(process, thread, "stat").rpartition(")")[2].split()
    call = file(process, thread, "syscall").split()
    if not state or state[0] in "ZX":
        return ENDED
    if state[0] == "R" or call == ["running"]:
        return "runs"
    if call and call[0].isdigit():
        return WAITS.get(int(call[0]), f"in system call {call[0]}")
    return f"waits in the kernel ({file(process, thread, 'wchan') or 'where, the kernel does not say'})"


def standing(process, program):
    """A line for each thread of the processes below `process` whose program is called `program`."""
    lines = []
    for one in [process, *descendants(process)]:
        if file(one, one, "comm") != program[:15]:
            continue
        try:
            threads = sorted(map(int, os.listdir(f"/proc/{one}/task")))
        except OSError:
            continue
        lines += [f"process {one}, thread {thread}: {stands(one, thread)}" for thread in threads]
    return [line for line in lines if not line.endswith(ENDED)]


def frames(process, program, source):
    """With gdb, where it is there: for each thread the innermost line of the student's file."""
    if not shutil.which("gdb"):
        return []
    lines = []
    for one in descendants(process):
        if file(one, one, "comm") != program[:15]:
            continue
        try:
            said = subprocess.run(["gdb", "-nx", "-batch", "-p", str(one), "-ex", "thread apply all -s backtrace 30"],
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20).stdout
        except subprocess.TimeoutExpired:
            continue
        for part in re.split(r"^Thread ", said, flags=re.M)[1:]:
            thread = re.search(r"LWP (\d+)", part)
            frame = re.search(r"in (\S+) .*\bat \S*" + re.escape(source) + r":(\d+)", part)
            if thread and frame:
                lines.append(f"process {one}, thread {thread[1]}: {source}:{frame[2]} in {frame[1]}")
    return lines
