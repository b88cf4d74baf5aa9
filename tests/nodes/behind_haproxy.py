#!/usr/bin/env python3
"""One server for the conformance suite that is many programs: HAProxy before a relay and its node, or several of them,
and a Redis. It starts them, says READY with HAProxy's port, and ends them all when it is told to end."""
import argparse
import os
import pathlib
import signal
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "nodes"))
from programs import Haproxy, Redis, Relay  # noqa: E402

# The node's program is looked for where the suite's is.
PROGRAMS = pathlib.Path(os.readlink(f"/proc/{os.getppid()}/exe")).parent


def main() -> None:
    stop_signals = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
    signal.pthread_sigmask(signal.SIG_BLOCK, stop_signals)
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--pattern", action="append", required=True, help="of a node; several make several nodes")
    parser.add_argument("--address")
    parser.add_argument("--port", type=int)
    parser.add_argument("--capacity", type=int, default=64)
    for name in ("--publish-token-file", "--allow-host", "--max-message"):  # of relay and node
        parser.add_argument(name)
    known, node_options = parser.parse_known_args()
    if known.pattern == ["prefork"]:  # one worker more for the relay, and some for HAProxy's looks
        node_options += ["--workers", f"5:{known.capacity + 5}"]
    relay_options = []
    if known.publish_token_file:  # the node has one of its own, which only its relay knows
        relay_options += ["--publish-token-file", known.publish_token_file]
    for name, value in (("--allow-host", known.allow_host), ("--max-message", known.max_message)):
        if value:
            relay_options += [name, value]
            node_options += [name, value]
    with tempfile.TemporaryDirectory() as folder:
        redis = Redis(pathlib.Path(folder), "--appendonly", "no")
        relays = [Relay(PROGRAMS, redis, pattern, relay_options, node_options) for pattern in known.pattern]
        haproxy = Haproxy(relays, [], None, known.address, known.port)
        started = []
        try:
            for program in (redis, *relays, haproxy):
                started.append(program)
                program.start()
            print(f"READY port={haproxy.port} pid={os.getpid()}", flush=True)
            signal.sigwait(stop_signals)
            for relay in relays:
                relay.stop()  # its node answers what it holds
            haproxy.signal(signal.SIGUSR1)  # ends once that has been passed on
        finally:
            for program in reversed(started):
                program.kill()


main()
