"""What a server costs while it holds requests and nothing happens. A program of its own, so that a sandbox can hold it."""
import contextlib
import http.client
import json
import os
import re
import selectors
import socket
import subprocess
import sys
import time

from . import processes

HELD = 20
WINDOW = 0.5  # seconds that are measured
READY_WITHIN = 10
HELD_WITHIN = 5
PROCESS_CPU_CLOCK = 2  # clock of a process: see clock_getcpuclockid in the C library


class Failed(Exception):
    pass


def cpu_seconds(processes_):
    total = 0.0
    for process in processes_:
        try:
            total += time.clock_gettime((~process << 3) | PROCESS_CPU_CLOCK)
        except OSError:
            pass  # it has ended
    return total


@contextlib.contextmanager
def server(command, folder, programs):
    """Starts it and yields (process, port); ends it and all below it."""
    processes.adopt_orphans()
    words = [word.replace("{address}", "127.0.0.1").replace("{port}", "0") for word in command]
    environment = {**os.environ, "PATH": f"{programs}:{os.environ.get('PATH', '')}"}
    try:
        child = subprocess.Popen(words, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL, start_new_session=True)
    except OSError as error:
        raise Failed(f"{words[0]} cannot be started: {error}") from None
    try:
        yield child.pid, ready_port(child)
    finally:
        child.stdout.close()
        processes.end_all(child)


def ready_port(child):
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        if not selector.select(READY_WITHIN):
            raise Failed(f"no READY line within {READY_WITHIN} s")
    line = os.read(child.stdout.fileno(), 512).decode(errors="replace")
    found = re.match(r"READY port=(\d+) ", line)
    if not found:
        raise Failed(f"READY was to come, and this came: {line[:80]!r}")
    return int(found[1])


def held(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=HELD_WITHIN)
    try:
        connection.request("GET", "/stats")
        return json.loads(connection.getresponse().read())["held"]
    except (OSError, ValueError, KeyError, TypeError, http.client.HTTPException) as error:
        raise Failed(f"/stats does not say what is held: {error}") from None
    finally:
        connection.close()


def cpu_at_rest(command, folder, programs, repeats):
    """Milliseconds of CPU time in one second, once for each repeat."""
    values = []
    with server(command, folder, programs) as (process, port), contextlib.ExitStack() as stack:
        try:
            for _ in range(HELD):
                one = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=HELD_WITHIN))
                one.sendall(b"GET /subscribe HTTP/1.1\r\nHost: localhost\r\n\r\n")
        except OSError as error:
            raise Failed(f"cannot subscribe: {error}") from None
        deadline = time.monotonic() + HELD_WITHIN
        while held(port) < HELD:
            if time.monotonic() > deadline:
                raise Failed(f"it does not hold {HELD} requests")
            time.sleep(0.01)
        for _ in range(repeats):
            everybody = [process, *processes.descendants(process)]
            began, before = time.monotonic(), cpu_seconds(everybody)
            time.sleep(WINDOW)
            values.append((cpu_seconds(everybody) - before) * 1000 / (time.monotonic() - began))
    return values


def main():
    """Prints the figures as JSON, or what is wrong. Arguments: the manifest's command as JSON, the folder that it runs in, the
    folder of its program, repeats."""
    command, folder, programs, repeats = sys.argv[1:]
    try:
        print(json.dumps(cpu_at_rest(json.loads(command), folder, programs, int(repeats))))
    except Failed as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    main()
