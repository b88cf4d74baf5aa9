"""The figures of the bench: what each of them is, and its value in every repeat."""
import dataclasses
import json
import pathlib
import statistics

SYSTEMS = {
    "local": "from publish to subscriber at one server, without a bus",
    "bus": "through the bus: publish at a relay, Redis writes it to disk, subscriber at the relay's node",
    "bus-everysec": "the same, but Redis writes to disk once a second",
    "edge": "through the bus, and through HAProxy on both ways",
}
RATES = (100, 1000)  # messages a second
MODELS = ("prefork", "threaded", "async", "continuations-redispatch", "fibers")


@dataclasses.dataclass
class Figure:
    name: str
    part: str
    what: str
    unit: str
    values: list[float] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)  # of repeats that failed or were bounded by the machine

    def summary(self) -> str:
        if not self.values:
            return "-"
        middle, least, most = map(readable, (statistics.median(self.values), min(self.values), max(self.values)))
        return f"{middle} ({least}..{most}) {self.unit}"


def readable(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


class Figures:
    def __init__(self, held: int, messages: int):
        self.all: dict[str, Figure] = {}
        for rate in RATES:
            self.describe_latency(rate)
        for rate in RATES:
            self.describe_cpu(rate)
        part = "A node that starts late"
        self.add("catch-up/rate", part, f"messages that its relay brings it, of {messages:,}; the start of both is included",
                 "messages/s")
        self.add("catch-up/time", part, "from the relay's start until it is ready, with all messages", "s")
        self.describe_outages()
        self.describe_held(held)

    def add(self, name: str, part: str, what: str, unit: str) -> None:
        self.all[name] = Figure(name, part, what, unit)

    def describe_latency(self, rate: int) -> None:
        part = f"Latency at {rate:,} messages a second"
        for system, way in SYSTEMS.items():
            self.add(f"{system}/{rate}/p50", part, f"{way}; half are faster", "ms")
            self.add(f"{system}/{rate}/p99", part, f"{way}; 99 of 100 are faster", "ms")
        self.add(f"local/{rate}/client", part, "in each of these: how late the load generator sends a message; 99 of 100 "
                 "are faster", "ms")

    def describe_cpu(self, rate: int) -> None:
        part = f"CPU time for one message to one subscriber, at {rate:,} messages a second"
        for name, what in ((f"local/{rate}/cpu/server", "a server without a bus"),
                           (f"bus/{rate}/cpu/node", "the same server as a node"),
                           (f"bus/{rate}/cpu/relay", "its relay"),
                           (f"bus/{rate}/cpu/redis", "Redis, which writes each message to disk at once"),
                           (f"bus-everysec/{rate}/cpu/redis", "Redis, which writes to disk once a second"),
                           (f"edge/{rate}/cpu/haproxy", "HAProxy: a publish and a poll, with a new connection to the node "
                            "for each poll"),
                           (f"edge/{rate}/cpu/node", "the node behind HAProxy")):
            self.add(name, part, what, "µs")

    def describe_outages(self) -> None:
        part = "Time without delivery"
        self.add("redis-dies/silence", part, "Redis is killed and at once started again: the subscriber that waits longest", "ms")
        self.add("redis-dies/redis", part, "of this: until Redis answers again", "ms")
        self.add("node-dies/silence", part, "one of two nodes behind HAProxy is killed: the subscriber that waits longest",
                 "ms")
        self.add("node-dies/ready", part, "from then until that node is back, with all messages", "ms")

    def describe_held(self, held: int) -> None:
        part = f"Memory for one of {held:,} held clients, after a message to all"
        for name, what in (("sse", "server-sent events at the gateway"), ("websocket", "WebSocket at the gateway"),
                           *((model, f"long poll at {model}") for model in MODELS)):
            self.add(f"held/{name}/app", part, f"{what}: program", "bytes")
            self.add(f"held/{name}/kernel", part, f"{what}: kernel, for both ends of the connection", "bytes")

    def take(self, measurement: str, values: dict[str, float]) -> None:
        for name, value in values.items():
            if (figure := self.all.get(f"{measurement}/{name}")):
                figure.values.append(value)

    def note(self, measurement: str, what: str) -> None:
        for name, figure in self.all.items():
            if name.startswith(f"{measurement}/"):
                figure.notes.append(what)

    def write(self, path: pathlib.Path, run: dict) -> None:
        rows = [dataclasses.asdict(figure) for figure in self.all.values()]
        path.write_text(json.dumps({"run": run, "figures": rows}, indent=1, ensure_ascii=False) + "\n")

    def print(self) -> None:
        part = ""
        for figure in self.all.values():
            if figure.part != part:
                part = figure.part
                print(f"\n{part}")
            print(f"  {figure.what}: {figure.summary()}" + "".join(f"\n      {note}" for note in figure.notes))
