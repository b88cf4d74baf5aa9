"""What the tests of joined servers ask, and the programs that they start; all of these end with a test."""
import contextlib
import dataclasses
import http.client
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "nodes"))
import programs  # noqa: E402
from programs import PATIENCE_S, Nginx, Program, Redis, free_port, stats, status_of, wait_until  # noqa: E402, F401

SKIPPED = 77
RELOAD_S = 3.0  # to the next try


class ProgramTest(unittest.TestCase):
    """Has a folder and a Redis of its own. Whatever it begins ends with it."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.redis = self.begin(Redis(self.folder))

    def begin(self, program):
        self.addCleanup(program.kill)
        program.start()
        return program


@dataclasses.dataclass
class Answer:
    status: int
    body: str
    cursor: str | None
    missed: bool
    retry_after: str | None
    node: str | None  # by HAProxy's name


def ask(port: int, target: str, body: str | None = None, timeout_s: float = PATIENCE_S) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    try:
        headers = {} if body is None else {"Content-Type": "text/plain"}
        connection.request("GET" if body is None else "POST", target, body, headers)
        response = connection.getresponse()
        return Answer(response.status, response.read().decode(), response.headers["Comet-Cursor"],
                      response.headers["Comet-Missed"] == "true", response.headers["Retry-After"],
                      response.headers["Comet-Node"])
    finally:
        connection.close()


def process_of(port: int) -> int:
    """A server's process; 0: it does not answer."""
    try:
        return stats(port)["pid"]
    except OSError:
        return 0


class Relay(programs.Relay):
    def wait_until_ready(self) -> None:
        wait_until(self.works, f"{self.words[-3]} and its relay are ready")

    def publish(self, message: str, channel: str = "all") -> Answer:
        return ask(self.port, f"/publish?channel={channel}", message)

    def poll(self, since: str, timeout_s: float = 0, channel: str = "all") -> Answer:
        return ask(self.node_port, f"/subscribe?channel={channel}&since={since}&timeout={timeout_s}")

    def held(self) -> int:
        return stats(self.node_port)["held"]

    def node_process(self) -> int:
        return process_of(self.node_port)

    def read_from(self, since: str) -> list[str]:
        """The messages after a cursor, as a client gets them that polls again and again."""
        messages = []
        while (answer := self.poll(since)).status == 200:
            assert answer.cursor is not None
            messages.append(answer.body)
            since = answer.cursor
        return messages


class Haproxy(programs.Haproxy):
    """A master, which can be told to reload, and its workers, in one group."""

    def __init__(self, *behind):
        super().__init__(*behind)
        self.words.insert(1, "-W")

    def signal(self, number: int) -> None:
        assert self.process is not None
        os.killpg(self.process.pid, number)

    def kill(self) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):  # both have ended
                self.signal(signal.SIGKILL)
        super().kill()

    def reload(self) -> None:
        """A new worker takes over, and the old one ends when its last connection does. A master that has only just
        started does not hear the signal, so it may be sent again."""
        before, sent_at = self.workers(), 0.0

        def is_done() -> bool:
            nonlocal sent_at
            if not self.workers() - before and time.monotonic() - sent_at > RELOAD_S:
                assert self.process is not None
                self.process.send_signal(signal.SIGUSR2)
                sent_at = time.monotonic()
            return bool(self.workers() - before)
        wait_until(is_done, "HAProxy has a new worker")

    def workers(self) -> set[int]:
        assert self.process is not None
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return {int(process) for process in children.read_text().split()}


def skip_without(*needed: str) -> None:
    for program in needed:
        if shutil.which(program) is None:
            print(f"skipped: there is no {program}; scripts/deps test installs it")
            sys.exit(SKIPPED)
