"""Runs programs within bounds of time, CPU time, memory and output, and ends everything that they started."""
import ctypes
import dataclasses
import os
import pathlib
import re
import selectors
import signal
import subprocess
import time

PR_SET_CHILD_SUBREAPER = 36
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOOK_EVERY = 0.1  # seconds between two looks at memory
KEPT = 256 << 10  # bytes of output that are kept, of its beginning and of its end
LONGEST_LINE = 2000  # characters that are kept
CUT = b"\n... here output was left out ...\n"


@dataclasses.dataclass
class Bounds:
    seconds: float = 60
    output: int = 64 << 20  # bytes; whoever writes more is ended
    memory: int = 0  # bytes resident of the whole tree, and of files in memory; 0: no bound
    cpu_seconds: float = 0  # of the whole tree; 0: no bound


@dataclasses.dataclass
class Finished:
    status: int  # as subprocess has it: negative for a signal
    output: str  # standard output and error
    seconds: float
    stopped: str = ""  # why it was ended here: "time", "CPU time", "memory" or "output"


def adopt_orphans():
    """From now on what loses its parent becomes a child of this process, which so can find and end it."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "become subreaper")


def end_as_by_interrupt():
    """SIGTERM and a closed terminal end this program as Ctrl-C does, so that nothing of what it runs is left."""
    for number in ENDING:
        if signal.getsignal(number) is signal.SIG_DFL:  # not with nohup
            signal.signal(number, signal.default_int_handler)


def descendants(process, others=frozenset()):
    """All processes below `process`, without `others` and what is below these."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = pathlib.Path("/proc", entry, "stat").read_text()
            except OSError:
                continue  # it has ended
            children.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry))
    found, left = [], [process]
    while left:
        below = [one for one in children.get(left.pop(), []) if one not in others]
        left += below
        found += below
    return found


def words_of(process):
    """Its words; none if it has ended."""
    try:
        return pathlib.Path("/proc", str(process), "cmdline").read_text(errors="replace").split("\0")
    except OSError:
        return []


def resident_bytes(processes):
    pages = 0
    for process in processes:
        try:
            pages += int(pathlib.Path("/proc", str(process), "statm").read_text().split()[1])
        except (OSError, IndexError):
            pass  # it has ended
    return pages * os.sysconf("SC_PAGE_SIZE")


def shared_bytes():
    """What files in memory take, such as memfd_create's, mapped or not; of the whole machine, for the kernel does not say
    whose they are."""
    return int(re.search(r"Shmem: +(\d+) kB", pathlib.Path("/proc/meminfo").read_text())[1]) << 10


def cpu_seconds(processes):
    """Of these, and of their children that have ended and were waited for."""
    ticks = 0
    for process in processes:
        try:
            stat = pathlib.Path("/proc", str(process), "stat").read_text()
        except OSError:
            continue  # it has ended
        ticks += sum(map(int, stat.rpartition(")")[2].split()[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def beyond(bounds, child, shared_before):
    """Which bound of the whole tree is broken, if any."""
    tree = [child, *descendants(child)] if bounds.memory or bounds.cpu_seconds else []
    if bounds.memory and resident_bytes(tree) + max(0, shared_bytes() - shared_before) > bounds.memory:
        return "memory"
    return "CPU time" if bounds.cpu_seconds and cpu_seconds(tree) > bounds.cpu_seconds else ""


def run(command, bounds=Bounds(), watch=None, cwd=None, writable=()):
    """Runs a program to its end, one at a time. `watch(process)` is called now and then. Whatever happens, Ctrl-C too,
    nothing of it is left; what the caller had started before is left alone. `writable` are the folders that it writes
    into: only a sandbox needs to know (Sandbox.run)."""
    for folder in writable:
        folder.mkdir(parents=True, exist_ok=True)
    adopt_orphans()
    others = frozenset(descendants(os.getpid()))
    began = time.monotonic()
    child = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, start_new_session=True, cwd=cwd)
    try:
        output, stopped = follow(child, began + bounds.seconds, bounds, watch)
    finally:
        child.stdout.close()
        end_all(child, others)
    text = "\n".join(line[:LONGEST_LINE] for line in output.decode(errors="replace").split("\n"))
    return Finished(child.returncode, text, time.monotonic() - began, stopped)


def follow(child, deadline, bounds, watch):
    """Reads what the child writes until it has ended or breaks a bound: (output, which bound)."""
    begin, end, total = bytearray(), bytearray(), 0
    os.set_blocking(child.stdout.fileno(), False)
    ended = os.pidfd_open(child.pid)
    looked, shared_before = 0.0, shared_bytes()
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        selector.register(ended, selectors.EVENT_READ)
        stopped, over = "", False
        while not over and not stopped:
            over = any(key.fileobj == ended for key, _ in selector.select(LOOK_EVERY))
            while piece := read(child.stdout.fileno()):
                total += len(piece)
                room = KEPT - len(begin)
                begin += piece[:room]
                end = (end + piece[room:] if room < len(piece) else end)[-KEPT:]
                if total > bounds.output:
                    stopped = "output"
                    break
            if piece == b"" and child.stdout in selector.get_map():
                selector.unregister(child.stdout)  # nobody writes any more: else it is ready for ever
            now = time.monotonic()
            if now > deadline:
                stopped = "time"
            if now - looked > LOOK_EVERY and not over:
                looked = now
                if watch:
                    watch(child.pid)
                stopped = stopped or beyond(bounds, child.pid, shared_before)
    os.close(ended)
    whole = len(begin) + len(end) == total
    return bytes(begin + (b"" if whole else CUT) + end), "" if over else stopped


def read(descriptor):
    """None if nothing is there now, no bytes at the end."""
    try:
        return os.read(descriptor, 1 << 16)
    except BlockingIOError:
        return None


def end_all(child, others=frozenset()):
    """Ends the child and everything below this process but `others`. Again until nobody is there, for one may have
    forked before it was killed. Another Ctrl-C waits until that is done."""
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        child.poll()
        while left := [one for one in descendants(os.getpid(), others) if is_alive(one)]:
            for one in left:
                try:
                    os.kill(one, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            child.poll()
            time.sleep(0.005)
        child.wait()
        for one in descendants(os.getpid(), others):  # ended, and this process's to wait for
            try:
                os.waitpid(one, os.WNOHANG)
            except ChildProcessError:
                pass  # it has been waited for
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def is_alive(process):
    try:
        return pathlib.Path("/proc", str(process), "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
