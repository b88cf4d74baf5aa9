"""Redis, relays with their nodes, nginx and HAProxy as processes, on loopback and free ports."""
import argparse
import collections.abc
import contextlib
import ctypes
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import typing
import urllib.error
import urllib.request

FOLDER = pathlib.Path(__file__).resolve().parent
PATIENCE_S = 30.0  # for what must happen: only a broken program needs as long
STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


RESERVED: list[socket.socket] = []


def free_port() -> int:
    """Kept for this program's life: bound, but not listening, so a server with SO_REUSEADDR can take it, and nobody who
    looks for a free port gets it. Not one of those that the kernel gives to connections."""
    while True:
        place = socket.socket()
        try:
            place.bind(("127.0.0.1", random.randrange(10000, 32768)))
        except OSError:
            place.close()
            continue
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        RESERVED.append(place)
        return place.getsockname()[1]


def whole_number(least: int, most: int):
    """For an option of a command line."""
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from {least} to {most}")
        return int(text)
    return parse


def refuse_if_missing(this: str, target: str, folder: pathlib.Path, names: collections.abc.Iterable[str],
                      tools: collections.abc.Iterable[str]) -> None:
    """Ends `this` program if one of its programs is not in `folder`, which `make target` builds, or a tool is not here."""
    for name in names:
        if not (folder / name).exists():
            sys.exit(f"{this}: there is no {folder / name}: build it with make {target}, or name its folder with --bin-dir")
    for name in tools:
        if shutil.which(name) is None:
            sys.exit(f"{this}: there is no {name}: install it with scripts/deps nodes")


def wait_until(holds, what: str) -> None:
    until = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > until:
            raise AssertionError(f"after {PATIENCE_S:.0f} s still not: {what}")
        time.sleep(0.02)


def status_of(port: int, target: str) -> int:
    """0: nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{target}", timeout=5) as response:
            return response.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def stats(port: int, timeout_s: float = 10) -> dict:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/stats", timeout=timeout_s) as response:
        return json.load(response)


def cpu_seconds(process: int) -> float:
    """By the clock of the process: /proc has only ticks of 10 ms."""
    clock = ctypes.c_int()
    if LIBC.clock_getcpuclockid(process, ctypes.byref(clock)) != 0:
        raise OSError(f"process {process} has ended")
    return time.clock_gettime(clock.value)


def become_program() -> None:
    """In the child, before its program: no signal is blocked, and it is told to end when its starter has ended."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Program:
    """One process. It ends with the one that has started it, however that ends."""

    def __init__(self, words: list[str], environment: dict[str, str] | None = None,
                 output: typing.IO[bytes] | int = subprocess.DEVNULL):
        self.words = words
        self.output = output
        self.environment = os.environ | (environment or {})
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.spawn()
        self.wait_until_it_works()

    def wait_until_it_works(self) -> None:
        wait_until(lambda: self.works() or self.has_ended(), f"{self.words[0]} works")
        if self.has_ended():
            raise AssertionError(f"{self.words[0]} does not start")

    def spawn(self) -> None:
        # A group of its own: Ctrl-C is for the one who has started it, who then ends all in their order.
        self.process = subprocess.Popen(self.words, stdin=subprocess.DEVNULL, stdout=self.output,
                                        env=self.environment, process_group=0, preexec_fn=become_program)

    def works(self) -> bool:
        return True

    def has_ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        if self.process is None:
            return
        self.process.kill()
        self.process.wait()
        self.process = None

    def stop(self) -> int:
        """Its exit status."""
        assert self.process is not None
        self.process.terminate()
        status = self.process.wait(timeout=PATIENCE_S)
        self.process = None
        return status

    def end(self) -> None:
        """Asks it to end, and kills it if it does not."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            pass
        self.kill()


@contextlib.contextmanager
def running(*programs: Program) -> collections.abc.Iterator[None]:
    """Starts them in this order, and ends them in the other, whatever happens."""
    with contextlib.ExitStack() as ended:
        for program in programs:
            ended.callback(program.end)
            program.start()
        yield


class Server(Program):
    """One that is joined to nothing."""

    def __init__(self, program: pathlib.Path):
        self.port = free_port()
        super().__init__([str(program), "--port", str(self.port)])

    def works(self) -> bool:
        return status_of(self.port, "/stats") == 200


class Redis(Program):
    """What it has accepted is on disk, in `folder`."""

    def __init__(self, folder: pathlib.Path, *options: str):
        self.port, self.folder = free_port(), folder
        super().__init__(["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(folder),
                          "--save", "", "--appendonly", "yes", "--appendfsync", "always", "--loglevel", "warning",
                          *options])

    def works(self) -> bool:
        try:
            return self.command("PING") == "+PONG"
        except OSError:
            return False

    def command(self, *words: str) -> str:
        """The reply's first line; if it is a text, the text."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            text = f"*{len(words)}\r\n" + "".join(f"${len(word.encode())}\r\n{word}\r\n" for word in words)
            connection.sendall(text.encode())
            with connection.makefile("rb") as reply:
                line = reply.readline().decode().rstrip("\r\n")
                return reply.read(int(line[1:])).decode() if line.startswith("$") and line != "$-1" else line


