"""Three nodes, two gateways, HAProxy and a Redis that writes each message to its disk (appendfsync always), with one
fault after another, by chance. Every message that was accepted must reach each client once. Nothing may come twice, or
out of order, or after its publisher was told that it was not published. The seed repeats the choice of faults."""
import argparse
import array
import bisect
import collections
import contextlib
import http.client
import pathlib
import random
import resource
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator

import cluster
import crowd
from between import AnswersLost
from cluster import Haproxy, Program, Redis, Relay, ask, wait_until
from gateway import Gateway
from soak_faults import Faults

RETAIN = 200       # of the stream
MOST_BEHIND = 50   # of the slowest client, when the next message is published
PATTERNS = ("async", "threaded", "fibers")
OPTIONS = ["--retain", str(RETAIN)]
HISTORY = ["--history", str(10 * RETAIN)]
STUCK_S = 120.0    # without progress

Position = tuple[int, int]


def position(cursor: str) -> Position:
    milliseconds, _, sequence = cursor.partition("-")
    return int(milliseconds), int(sequence or 0)


class Tracked:
    """Of a client: what it got, as numbers."""

    def track(self) -> None:
        self.numbers = array.array("l")
        self.gaps: list[tuple[Position, Position]] = []  # it was told of: between these, messages may be missing
        self.position: Position = (0, 0)
        self.wrong = 0

    def take(self, message: str, cursor: str, missed: bool) -> None:
        place = position(cursor)
        if missed:
            self.gaps.append((self.position, place))
        self.wrong += place <= self.position
        self.numbers.append(int(message))
        self.position, self.since = place, cursor


class Poller(Tracked, crowd.Poller):
    HOLD_S = 5


class EventReader(Tracked, crowd.EventReader):
    pass


class Publisher(threading.Thread):
    """One message after the other, through HAProxy, until stop()."""

    def __init__(self, port: int, clients: list):
        super().__init__(daemon=True)
        self.port, self.clients = port, clients
        self.accepted: dict[int, Position] = {}  # by number
        self.positions: list[Position] = []      # the same, in order
        self.refused: set[int] = set()
        self.unknown: set[int] = set()
        self.turn = threading.Lock()  # whoever holds it keeps the publisher from its next message
        self.has_ended = False
        self.most_behind = MOST_BEHIND

    def count(self) -> int:
        return len(self.accepted)

    def behind(self) -> int:
        """Messages that the slowest client does not have."""
        slowest = min(client.position for client in self.clients)
        return len(self.positions) - bisect.bisect(self.positions, slowest)

    def run(self) -> None:
        number = 0
        while not self.has_ended:
            if self.behind() > self.most_behind:
                time.sleep(0.005)
                continue
            with self.turn:
                number += 1
                is_accepted = self.publish(number)
            if not is_accepted:
                time.sleep(0.05)

    def publish(self, number: int) -> bool:
        try:
            answer = ask(self.port, "/publish", str(number), timeout_s=10)
        except (OSError, http.client.HTTPException):
            self.unknown.add(number)
            return False
        if answer.status == 200 and answer.cursor is not None:
            self.accepted[number] = position(answer.cursor)
            bisect.insort(self.positions, self.accepted[number])
            return True
        was_not_published = "not published" in answer.body or "no server is ready" in answer.body
        (self.refused if was_not_published else self.unknown).add(number)
        return False

    def stop(self) -> None:
        self.has_ended = True
        self.join()


