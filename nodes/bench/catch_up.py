"""How fast a relay brings a node that starts late all messages that it has missed."""
import pathlib
import time

from latency import PATTERN
from load import Failed, LoadGenerator
from programs import Redis, Relay, running, stats

FILL_RATE = 4000  # messages a second, until there are enough


def measure(messages: int, load: LoadGenerator, programs: pathlib.Path, folder: pathlib.Path) -> dict[str, float]:
    redis = Redis(folder, "--appendfsync", "everysec")
    first, late = Relay(programs, redis, PATTERN), Relay(programs, redis, PATTERN)
    with running(redis, first):
        load.publish(f"http://127.0.0.1:{first.node_port}", f"http://127.0.0.1:{first.port}", FILL_RATE,
                     messages / FILL_RATE)
        in_stream = stats(first.node_port)["published"]
        begun = time.monotonic()
        with running(late):
            seconds = time.monotonic() - begun
            if (brought := stats(late.node_port)["published"]) != in_stream:
                raise Failed(f"{brought} of {in_stream} messages were brought when the relay said ready")
    return {"rate": in_stream / seconds, "time": seconds}
