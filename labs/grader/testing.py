"""Runs the tests of a lab, one at a time, each in a process of its own."""
import dataclasses
import enum
import re
import sys
import time

from . import entries, processes, threads
from .building import BUILD, test_program
from .labfile import Problem, Test

PATIENCE = 5  # seconds that a test waits for what is due at once
HANGS = 2.0  # after this many seconds it is noted where the threads stand
MEMORY = 2 << 30


class Result(enum.Enum):
    PASSED = "passed"
    FAILED = "failed"
    NOT_ASKED = "not asked"  # it needs what this server does not keep


@dataclasses.dataclass
class Outcome:
    test: Test
    result: Result
    output: str = ""
    seconds: float = 0
    stopped: str = ""
    threads: list = dataclasses.field(default_factory=list)

    @property
    def passed(self):
        return self.result is Result.PASSED


class Watcher:
    """Notes where the threads of a program stand while a test takes long."""

    def __init__(self, program, source, seconds):
        self.program, self.source, self.seconds = program, source, seconds
        self.began = self.looked = time.monotonic()
        self.lines, self.frames = [], None

    def __call__(self, process):
        now = time.monotonic()
        if now - self.began < HANGS or now - self.looked < 1:
            return
        self.looked = now
        self.lines = threads.standing(process, self.program) or self.lines
        if self.frames is None and now - self.began > self.seconds - 5:  # gdb stops the program: only now
            self.frames = threads.frames(process, self.program, self.source)

    def said(self):
        return [*self.lines, *(self.frames or [])]


def run_tests(lab, candidate, seed, tests=None, run=processes.run):
    """The outcomes of these tests, else of all."""
    root = entries.make_root(lab, candidate) if lab.program or candidate.manifest else None
    known = {}
    for test in tests or lab.tests:
        if test.command:
            yield run_command(lab, candidate, test, seed, run)
            continue
        program = test_program(test)
        if program not in known:
            known[program] = names(program, lab, candidate, root)
        if test.name not in known[program]:
            yield Outcome(test, Result.NOT_ASKED, f"needs more than this server keeps, which is {kept(lab, candidate)}")
        else:
            yield run_test(lab, candidate, test, seed, root, run)


def kept(lab, candidate):
    keeps = entries.manifest_of(lab, candidate)["keeps"]
    return keeps if isinstance(keeps, str) else ", ".join(keeps)


def command_of(program, lab, candidate, root):
    return [BUILD / "bin" / program, "--entry", entries.manifest_of(lab, candidate)["name"], "--root", root,
            "--bin-dir", candidate.teaching if lab.program and not candidate.manifest else BUILD / "bin"]


def names(program, lab, candidate, root):
    """The tests that this server is asked to pass: those whose parts it keeps."""
    done = processes.run([*command_of(program, lab, candidate, root), "--gtest_list_tests"])
    if done.status != 0:
        raise Problem(f"{program} does not take this server: {done.output.strip()}")
    found, suite = set(), ""
    for line in done.output.splitlines():
        if re.fullmatch(r"\w+\.", line):
            suite = line
        elif line.startswith("  "):
            found.add(suite + line.split()[0])
    return found


def run_test(lab, candidate, test, seed, root, run):
    program = command_of(test_program(test), lab, candidate, root)
    watcher = Watcher(lab.program, lab.files[0], test.seconds)
    # GoogleTest takes the seed only if it also shuffles.
    done = run([*program, "--patience", PATIENCE, f"--gtest_filter={test.name}", "--gtest_shuffle",
                f"--gtest_random_seed={seed}"], processes.Bounds(seconds=test.seconds, memory=MEMORY), watch=watcher)
    if done.status == 0 and "[  SKIPPED ]" in done.output:
        return Outcome(test, Result.NOT_ASKED, done.output, done.seconds)
    return outcome(test, done, watcher.said())


def run_command(lab, candidate, test, seed, run):
    """A test that is a program of the lab's folder. {file} is what the student wrote."""
    if not candidate.sources:
        raise Problem(f"{candidate.manifest_folder}: has no {lab.files[0]}, which lab {lab.lab} grades")
    values = {"file": str(candidate.sources[0]), "folder": str(lab.folder), "seed": str(seed), "python": sys.executable,
              "bin": str(candidate.teaching), "tools": str(BUILD / "bin")}
    command = [re.sub(r"\{(\w+)\}", lambda name: values.get(name[1], name[0]), word) for word in test.command]
    watcher = Watcher(lab.program, lab.files[0], test.seconds) if lab.program else None
    done = run(command, processes.Bounds(seconds=test.seconds, memory=MEMORY), watch=watcher, cwd=lab.folder)
    return outcome(test, done, watcher.said() if watcher else [])


def outcome(test, done, standing):
    passed = done.status == 0 and not done.stopped
    return Outcome(test, Result.PASSED if passed else Result.FAILED, done.output, done.seconds, done.stopped,
                   [] if passed else standing)
