"""Many clients in one thread. Each goes on from its last cursor, again and again, as a well-behaved client does: it
comes back when Retry-After says, and if the connection is lost, after a time by chance."""
import asyncio
import contextlib
import dataclasses
import random
import threading
import time

ANSWER_S = 30.0  # after which nobody answers any more
LOST_S = 0.5     # to the next try, on average


@dataclasses.dataclass
class SentAway:
    """A request that ended without a message and before its time."""
    at: float
    status: int  # 0: the connection was lost
    retry_after_s: float


class Client:
    """One that reads at HAProxy from its last cursor on, and keeps what it gets."""

    def __init__(self, port: int):
        self.port, self.since = port, "0"
        self.messages: list[str] = []
        self.told_of_a_gap = 0
        self.sent_away: list[SentAway] = []
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def run(self) -> None:
        """Until it is cancelled."""
        try:
            while True:
                retry_after_s = random.uniform(0, 2 * LOST_S)
                status = 0
                try:
                    status, headers = await self.turn()
                    retry_after_s = float(headers.get("retry-after", retry_after_s))
                except (OSError, asyncio.IncompleteReadError, TimeoutError):
                    self.leave()
                if status not in (200, 204):
                    self.sent_away.append(SentAway(time.monotonic(), status, retry_after_s))
                    await asyncio.sleep(retry_after_s)
        finally:
            self.leave()

    async def turn(self) -> tuple[int, dict[str, str]]:
        """One request, to its end: status and headers."""
        raise NotImplementedError

    def take(self, message: str, cursor: str, missed: bool) -> None:
        self.messages.append(message)
        self.told_of_a_gap += missed
        self.since = cursor

    async def ask(self, target: str) -> tuple[int, dict[str, str]]:
        if self.streams is None:
            self.streams = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self.streams
        writer.write(f"GET {target}since={self.since} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:-2])}
        return int(lines[0].split()[1]), headers

    def leave(self) -> None:
        if self.streams is not None:
            self.streams[1].close()
            self.streams = None


class Poller(Client):
    HOLD_S = 30
    keeps_connection = True

    async def turn(self) -> tuple[int, dict[str, str]]:
        async with asyncio.timeout(self.HOLD_S + ANSWER_S):
            status, headers = await self.ask(f"/subscribe?timeout={self.HOLD_S}&")
            assert self.streams is not None
            body = await self.streams[0].readexactly(int(headers.get("content-length", 0)))
        if status == 200:
            self.take(body.decode(), headers["comet-cursor"], "comet-missed" in headers)
        elif status == 204:
            self.since = headers["comet-cursor"]
        if headers.get("connection") == "close" or not self.keeps_connection:
            self.leave()
        return status, headers


class EventReader(Client):
    async def turn(self) -> tuple[int, dict[str, str]]:
        async with asyncio.timeout(ANSWER_S):
            status, headers = await self.ask("/events?")
        if status != 200:
            self.leave()
            return status, headers
        missed = False
        while True:  # until the stream ends, or says nothing for too long
            assert self.streams is not None
            async with asyncio.timeout(ANSWER_S):
                event = (await self.streams[0].readuntil(b"\n\n")).decode()
            fields = dict(line.split(": ", 1) for line in event.split("\n") if ": " in line)
            missed = missed or fields.get("event") == "missed"
            if "data" in fields and "event" not in fields:
                self.take(fields["data"], fields["id"], missed)
                missed = False


class Crowd:
    """Clients that run beside the program, in a thread of their own, until stop()."""

    def __init__(self, clients: list[Client]):
        self.clients = clients
        self.loop = asyncio.new_event_loop()
        self.all = self.loop.create_task(self.run_all())
        self.failure: BaseException | None = None
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    async def run_all(self) -> None:
        async with asyncio.TaskGroup() as group:
            for client in self.clients:
                group.create_task(client.run())

    def run(self) -> None:
        try:
            self.loop.run_until_complete(self.all)
        except asyncio.CancelledError:
            pass
        except BaseException as failure:  # comes out at stop()
            self.failure = failure
        self.loop.close()

    def stop(self) -> None:
        with contextlib.suppress(RuntimeError):  # it has ended already
            self.loop.call_soon_threadsafe(self.all.cancel)
        self.thread.join()
        if self.failure is not None:
            raise self.failure

    def have(self, count: int) -> bool:
        return all(len(client.messages) >= count for client in self.clients)


def largest_herd(sent_away: list[SentAway]) -> int:
    """The most polls that are told to come back within the same 0.1 s. By what they are told, for when they do depends
    on how fast this program is."""
    due = sorted(told.at + told.retry_after_s for told in sent_away)
    largest = first = 0
    for last, time_of_last in enumerate(due):
        while time_of_last - due[first] > 0.1:
            first += 1
        largest = max(largest, last - first + 1)
    return largest
