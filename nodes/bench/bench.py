#!/usr/bin/env python3
"""Measures servers that share their messages over Redis: latency and CPU time beside a server alone, how fast a late node
catches up, how long nothing is delivered when Redis or a node dies, and what a held client costs at the gateway."""
import argparse
import collections.abc
import pathlib
import random
import resource
import signal
import sys
import tempfile
import typing

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import catch_up  # noqa: E402
import held  # noqa: E402
import latency  # noqa: E402
import outages  # noqa: E402
from figures import MODELS, RATES, SYSTEMS, Figures  # noqa: E402
from load import Failed, LoadGenerator  # noqa: E402
from programs import STOP_SIGNALS, refuse_if_missing  # noqa: E402

PROGRAMS = ("comet-loadgen", "comet-relay", "comet-gateway",
            *(f"comet-{model.removesuffix('-redispatch')}" for model in MODELS))
MOST_BUSY = 0.95  # of the cores' time; beyond it the machine is what bounds a figure

Measurement = collections.abc.Callable[[pathlib.Path], dict[str, float]]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--bin-dir", type=pathlib.Path, default=pathlib.Path("build/release/bin"),
                        help="folder of the built programs (%(default)s)")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("build/nodes.json"),
                        help="file for the figures (%(default)s)")
    parser.add_argument("--repeats", type=positive, default=5, help="how often each is measured (%(default)s)")
    parser.add_argument("--seconds", type=seconds, default=2, help="of messages at each rate (%(default)s)")
    parser.add_argument("--messages", type=positive, default=10000, help="that a late node has to get (%(default)s)")
    parser.add_argument("--held", type=positive, default=2000, help="clients whose memory is measured (%(default)s)")
    return parser.parse_args()


def positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError("a number from 1 on is wanted")
    return int(text)


def seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0
    if not 0.1 <= number <= 3600:
        raise argparse.ArgumentTypeError("a time from 0.1 to 3600 is wanted")
    return number


def measurements(options: argparse.Namespace, load: LoadGenerator) -> dict[str, Measurement]:
    """By the name with which their figures begin. Each starts what it needs, and has a folder of its own."""
    programs = options.bin_dir
    all_of_them: dict[str, Measurement] = {}
    for system in SYSTEMS:
        for rate in RATES:
            all_of_them[f"{system}/{rate}"] = lambda folder, system=system, rate=rate: latency.measure(
                system, rate, options.seconds, load, programs, folder)
    all_of_them["catch-up"] = lambda folder: catch_up.measure(options.messages, load, programs, folder)
    all_of_them["redis-dies"] = lambda folder: outages.measure_redis(programs, folder)
    all_of_them["node-dies"] = lambda folder: outages.measure_node(programs, folder)
    for way in held.REQUESTS:
        all_of_them[f"held/{way}"] = lambda folder, way=way: held.measure_gateway(way, options.held, programs, folder)
    for model in MODELS:
        all_of_them[f"held/{model}"] = lambda _, model=model: held.measure_model(model, options.held, load)
    return all_of_them


def measure_all(options: argparse.Namespace, top: pathlib.Path) -> bool:
    """Each repeat measures everything once, in a random order. False: something has no figure."""
    load = LoadGenerator(options.bin_dir, top)
    facts = load.facts()
    run = {"command_line": sys.argv, **{name: facts[name] for name in ("started_at", "commit", "machine")}}
    figures = Figures(options.held, options.messages)
    todo = list(measurements(options, load).items())
    for repeat in range(1, options.repeats + 1):
        random.shuffle(todo)
        for number, (name, measure) in enumerate(todo, 1):
            print(f"[{repeat}/{options.repeats}] {number}/{len(todo)} {name}", flush=True)
            load.busy = 0
            with tempfile.TemporaryDirectory(dir=top) as folder:
                try:
                    figures.take(name, measure(pathlib.Path(folder)))
                    if load.busy > MOST_BUSY:
                        figures.note(name, f"bounded: the machine's cores were busy for {load.busy:.0%} of the time")
                except (Failed, AssertionError, OSError) as error:
                    figures.note(name, f"failed: {error}")
        figures.write(options.out, run)
    figures.print()
    print(f"\n{options.out}")
    return all(figure.values for figure in figures.all.values())


def stop(number: int, _: object) -> typing.NoReturn:
    for each in STOP_SIGNALS:
        signal.signal(each, signal.SIG_IGN)  # so that what has been started is ended in peace
    sys.exit(128 + number)


def main() -> None:
    options = arguments()
    refuse_if_missing("nodes-bench", "nodes-bench", options.bin_dir, PROGRAMS, ("redis-server", "haproxy"))
    options.bin_dir = options.bin_dir.resolve()
    for number in STOP_SIGNALS:
        signal.signal(number, stop)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    # Not in /tmp, which may be memory: what Redis writes to disk would cost nothing there.
    with tempfile.TemporaryDirectory(prefix="nodes-bench-", dir=options.out.resolve().parent) as folder:
        try:
            complete = measure_all(options, pathlib.Path(folder))
        except (Failed, OSError) as error:
            sys.exit(f"nodes-bench: {error}")
    sys.exit(0 if complete else 1)


main()
