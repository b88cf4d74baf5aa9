"""How long subscribers get nothing when Redis or a node is killed, while messages are published on and on. Every accepted
message must come to each subscriber, once, in the stream's order."""
import collections.abc
import contextlib
import http.client
import os
import pathlib
import random
import signal
import threading
import time

from load import Failed
from programs import PATIENCE_S, Haproxy, Redis, Relay, running, stats, wait_until

PATTERN = "async"
SUBSCRIBERS = 8
PUBLISHERS = 10      # so that one who waits for an answer does not keep the others from publishing
PUBLISH_S = 0.1      # between two messages of one publisher, so 100 messages a second in all
AGAIN_S = 0.005      # until a request that failed is sent again
AFTERWARDS_S = 1.0   # for which subscribers are watched when all works again

Cursor = tuple[int, int]


class Client(threading.Thread):
    """Asks again and again over one connection, as long as it is wanted."""

    def __init__(self, port: int, wanted: threading.Event):
        super().__init__(daemon=True)
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        self.wanted = wanted

    def run(self) -> None:
        while self.wanted.is_set():
            try:
                self.ask_once()
            except (OSError, http.client.HTTPException):  # the next request makes a new connection
                self.connection.close()
                time.sleep(AGAIN_S)

    def ask_once(self) -> None:
        raise NotImplementedError

    def ask(self, method: str, target: str, body: str | None = None) -> tuple[int, http.client.HTTPMessage]:
        self.connection.request(method, target, body, {"Content-Type": "text/plain"} if body else {})
        response = self.connection.getresponse()
        response.read()
        return response.status, response.headers


class Subscriber(Client):
    def __init__(self, port: int, wanted: threading.Event, since: Cursor):
        super().__init__(port, wanted)
        self.came: list[tuple[float, Cursor]] = [(time.monotonic(), since)]
        self.missed = False

    def ask_once(self) -> None:
        status, headers = self.ask("GET", "/subscribe?timeout=1&since={}-{}".format(*self.came[-1][1]))
        if status == 200:
            self.came.append((time.monotonic(), cursor_of(headers)))
            self.missed |= headers["Comet-Missed"] == "true"
        elif status != 204:
            time.sleep(AGAIN_S)

    def longest_wait(self, since: float) -> float:
        return max(after - before for (before, _), (after, _) in zip(self.came, self.came[1:]) if after > since)


class Publisher(Client):
    def __init__(self, port: int, wanted: threading.Event):
        super().__init__(port, wanted)
        self.accepted: list[Cursor] = []
        self.next = time.monotonic() + random.uniform(0, PUBLISH_S)

    def ask_once(self) -> None:
        time.sleep(max(0, self.next - time.monotonic()))
        self.next = max(self.next + PUBLISH_S, time.monotonic())
        status, headers = self.ask("POST", "/publish", "x" * 64)
        if status == 200:
            self.accepted.append(cursor_of(headers))


def cursor_of(headers: http.client.HTTPMessage) -> Cursor:
    milliseconds, sequence = headers["Comet-Cursor"].split("-")
    return int(milliseconds), int(sequence)


class Crowd:
    """Subscribers and publishers at one port."""

    def __init__(self, port: int):
        self.subscribing, self.publishing = threading.Event(), threading.Event()
        self.publishers = [Publisher(port, self.publishing) for _ in range(PUBLISHERS)]
        first = Publisher(port, self.publishing)
        first.ask_once()
        self.subscribers = [Subscriber(port, self.subscribing, first.accepted[0]) for _ in range(SUBSCRIBERS)]

    def all_have_what_comes_now(self) -> None:
        """Waits until each has had a message that was accepted from now on."""
        known = self.last_accepted()
        wait_until(lambda: self.last_accepted() > known, "messages are accepted")
        accepted = self.last_accepted()
        wait_until(lambda: all(one.came[-1][1] >= accepted for one in self.subscribers), "each subscriber has all messages")

    def last_accepted(self) -> Cursor:
        return max((cursor for one in self.publishers for cursor in one.accepted[-1:]), default=(0, 0))

    @contextlib.contextmanager
    def at_work(self) -> collections.abc.Iterator[None]:
        everybody = (self.subscribing, self.subscribers), (self.publishing, self.publishers)
        try:
            for wanted, clients in everybody:
                wanted.set()
                for client in clients:
                    client.start()
            self.all_have_what_comes_now()
            yield
            self.all_have_what_comes_now()
            time.sleep(AFTERWARDS_S)
        finally:
            for wanted, clients in everybody:
                wanted.clear()
                for client in clients:
                    client.join(PATIENCE_S)

    def check(self) -> None:
        """Nothing was lost or repeated. (More may have come than was accepted: of what was published when Redis died.)"""
        accepted = {cursor for one in self.publishers for cursor in one.accepted}
        for one in self.subscribers:
            came = [cursor for _, cursor in one.came[1:]]
            lost = sum(cursor < came[-1] for cursor in accepted - set(came))
            repeated = sum(after <= before for before, after in zip(came, came[1:]))
            if lost or repeated or one.missed:
                raise Failed(f"{lost} lost, {repeated} repeated{', told of a gap' if one.missed else ''}")

    def longest_wait_ms(self, since: float) -> float:
        self.check()
        return 1000 * max(one.longest_wait(since) for one in self.subscribers)


@contextlib.contextmanager
def busy_cluster(programs: pathlib.Path, folder: pathlib.Path) -> collections.abc.Iterator[tuple[Redis, Relay, Crowd]]:
    """Two nodes behind HAProxy, and a crowd at work there: Redis, the first node's relay, the crowd."""
    redis = Redis(folder)
    relays = [Relay(programs, redis, PATTERN) for _ in range(2)]
    haproxy = Haproxy(relays, [], None)
    with running(redis, *relays, haproxy):
        crowd = Crowd(haproxy.port)
        with crowd.at_work():
            yield redis, relays[0], crowd


def measure_redis(programs: pathlib.Path, folder: pathlib.Path) -> dict[str, float]:
    with busy_cluster(programs, folder) as (redis, _, crowd):
        killed = time.monotonic()
        redis.kill()
        redis.start()
        started = time.monotonic()
    return {"silence": crowd.longest_wait_ms(killed), "redis": 1000 * (started - killed)}


def measure_node(programs: pathlib.Path, folder: pathlib.Path) -> dict[str, float]:
    with busy_cluster(programs, folder) as (_, relay, crowd):
        victim = stats(relay.node_port)["pid"]
        killed = time.monotonic()
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: another_runs(relay, victim), "the node runs again")
        ready = time.monotonic()
    return {"silence": crowd.longest_wait_ms(killed), "ready": 1000 * (ready - killed)}


def another_runs(relay: Relay, node: int) -> bool:
    try:
        return relay.works() and stats(relay.node_port)["pid"] != node
    except OSError:
        return False
