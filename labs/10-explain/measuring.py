"""Measures the student's server beside its references, in one run, and reads the figures from the result files."""
import json
import pathlib
import statistics
import subprocess

from form import FIGURES, Measured, Problem

REFERENCES = ("async", "threaded")
HELD = 500
REPEATS = 5
SECONDS = 1


def run(root, entry, out):
    """Runs the bench; the folder with its result files."""
    loadgen = root / "build/release/bin/comet-loadgen"
    before = set(out.glob("*")) if out.exists() else set()
    command = [loadgen, "bench", "--entries", ",".join((entry, *REFERENCES)), "--held", HELD, "--repeats", REPEATS,
               "--seconds", SECONDS, "--discard-first", "--root", root, "--out", out]
    try:
        done = subprocess.run([str(word) for word in command], cwd=root)
    except FileNotFoundError:
        raise Problem(f"there is no {loadgen}: make bench builds it") from None
    made = sorted(set(out.glob("*")) - before)
    if done.returncode != 0 or not made:
        raise Problem("the bench did not measure; it says why above")
    return made[-1]


PLACES = {"user_bytes": ("user_memory", "per_held_bytes"), "server_cpu_us": ("server", "cpu_us_per_delivery"),
          "switches": ("server", "context_switches_per_delivery")}  # where a figure stands in a repeat


def of_repeat(repeat, name):
    figures = {figure: (repeat.get(part) or {}).get(key) for figure, (part, key) in PLACES.items()}
    for figure, value in figures.items():
        if value is None:
            raise Problem(f"the bench could not take {figure} of {name}: its processes must be there, and be its user's, while "
                          "requests are held; mend that if it is your server, and measure again: labs/lab measure")
    return figures


def read(folder, entry, prediction):
    """(Measured, facts of the run): only what was measured in every complete repeat of all three."""
    files = {"mine": entry, **{name: name for name in REFERENCES}}
    results = {name: load(folder / f"broadcast-{real}-{HELD}.json") for name, real in files.items()}
    repeats = {name: {one["repeat"]: of_repeat(one, name) for one in result["repeats"] if one["status"] == "complete"}
               for name, result in results.items()}
    common = sorted(set.intersection(*(set(one) for one in repeats.values())))
    if len(common) < 3:
        notes = {one["note"] for result in results.values() for one in result["repeats"] if one["note"]}
        raise Problem(f"only {len(common)} repeats are complete, and 3 are needed: "
                      f"{'; '.join(sorted(notes)) or 'the bench says above why'}")
    if wrong := sum(one["deliveries"][key] for one in results["mine"]["repeats"] if one["status"] == "complete"
                    for key in ("lost", "duplicate", "wrong")):
        raise Problem(f"{wrong} messages were lost, repeated or wrong: mend that first")
    values = {}
    for figure in FIGURES:
        for name in repeats:
            values[figure, name] = interval([repeats[name][number][figure] for number in common])
        for reference in REFERENCES:
            values[figure, f"mine / {reference}"] = interval(
                [repeats["mine"][number][figure] / (repeats[reference][number][figure] or 1e-9) for number in common])
    run_of = results["mine"]["run"]
    facts = [f"server: {entry}", f"run: {folder.name}", f"seed: {run_of['seed']}", f"commit: {run_of['commit']}",
             f"machine: {run_of['machine']['cores']} cores, {run_of['machine']['cpu']}, {run_of['machine']['kernel']}",
             f"held: {HELD}, repeats: {len(common)}"]
    return Measured(run_of["started_at"], prediction, values), facts


def load(file: pathlib.Path):
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise Problem(f"{file.name}: the run has no such figures; the bench says above why") from None


def interval(values):
    return statistics.median(values), min(values), max(values)
