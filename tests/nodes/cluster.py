"""A Redis and some relays with their nodes, on loopback and free ports, all ended at the end of a test."""
import dataclasses
import http.client
import json
import pathlib
import shutil
import socket
import subprocess
import sys
import time

PATIENCE_S = 20.0  # for what must happen: only a broken program needs as long
SKIPPED = 77


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def wait_until(holds, what: str) -> None:
    until = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > until:
            raise AssertionError(f"after {PATIENCE_S:.0f} s still not: {what}")
        time.sleep(0.02)


@dataclasses.dataclass
class Answer:
    status: int
    body: str
    cursor: str | None
    missed: bool
    retry_after: str | None


def ask(port: int, target: str, body: str | None = None, timeout_s: float = PATIENCE_S) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    try:
        headers = {} if body is None else {"Content-Type": "text/plain"}
        connection.request("GET" if body is None else "POST", target, body, headers)
        response = connection.getresponse()
        return Answer(response.status, response.read().decode(), response.headers["Comet-Cursor"],
                      response.headers["Comet-Missed"] == "true", response.headers["Retry-After"])
    finally:
        connection.close()


def status_of(port: int, target: str) -> int:
    """0: nobody answers."""
    try:
        return ask(port, target, timeout_s=5).status
    except OSError:
        return 0


class Program:
    """One process. It ends with this one."""

    def __init__(self, words: list[str]):
        self.words = words
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(self.words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=sys.stderr)

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


class Redis(Program):
    def __init__(self, folder: pathlib.Path, *options: str):
        self.port = free_port()
        super().__init__(["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(folder),
                          "--save", "", "--appendonly", "yes", "--appendfsync", "always", "--loglevel", "warning",
                          *options])

    def start(self) -> None:
        super().start()
        wait_until(self.answers, "Redis answers")

    def answers(self) -> bool:
        try:
            return self.command("PING") == "+PONG"
        except OSError:
            return False

    def command(self, *words: str) -> str:
        """The first line of the reply."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            text = f"*{len(words)}\r\n" + "".join(f"${len(word.encode())}\r\n{word}\r\n" for word in words)
            connection.sendall(text.encode())
            with connection.makefile("rb") as reply:
                return reply.readline().decode().rstrip("\r\n")


class Relay(Program):
    def __init__(self, programs: pathlib.Path, redis: Redis, pattern: str, *options: str, user: str = ""):
        self.port, self.node_port = free_port(), free_port()
        super().__init__([str(programs / "comet-relay"), "--port", str(self.port),
                          "--redis", f"redis://{user and user + '@'}127.0.0.1:{redis.port}", *options,
                          "--", str(programs / f"comet-{pattern}"), "--port", str(self.node_port)])

    def start(self) -> None:
        super().start()
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        wait_until(self.is_ready, f"{self.words[-3]} and its relay are ready")

    def is_ready(self) -> bool:
        return status_of(self.port, "/ready") == 200

    def publish(self, message: str, channel: str = "all") -> Answer:
        return ask(self.port, f"/publish?channel={channel}", message)

    def poll(self, since: str, timeout_s: float = 0, channel: str = "all") -> Answer:
        return ask(self.node_port, f"/subscribe?channel={channel}&since={since}&timeout={timeout_s}")

    def node_process(self) -> int:
        """0: it does not answer."""
        try:
            return int(json.loads(ask(self.node_port, "/stats").body)["pid"])
        except OSError:
            return 0

    def read_from(self, since: str) -> list[str]:
        """The messages after a cursor, as a client gets them that polls again and again."""
        messages = []
        while (answer := self.poll(since)).status == 200:
            assert answer.cursor is not None
            messages.append(answer.body)
            since = answer.cursor
        return messages


def skip_without_redis() -> None:
    if shutil.which("redis-server") is None:
        print("skipped: there is no redis-server; scripts/deps test installs it")
        sys.exit(SKIPPED)
