"""The figures of the bench: what each of them is, and its value in every repeat."""
import dataclasses
import json
import pathlib
import statistics

SYSTEMS = {
    "local": "to a server, without a bus",
    "bus": "through the bus: to a relay, which has Redis write it to disk, and to its node",
    "bus-everysec": "the same, with a Redis that writes to disk once a second",
    "edge": "through the bus as above, and HAProxy before relay and node",
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
    notes: list[str] = dataclasses.field(default_factory=list)  # of repeats that failed or were bounded

    def summary(self) -> str:
        if not self.values:
            return "-"
        return (f"{statistics.median(self.values):,.3g} ({min(self.values):,.3g}..{max(self.values):,.3g}) {self.unit}, "
                f"{len(self.values)} repeats")


class Figures:
    def __init__(self, held: int, messages: int):
        self.all: dict[str, Figure] = {}
        for rate in RATES:
            self.describe_latency(rate)
        for rate in RATES:
            self.describe_cpu(rate)
        part = "A node that starts late"
        self.add("catch-up/rate", part, "messages that its relay brings it in a second, the start of both included",
                 "messages/s")
        self.add("catch-up/time", part, f"from the start of the relay until it says ready, after {messages:,} messages", "s")
        self.describe_outages()
        self.describe_held(held)

    def add(self, name: str, part: str, what: str, unit: str) -> None:
        self.all[name] = Figure(name, part, what, unit)

    def describe_latency(self, rate: int) -> None:
        part = f"Latency at {rate:,} messages a second"
        for system, way in SYSTEMS.items():
            self.add(f"{system}/{rate}/p50", part, f"{way}; half are faster", "ms")
            self.add(f"{system}/{rate}/p99", part, f"{way}; 99 of 100 are faster", "ms")
        self.add(f"local/{rate}/client", part, "of this the load generator's own: until a message that is due leaves it; "
                 "99 of 100 are faster", "ms")

    def describe_cpu(self, rate: int) -> None:
        part = f"CPU time for a message to one subscriber, at {rate:,} a second"
        self.add(f"local/{rate}/cpu/server", part, "a server without a bus", "µs")
        for program, what in (("node", "the same server as a node"), ("relay", "its relay"),
                              ("redis", "Redis, which writes to disk each time"), ("haproxy", "HAProxy")):
            self.add(f"edge/{rate}/cpu/{program}", part, what, "µs")

    def describe_outages(self) -> None:
        part = "Time without delivery"
        self.add("redis-dies/silence", part, "Redis is killed and started anew at once: the longest that a subscriber waits", "ms")
        self.add("redis-dies/redis", part, "of this until Redis answers again", "ms")
        self.add("node-dies/silence", part, "one of two nodes is killed: the longest that a subscriber waits, who goes on "
                 "at the other node", "ms")
        self.add("node-dies/ready", part, "until the killed node is there again, with all messages", "ms")

    def describe_held(self, held: int) -> None:
        part = f"Memory for a held client, of {held:,}, after a message to all"
        for name, what in (("sse", "server-sent events at the gateway"), ("websocket", "a WebSocket at the gateway"),
                           *((model, f"a poll at comet-{model}") for model in MODELS)):
            self.add(f"held/{name}/app", part, f"{what}: the program", "bytes")
            self.add(f"held/{name}/kernel", part, f"{what}: the kernel, for both ends", "bytes")

    def take(self, measurement: str, values: dict[str, float]) -> None:
        for name, value in values.items():
            if (figure := self.all.get(f"{measurement}/{name}")):
                figure.values.append(value)

    def fail(self, measurement: str, why: str) -> None:
        for name, figure in self.all.items():
            if name.startswith(f"{measurement}/"):
                figure.notes.append(f"failed: {why}")

    def write(self, path: pathlib.Path, run: dict) -> None:
        rows = [dataclasses.asdict(figure) for figure in self.all.values()]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"run": run, "figures": rows}, indent=1, ensure_ascii=False) + "\n")

    def print(self) -> None:
        part = ""
        for figure in self.all.values():
            if figure.part != part:
                part = figure.part
                print(f"\n{part}")
            print(f"  {figure.what}: {figure.summary()}" + "".join(f"\n      {note}" for note in figure.notes))