class Soak:
    def __init__(self, programs: pathlib.Path, folder: pathlib.Path, clients: int):
        self.redis = Redis(folder)
        self.between = AnswersLost(self.redis.port)
        self.relays = [Relay(programs, self.between if number == 0 else self.redis, pattern, OPTIONS, HISTORY)
                       for number, pattern in enumerate(PATTERNS)]
        self.gateways = [Gateway(programs, self.redis, *OPTIONS, *HISTORY, heartbeat="1") for _ in range(2)]
        self.haproxy = Haproxy(self.relays, self.gateways, None)
        self.clients = [kind(self.haproxy.port) for kind in (Poller, EventReader) for _ in range(clients // 2)]
        for client in self.clients:
            client.track()
        self.publisher = Publisher(self.haproxy.port, self.clients)

    def programs(self) -> list[Program]:
        return [self.redis, *self.relays, *self.gateways, self.haproxy]

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        try:
            for program in self.programs():
                program.start()
            everybody = crowd.Crowd(self.clients)
            self.publisher.start()
            yield
            self.publisher.stop()
            self.wait_long_until(lambda: self.publisher.behind() == 0)
            everybody.stop()
        finally:
            self.between.close()
            for program in reversed(self.programs()):
                program.kill()

    @contextlib.contextmanager
    def at_rest(self) -> Iterator[None]:
        """Everybody has everything, and nothing more is published."""
        with self.publisher.turn:
            self.wait_long_until(lambda: self.publisher.behind() == 0)
            yield

    def wait_long_until(self, holds: Callable[[], bool]) -> None:
        """For as long as clients get messages."""
        before, since = -1, time.monotonic()
        while not holds():
            now = self.deliveries()
            if now != before:
                before, since = now, time.monotonic()
            if time.monotonic() - since > STUCK_S:
                raise AssertionError(f"nothing comes any more; {self.publisher.behind()} messages behind")
            time.sleep(0.02)

    def deliveries(self) -> int:
        return sum(len(client.numbers) for client in self.clients)

    def wait_until_all_work(self) -> None:
        for program in self.programs():
            wait_until(program.works, f"{program.words[0]} works again")


def check(soak: Soak, gaps: int) -> dict[str, int]:
    """Counts of what must not be. `gaps`: how often each client was to be told of one."""
    publisher = soak.publisher
    wrong = {"lost": 0, "repeated or out of order": 0, "refused but delivered": 0, "told wrongly of a gap": 0}
    delivered = set().union(*(client.numbers for client in soak.clients))
    wrong["refused but delivered"] = len(delivered & publisher.refused)
    for client in soak.clients:
        got = set(client.numbers)
        wrong["repeated or out of order"] += client.wrong + len(client.numbers) - len(got)
        for number in publisher.accepted.keys() - got:
            place = publisher.accepted[number]
            wrong["lost"] += not any(before < place < after for before, after in client.gaps)
        wrong["told wrongly of a gap"] += abs(len(client.gaps) - gaps)
        # What its publisher knows nothing of reaches all or none.
        wrong["lost"] += len(delivered & publisher.unknown - got) if not client.gaps else 0
    return wrong


def report(soak: Soak, counts: dict[str, int], wrong: dict[str, int], seconds: float) -> None:
    publisher = soak.publisher
    delivered = set().union(*(client.numbers for client in soak.clients))
    print(f"{soak.deliveries():,} deliveries to {len(soak.clients)} clients in {seconds:.0f} s: "
          f"{len(publisher.accepted):,} messages accepted, {len(publisher.refused)} refused, "
          f"{len(publisher.unknown)} of unknown outcome ({len(delivered & publisher.unknown)} of them delivered)")
    print(f"{sum(counts.values())} faults: " + ", ".join(f"{fault} {count}" for fault, count in sorted(counts.items())))
    print(", ".join(f"{name}: {count}" for name, count in wrong.items()), flush=True)


def run(options: argparse.Namespace, folder: pathlib.Path) -> int:
    print(f"seed {options.seed}", flush=True)
    soak = Soak(options.programs, folder, options.clients)
    faults = Faults(soak, random.Random(options.seed), options.longest)
    counts: collections.Counter[str] = collections.Counter()
    begin = time.monotonic()
    with soak.running():
        left = []
        while left or soak.deliveries() < options.deliveries:
            if not left:  # each once, in an order by chance, and again
                left = faults.chance.sample(sorted(faults.all), len(faults.all))
            fault = left.pop()
            print(f"{time.monotonic() - begin:6.1f} s {soak.deliveries():9,} deliveries: {fault}", flush=True)
            faults.all[fault]()
            soak.wait_until_all_work()
            counts[fault] += 1
    wrong = check(soak, counts["Redis is flushed"] + counts["Redis goes back"])
    report(soak, counts, wrong, time.monotonic() - begin)
    return int(any(wrong.values()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("programs", type=pathlib.Path, help="folder of the built programs")
    parser.add_argument("--deliveries", type=int, default=1_000_000, help="at least so many (%(default)s)")
    parser.add_argument("--clients", type=int, default=200, help="half of them poll, half read events (%(default)s)")
    parser.add_argument("--longest", type=float, default=3.0, help="seconds that a fault lasts at most (%(default)s)")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000),
                        help="of another run, to repeat its faults")
    options = parser.parse_args()
    cluster.skip_without("redis-server", "haproxy")
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(run(options, pathlib.Path(folder)))


main()
