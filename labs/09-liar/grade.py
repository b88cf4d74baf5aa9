#!/usr/bin/env python3
"""Grades a folder of scenarios: each must be kept by the right server; every fault that one of them finds counts."""
import argparse
import concurrent.futures
import json
import pathlib
import random
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


def read_scenarios(folder):
    """Name to statements, and name to the reason of those that are refused."""
    scenarios, refused = {}, {}
    for file in sorted(folder.glob("*.scenario")):
        try:
            scenarios[file.stem] = parse(file.read_text(encoding="utf-8"))
        except (Refused, UnicodeDecodeError) as reason:
            refused[file.stem] = str(reason)
    return scenarios, refused


class Trial:
    """All scenarios against the right server and against each fault."""

    def __init__(self, server, scenarios):
        self.server = str(server)
        self.scenarios = scenarios
        self.stop = threading.Event()
        self.patience_s = {}

    def command(self, fault):
        return [self.server, "--fault", fault] if fault else [self.server]

    def play(self, name, fault):
        play = Play(self.command(fault), self.patience_s.get(name, FIRST_PATIENCE_S), self.stop)
        failure = play.run(self.scenarios[name])
        return failure, play

    def all(self, jobs):
        """Job to result. On Ctrl-C the plays that run end their servers first."""
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            futures = {job: pool.submit(self.play, *job[:2]) for job in jobs}
            try:
                return {job: future.result() for job, future in futures.items()}
            except BaseException:
                self.stop.set()
                pool.shutdown(cancel_futures=True)
                raise

    def check_right(self):
        """Name to (reason, story) of the scenarios that the right server fails. From those that it keeps comes the
        time that an event may take: a fault must not be found only because a good answer takes long."""
        refused = {}
        for (name, _), (failure, play) in self.all([(name, RIGHT) for name in self.scenarios]).items():
            if failure:
                refused[name] = (f"the right server fails it: {failure}", play.story)
            self.patience_s[name] = max(LEAST_PATIENCE_S, 3 * play.longest_wait_s)
        for name in refused:
            del self.scenarios[name]
        return refused

    def find(self, faults):
        """Scenario to the set of faults that it finds, and the scenarios that the right server fails meanwhile."""
        jobs = [(name, fault, 0) for name in self.scenarios for fault in faults]
        jobs += [(name, RIGHT, again) for name in self.scenarios for again in (1, 2)]
        random.shuffle(jobs)
        found = {name: set() for name in self.scenarios}
        refused = {}
        for (name, fault, _), (failure, play) in self.all(jobs).items():
            if failure and fault == RIGHT:
                refused[name] = (f"the right server keeps it at one time and fails it at another: {failure}", play.story)
            elif failure:
                found[name].add(fault)
        for name in refused:
            del found[name]
        return found, refused


def print_refused(name, reason, story=()):
    print(f"refused: {name}: {reason}")
    for seconds, text in story:
        print(f"   {seconds:7.3f}  {text}")


def print_matrix(found, faults):
    names = list(found)
    print("\nKill matrix: x where the scenario fails with that fault, and so finds it")
    for number, name in enumerate(names, 1):
        others = set().union(*(found[other] for other in names if other != name))
        note = "" if found[name] else "  finds nothing: it passes every server"
        if found[name] and not found[name] - others:
            note = "  finds nothing that the others do not find"
        print(f"   {number:2} {name}{note}")
    print(" " * 36 + "".join(f"{number:3}" for number in range(1, len(names) + 1)))
    for fault in faults:
        row = "".join("  x" if fault in found[name] else "  ." for name in names)
        print(f"   {fault:33}{row}{'' if 'x' in row else '   not found'}")


def grade(folder, server, lab, held_out):
    """Prints the report and returns the result as the grader of all labs wants it."""
    scenarios, refused = read_scenarios(folder)
    for name, reason in refused.items():
        print_refused(name, reason)
    trial = Trial(server, scenarios)
    found = {}
    later = trial.check_right()
    if trial.scenarios:
        found, unsure = trial.find(lab["faults"] + held_out)
        later |= unsure
    for name, (reason, story) in later.items():
        print_refused(name, reason, story)
        refused[name] = reason
    caught = set().union(*found.values())
    print_matrix(found, lab["faults"])
    visible = len(caught & set(lab["faults"]))
    total = len(lab["faults"]) + lab["held_out_count"]
    print(f"\n{visible} of the {len(lab['faults'])} faults that are named are found.")
    if held_out:
        print(f"{len(caught & set(held_out))} of the {len(held_out)} faults that are held out are found.")
    else:
        print(f"{lab['held_out_count']} more are held out: your teacher's grader tries them.")
    points = min(lab["points"], lab["points"] * len(caught) // lab["needed"])
    print(f"{len(caught)} of {total} found; {lab['needed']} give all {lab['points']} points: {points} points.")
    return {"lab": lab["lab"], "points": points, "of": lab["points"], "found": sorted(caught), "refused": refused,
            "figures": {"found": len(caught), "scenarios": len(found)}}


def read_held_out():
    file = HERE / "held_out.json"  # not in what a student gets
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else []


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path, nargs="?", default=HERE / "scenarios")
    parser.add_argument("--server", type=pathlib.Path, default=HERE.parent.parent / "build/release/bin/wrong-server")
    parser.add_argument("--json", type=pathlib.Path, help="write the result here, too")
    options = parser.parse_args()
    if not options.server.exists():
        parser.error(f"there is no {options.server}: build the target wrong-server first")
    if not list(options.folder.glob("*.scenario")):
        parser.error(f"there is no file NAME.scenario in {options.folder}")
    lab = json.loads((HERE / "lab.json").read_text(encoding="utf-8"))
    result = grade(options.folder, options.server.resolve(), lab, read_held_out())
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0 if result["points"] == result["of"] else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (KeyboardInterrupt, Stopped):
        sys.exit("stopped")
