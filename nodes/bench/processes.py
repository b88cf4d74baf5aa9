"""What processes cost, and ending them."""
import collections.abc
import contextlib
import ctypes
import json
import pathlib
import time
import urllib.request

from programs import LIBC, Program


@contextlib.contextmanager
def running(*programs: Program) -> collections.abc.Iterator[None]:
    """Starts them in this order, and ends them in the other, whatever happens."""
    with contextlib.ExitStack() as ended:
        for program in programs:
            ended.callback(program.end)
            program.start()
        yield


def stats(port: int) -> dict:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/stats", timeout=5) as response:
        return json.load(response)


def cpu_seconds(process: int) -> float:
    """By the clock of the process: /proc has only ticks of 10 ms."""
    clock = ctypes.c_int()
    if LIBC.clock_getcpuclockid(process, ctypes.byref(clock)) != 0:
        raise OSError(f"process {process} has ended")
    return time.clock_gettime(clock.value)


def app_bytes(process: int) -> int:
    """Its own memory, and its share of what it has in common with others."""
    return kibibytes(pathlib.Path(f"/proc/{process}/smaps_rollup"), "Pss:") * 1024


def kernel_bytes() -> int:
    """Of the whole system, as comet-loadgen counts it, once it no longer changes. (It also leaves out what looking at
    processes costs, which is nothing here.)"""
    meminfo = pathlib.Path("/proc/meminfo")
    last = -1
    for _ in range(40):
        sockets = pathlib.Path("/proc/net/sockstat").read_text().split("TCP:")[1].split("mem ")[1].split()[0]
        now = sum(kibibytes(meminfo, name) for name in ("Slab:", "KernelStack:", "PageTables:")) * 1024 + \
            int(sockets) * 4096
        if last >= 0 and abs(now - last) < 256 * 1024:
            break
        last = now
        time.sleep(0.05)
    return now


def kibibytes(file: pathlib.Path, name: str) -> int:
    line = next(line for line in file.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1])
