"""What programs and the kernel need in memory."""
import pathlib
import time


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
