"""Bars: figures of the student's server, as ratios to those of a reference server in the same run."""
import dataclasses
import json
import shutil
import statistics
import sys

from . import entries, processes
from .building import BUILD
from .labfile import ROOT, Bar, Problem

REPEATS = 5
MEMORY = 4 << 30

# Where a figure stands in a repeat of a result file. CPU time and switches are those of a delivery and of the poll that
# follows. In `broadcast` all ask again when all have their message, and a loop that is faster than the clients sleeps
# between their polls. In `broadcast-ask-at-once` it always has work: only there it need not switch.
FIGURES = {
    "user_bytes": ("user_memory", "per_held_bytes"),
    "kernel_bytes": ("kernel_memory", "per_held_bytes"),
    "switches": ("server", "context_switches_per_delivery"),
    "cpu_us": ("server", "cpu_us_per_delivery"),
    "lost": ("deliveries", "lost"),
    "repeated": ("deliveries", "duplicate"),
    "wrong": ("deliveries", "wrong"),
    "p99_us": ("latency", "p99_us"),
    "others_p99_us": ("other_latency", "p99_us"),
    "stop_s": ("server", "stop_s"),
}
COUNTS = {"lost", "repeated", "wrong"}


@dataclasses.dataclass
class Measured:
    bar: Bar
    values: list  # ratios, or figures of a bar without a reference; one for each repeat
    problem: str = ""

    @property
    def kept(self):
        """Only a whole interval beyond the bar misses it. What is counted has no interval: each repeat keeps it or not."""
        decides = max if self.bar.figure in COUNTS else min
        return not self.problem and decides(self.values) <= self.bar.at_most

    def text(self):
        unit = f" x {self.bar.reference}'s" if self.bar.reference else ""
        if self.problem:
            return f"{self.bar.says}: not measured: {self.problem}"
        middle, low, high = statistics.median(self.values), min(self.values), max(self.values)
        return (f"{self.bar.says}: {middle:.3g} ({low:.3g}..{high:.3g}){unit}, at most {self.bar.at_most:g}: "
                f"{'kept' if self.kept else 'MISSED'}")


def measure(lab, candidate, seed, bars=None, run=processes.run):
    """All bars, or these; those of one scenario are taken in one run, in which the servers take turns."""
    left, runs = [], {}
    for bar in bars if bars is not None else lab.bars:
        if bar.figure == "rest_cpu_ms":
            left.append(rest_bar(lab, candidate, bar, run))
        elif bar.figure not in FIGURES:
            raise Problem(f"{lab.folder}/lab.json: no figure '{bar.figure}': use rest_cpu_ms, {', '.join(FIGURES)}")
        else:
            runs.setdefault((bar.scenario, bar.held, bar.seconds, tuple(bar.options)), []).append(bar)
    for scenario, together in runs.items():
        left += bench(lab, candidate, seed, scenario, together, run)
    return left


def can_be_measured(lab, candidate):
    """All figures are taken while requests are held, and /stats says whether they are."""
    keeps = entries.manifest_of(lab, candidate)["keeps"]
    return keeps == "all" or "stats" in keeps


def programs(lab, candidate):
    return candidate.release if lab.program and not candidate.manifest else BUILD / "bin"


def rest_bar(lab, candidate, bar, run):
    root = entries.make_root(lab, candidate, "rest")
    command = json.dumps(entries.manifest_of(lab, candidate)["command"])
    done = run([sys.executable, "-B", "-m", "grader.rest", command, root / "entries" / entries.NAME,
                programs(lab, candidate), REPEATS], processes.Bounds(seconds=30, memory=MEMORY), cwd=ROOT / "labs")
    if done.stopped or done.status != 0:
        return Measured(bar, [], f"too much {done.stopped}" if done.stopped else done.output.strip()[-300:])
    return Measured(bar, json.loads(done.output))


def bench(lab, candidate, seed, how, bars, run):
    name, held, seconds, options = how
    references = sorted({bar.reference for bar in bars if bar.reference})
    scenario, server_options = read_scenario(lab, name)
    if server_options[:1] == list(options[:1]):
        server_options = []  # the bar has its own value
    root = entries.make_root(lab, candidate, "bench", [*options, *server_options], references)
    file = root / scenario.pop("file")
    file.write_text(json.dumps(scenario))
    own = entries.manifest_of(lab, candidate)["name"]
    out = candidate.folder / "runs"
    shutil.rmtree(out, ignore_errors=True)
    bin_folder = programs_of_all(lab, candidate, references)
    done = run([BUILD / "bin/comet-loadgen", "bench", "--entries", ",".join([own, *references]), "--repeats", REPEATS,
                "--held", held, "--seconds", seconds, "--scenario", file, "--root", root, "--bin-dir", bin_folder,
                "--seed", seed, "--out", out], processes.Bounds(seconds=100, memory=MEMORY), cwd=root, writable=[out])
    repeats = read(out)
    return [judge(bar, own, repeats, done) for bar in bars]


def read_scenario(lab, name):
    """A scenario of the lab's folder (as blocking.json) or of the bench's, and the options that it wants of a server. The
    bench gives these only to servers that keep the whole contract, so here they stand in the manifests."""
    path = lab.folder / name if name.endswith(".json") else ROOT / "loadgen/scenarios" / f"{name}.json"
    try:
        scenario = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise Problem(f"{lab.folder}/lab.json: scenario {name} cannot be read: {error}") from None
    return {**scenario, "server_options": [], "file": path.name}, scenario.get("server_options", [])


def programs_of_all(lab, candidate, references):
    """One folder with the student's program and those of the references."""
    folder = candidate.folder / "measured"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if lab.program and not candidate.manifest:
        (folder / lab.program).symlink_to(candidate.release / lab.program)
    for name in references:
        (folder / f"comet-{name}").symlink_to(BUILD / "bin" / f"comet-{name}")
    return folder


def read(out):
    """{entry: its repeats} of the one run in this folder; a scenario of several rates has a file for each. A student's
    program can write there, too: what is no result file is passed over, and a pipe, which would never end, not read."""
    found = {}
    for path in sorted(out.glob("*/*.json")):
        try:
            if path.is_symlink() or not path.is_file():
                continue
            result = json.loads(path.read_text())
            found.setdefault(result["entry"], []).extend(result["repeats"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return found


def figure(repeat, name):
    outer, inner = FIGURES[name]
    value = (repeat.get(outer) or {}).get(inner)
    if repeat["status"] != "complete":
        raise ValueError(repeat["note"] or repeat["status"])
    if value is None:
        raise ValueError(f"the bench has no {inner} of {outer} for one repeat")
    return value


def judge(bar, own, repeats, done):
    if done.stopped:
        return Measured(bar, [], f"the measuring used too much {done.stopped}")
    try:
        mine = [figure(repeat, bar.figure) for repeat in repeats[own]]
        if not bar.reference:
            return Measured(bar, mine)
        theirs = [figure(repeat, bar.figure) for repeat in repeats[bar.reference]]
        return Measured(bar, [one / other for one, other in zip(mine, theirs, strict=True)])
    except KeyError as missing:
        return Measured(bar, [], f"{missing.args[0]} was not measured: {done.output.strip()[-300:]}")
    except (ValueError, ZeroDivisionError) as problem:
        return Measured(bar, [], str(problem))