class Relay(Program):
    """With its node."""

    def __init__(self, programs: pathlib.Path, redis: Redis, pattern: str, options: list[str] | None = None,
                 node_options: list[str] | None = None, user: str = ""):
        self.port, self.node_port = free_port(), free_port()
        super().__init__([str(programs / "comet-relay"), "--port", str(self.port),
                          "--redis", f"redis://{user and user + '@'}127.0.0.1:{redis.port}", *(options or []),
                          "--", str(programs / f"comet-{pattern}"), "--port", str(self.node_port),
                          *(node_options or [])])

    def works(self) -> bool:
        return status_of(self.port, "/ready") == 200


class Gateway(Program):
    """For what needs two directions: WebSocket, Bayeux, server-sent events."""

    def __init__(self, programs: pathlib.Path, redis: Redis):
        self.port = free_port()
        super().__init__([str(programs / "comet-gateway"), "--port", str(self.port), "--behind-proxy",
                          "--redis", f"redis://127.0.0.1:{redis.port}"])

    def works(self) -> bool:
        return status_of(self.port, "/ready") == 200


class Nginx(Program):
    """With the pages of nodes/page; its own files are in `folder`."""

    def __init__(self, folder: pathlib.Path):
        self.port = free_port()
        config = folder / "nginx.conf"
        text = (FOLDER / "nginx.conf").read_text()
        for name, value in (("{folder}", folder), ("{page}", FOLDER / "page"),
                            ("{address}", f"127.0.0.1:{self.port}")):
            text = text.replace(name, f'"{value}"' if name == "{page}" else str(value))
        config.write_text(text)
        # In one process: of a master that is killed the workers would stay.
        super().__init__(["nginx", "-e", "stderr", "-c", str(config), "-g", "master_process off;"])

    def works(self) -> bool:
        return status_of(self.port, "/") == 200


class Haproxy(Program):
    """Before all of these; it listens at `address`, or at a free port."""

    def __init__(self, relays: list[Relay], gateways: list[Gateway], site: Nginx | None, address: str = "127.0.0.1",
                 port: int = 0):
        self.port = port or free_port()
        environment = {"COMET_FRONT": f"{address}:{self.port}"}
        for number, relay in enumerate(relays, 1):
            environment[f"COMET_NODE_{number}"] = f"127.0.0.1:{relay.node_port}"
            environment[f"COMET_RELAY_{number}_PORT"] = str(relay.port)
        for number, gateway in enumerate(gateways, 1):
            environment[f"COMET_GATEWAY_{number}"] = f"127.0.0.1:{gateway.port}"
        if site is not None:
            environment["COMET_SITE"] = f"127.0.0.1:{site.port}"
        super().__init__(["haproxy", "-db", "-f", str(FOLDER / "haproxy.cfg")], environment)

    def works(self) -> bool:
        return status_of(self.port, "/healthz") == 200
