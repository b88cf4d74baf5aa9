"""From a publish to its subscriber: without a bus, through it, and through HAProxy too; and what that costs each program."""
import pathlib
import statistics

from load import LoadGenerator
from programs import Haproxy, Program, Redis, Relay, Server, cpu_seconds, running, stats

PATTERN = "async"


def measure(system: str, rate: int, seconds: float, load: LoadGenerator, programs: pathlib.Path,
            folder: pathlib.Path) -> dict[str, float]:
    if system == "local":
        server = Server(programs / f"comet-{PATTERN}")
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
