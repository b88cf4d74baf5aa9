#!/usr/bin/env python3
"""Plays scenarios against the right server and against servers with one fault each, and says which faults are found."""
import argparse
import concurrent.futures
import hashlib
import json
import pathlib
import random
import re
import subprocess
import sys
import threading

sys.dont_write_bytecode = True
from language import Refused, parse
from play import Play, Stopped

HERE = pathlib.Path(__file__).resolve().parent
FIRST_PATIENCE_S = 10
LEAST_PATIENCE_S = 2
AT_ONCE = 8  # most plays only wait
RIGHT = ""   # the fault of the right server


class Problem(Exception):
    """What a person can mend, in one line."""


class Trial:
    """Scenarios against the right server and against faults."""

    def __init__(self, server, scenarios):
        self.server = str(server)
        self.scenarios = scenarios
        self.stop = threading.Event()
        self.patience_s = {}

    def play(self, name, fault):
        command = [self.server, "--fault", fault] if fault else [self.server]
        play = Play(command, self.patience_s.get(name, FIRST_PATIENCE_S), self.stop)
        return play.run(self.scenarios[name]), play

    def play_all(self, jobs):
        """Job to result. On Ctrl-C the plays that run end their servers first."""
        random.shuffle(jobs)
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            futures = {job: pool.submit(self.play, *job[:2]) for job in jobs}
            try:
                return {job: future.result() for job, future in futures.items()}
            except BaseException:
                self.stop.set()
                pool.shutdown(cancel_futures=True)
                raise

    def check_right(self, times):
        """Name to (reason, story) of the scenarios that the right server fails; these are played no more. From the others
        comes the time that an event may take, so that no fault is found because a good answer takes long."""
        refused = {}
        jobs = [(name, RIGHT, time) for name in self.scenarios for time in range(times)]
        for (name, _, _), (failure, play) in self.play_all(jobs).items():
            if failure:
                refused[name] = (f"the right server fails it: {failure}", play.story)
            self.patience_s[name] = max(self.patience_s.get(name, LEAST_PATIENCE_S), 3 * play.longest_wait_s)
        for name in refused:
            del self.scenarios[name]
        return dict(sorted(refused.items()))

    def find(self, faults):
        """Scenario to the set of faults that it finds."""
        found = {name: set() for name in self.scenarios}
        jobs = [(name, fault) for name in self.scenarios for fault in faults]
        for (name, fault), (failure, _) in self.play_all(jobs).items():
            if failure:
                found[name].add(fault)
        return found


def print_refused(name, reason, story=()):
    print(f"refused: {name}: {reason}")
    for seconds, text in story:
        print(f"   {seconds:7.3f}  {text}")


def print_matrix(found, faults):
    names = [name for name in found if found[name]]
    print("Kill matrix: x if the scenario fails with that fault, and so finds it")
    for number, name in enumerate(names, 1):
        print(f"   {number:2} {name}")
    print(" " * 33 + "".join(f"{number:3}" for number in range(1, len(names) + 1)))
    for fault in faults:
        row = "".join("  x" if fault in found[name] else "  ." for name in names)
        print(f"   {fault:30}{row}{'' if 'x' in row else '  not found'}")
    silent = [name for name in found if not found[name]]
    if silent:
        print(f"Find none of these: {', '.join(silent)}")


def read_scenarios(file, say_refused):
    try:
        scenarios, refused = parse(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, Refused) as problem:
        raise Problem(f"{file}: {problem}") from None
    if not scenarios and not refused:
        raise Problem(f"{file}: has no scenario: README.md shows one")
    if say_refused:
        for name, reason in refused.items():
            print_refused(name, reason)
    return scenarios, refused


def taken(file, server):
    """Whether no scenario is refused."""
    scenarios, refused = read_scenarios(file, True)
    refused |= (later := Trial(server, scenarios).check_right(times=3))
    for name, (reason, story) in later.items():
        print_refused(name, reason, story)
    if not refused:
        print(f"The right server keeps {len(scenarios)} scenarios, three times each.")
    return not refused


def find(file, server, parts, needed):
    """Whether in each part as many faults are found as needed. A refused scenario finds nothing."""
    scenarios, _ = read_scenarios(file, False)
    trial = Trial(server, scenarios)
    for name in trial.check_right(times=1):
        print(f"refused: {name}")
    hidden = hidden_names(server)
    enough = True
    for name, part in parts.items():
        held_out = [hidden[digest] for digest in part["held_out"]]
        found = trial.find(part["named"] + held_out)
        caught = set().union(*found.values())
        print(f"{name} (in the contract: {part['contract']})")
        print_matrix({scenario: faults & set(part["named"]) for scenario, faults in found.items()}, part["named"])
        print(f"{len(caught)} of the {len(part['named'] + held_out)} faults of this part are found, "
              f"{len(caught & set(held_out))} of the {len(held_out)} that are held out among them; {needed} are needed.\n")
        enough = enough and len(caught) >= needed
    return enough


def hidden_names(server):
    """The digest of a fault's name to the name. So the list shows nobody which faults are held out."""
    shown = subprocess.run([server, "--help"], capture_output=True, text=True, check=True).stdout
    names = re.search(r"--fault TEXT:\{(.*?)\}", shown)[1].split(",")
    return {hashlib.sha256(name.encode()).hexdigest()[:12]: name for name in names}


def main():
    faults = json.loads((HERE / "faults.json").read_text(encoding="utf-8"))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["taken", "find"], help="does the right server keep all; which faults are found")
    parser.add_argument("--part", choices=list(faults["parts"]), help="find only the faults of this part")
    parser.add_argument("file", nargs="?", type=pathlib.Path, default=HERE / "scenarios.txt")
    parser.add_argument("--server", type=pathlib.Path, default=HERE.parents[1] / "build/release/bin/wrong-server")
    given = parser.parse_args()
    server = given.server.resolve()
    if not server.exists():
        raise Problem(f"there is no {server}: cmake --build build/release --target wrong-server")
    if given.what == "taken":
        return taken(given.file, server)
    parts = {given.part: faults["parts"][given.part]} if given.part else faults["parts"]
    return find(given.file, server, parts, faults["needed"])


if __name__ == "__main__":
    try:
        sys.exit(0 if main() else 1)
    except (Problem, OSError) as problem:
        sys.exit(f"grade.py: {problem}")
    except (KeyboardInterrupt, Stopped):
        sys.exit(130)
