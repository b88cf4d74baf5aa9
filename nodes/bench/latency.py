"""From a publish to its subscriber: without a bus, through it, and through HAProxy too; and what that costs each program."""
import pathlib
import statistics

from load import LoadGenerator
from processes import cpu_seconds, running, stats
from programs import Haproxy, Program, Redis, Relay, free_port, status_of

PATTERN = "async"


class Server(Program):
    """Without a bus."""

    def __init__(self, programs: pathlib.Path):
        self.port = free_port()
        super().__init__([str(programs / f"comet-{PATTERN}"), "--port", str(self.port)])

    def works(self) -> bool:
        return status_of(self.port, "/healthz") == 200


def measure(system: str, rate: int, seconds: float, load: LoadGenerator, programs: pathlib.Path,
            folder: pathlib.Path) -> dict[str, float]:
    if system == "local":
        server = Server(programs)
        with running(server):
            return measure_running(server.port, server.port, server.port, {"server": server}, rate, seconds, load)
    redis = Redis(folder, *(["--appendfsync", "everysec"] if system == "bus-everysec" else []))
    relay = Relay(programs, redis, PATTERN)
    started = {"redis": redis, "relay": relay}
    subscribe, publish = relay.node_port, relay.port
    if system == "edge":
        started["haproxy"] = Haproxy([relay], [], None)
        subscribe = publish = started["haproxy"].port
    with running(*started.values()):
        return measure_running(subscribe, publish, relay.port, started, rate, seconds, load)


def measure_running(subscribe: int, publish: int, counter: int, started: dict[str, Program], rate: int, seconds: float,
                    load: LoadGenerator) -> dict[str, float]:
    """`counter`: the port of the program that knows how many messages there were."""
    processes = {name: program.process.pid for name, program in started.items() if program.process}
    if "relay" in processes:
        processes["node"] = stats(subscribe)["pid"]
    messages = stats(counter)["published"]
    cpu = {name: cpu_seconds(process) for name, process in processes.items()}
    repeat = load.publish(f"http://127.0.0.1:{subscribe}", f"http://127.0.0.1:{publish}", rate, seconds)
    load.busy = statistics.mean(repeat["cores"]["busy"])
    cpu = {name: cpu_seconds(process) - cpu[name] for name, process in processes.items()}
    messages = stats(counter)["published"] - messages
    return {"p50": repeat["socket_latency"]["p50_us"] / 1000, "p99": repeat["socket_latency"]["p99_us"] / 1000,
            "client": repeat["publish_lag"]["p99_us"] / 1000,
            **{f"cpu/{name}": used / messages * 1e6 for name, used in cpu.items()}}
