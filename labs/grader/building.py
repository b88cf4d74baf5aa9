"""Builds the tools with CMake, and a student's files against the kit."""
import dataclasses
import fcntl
import os
import pathlib
import shlex
import time

from . import processes
from .labfile import ROOT, Problem

BUILD = ROOT / "build/release"
LIBRARIES = ["-lboost_json", "-lboost_url", "-lboost_context", "-pthread"]
COMPILE_BOUNDS = processes.Bounds(seconds=900, cpu_seconds=120, memory=3 << 30)  # others may use this machine, too
SAY_EVERY = 30  # seconds
NO_LIMIT = processes.Bounds(seconds=3600)


@dataclasses.dataclass
class Candidate:
    """What is graded: a server's programs in two builds, or a folder with a manifest of its own."""
    folder: pathlib.Path  # of what is built for it
    sources: list
    manifest: dict | None = None
    manifest_folder: pathlib.Path | None = None

    @property
    def release(self):
        return self.folder / "release"

    @property
    def teaching(self):
        """With pause points, and the sanitizer that the lab names."""
        return self.folder / "teaching"


def tools(lab, with_bars=True):
    """The targets that a lab's grade needs."""
    names = {"comet_lab_kit", "comet_lab_kit_teaching"} if lab.program else set()
    names.update(lab.builds)
    for test in lab.tests:
        if not test.command:
            names.add(test_program(test))
    if with_bars and lab.bars:
        names.add("comet-loadgen")
        names.update(f"comet-{bar.reference}" for bar in lab.bars if bar.reference)
    return sorted(names)


def test_program(test):
    """The labs' own tests are called Lab1.Name; all others are of the conformance suite."""
    return "lab-tests" if test.name.startswith("Lab") else "conformance"


def build_tools(names, say=lambda line: print(line, flush=True)):
    """Does nothing if they are built; the first time takes minutes. Whoever comes meanwhile waits."""
    if not names:
        return
    BUILD.mkdir(parents=True, exist_ok=True)
    with open(BUILD / "labs.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (BUILD / "CMakeCache.txt").exists():
            say("The tools are built first, once: about five minutes on two cores.")
            step(["cmake", "--preset", "release"], "cmake cannot set up the build; scripts/deps says what it needs")
        step(["cmake", "--build", BUILD, "-j", str(os.cpu_count()), "--target", *names], "the tools cannot be built",
             Progress(say))


class Progress:
    """Says now and then what a build compiles."""

    def __init__(self, say):
        self.say, self.said = say, time.monotonic()

    def __call__(self, process):
        if time.monotonic() - self.said < SAY_EVERY:
            return
        files = {word for one in processes.descendants(process) for word in processes.words_of(one) if word.endswith(".cpp")}
        if files:
            self.say(f"  building {', '.join(sorted(pathlib.PurePath(file).name for file in files))}")
            self.said = time.monotonic()


def step(command, problem, watch=None):
    done = processes.run(command, NO_LIMIT, watch, cwd=ROOT)
    if done.status != 0:
        raise Problem(f"{problem}:\n{done.output[-3000:]}")


def compiler():
    return shlex.split(os.environ.get("CXX", "c++"))


def library(name):
    found = sorted(BUILD.glob(f"**/lib{name}.a"))
    if not found:
        raise Problem(f"lib{name}.a is not in {BUILD}: cmake --build {BUILD} --target {name}")
    return found[0]


def compile_command(lab, sources, program, teaching):
    """-O1 keeps what the sanitizer says readable; the figures are those of -O2."""
    sanitizer = [f"-fsanitize={lab.sanitizer}", "-fno-sanitize-recover=undefined"] if teaching and lab.sanitizer else []
    how = ["-O1", "-DCOMET_LAB_PAUSES", "-fno-omit-frame-pointer", *sanitizer] if teaching else ["-O2", "-DNDEBUG"]
    kit = library("comet_lab_kit_teaching" if teaching else "comet_lab_kit")
    others = [library(name) for name in ("comet_common", "comet_core")]
    return [*compiler(), "-std=c++20", "-g", "-Wall", "-Wextra", *how, f"-I{ROOT}", *sources, "-o", program,
            kit, *others, *LIBRARIES, *(f"-l{name}" for name in lab.libraries)]


def compile_candidate(lab, candidate, run=processes.run, for_tests=True, for_bars=True):
    """What the compiler says if it fails, else its warnings, as (works, text). Tests and bars have a build each."""
    said = ""
    for folder, teaching, is_wanted in ((candidate.release, False, for_bars), (candidate.teaching, True, for_tests)):
        program = folder / lab.program
        program.unlink(missing_ok=True)
        if not is_wanted:
            continue
        done = run(compile_command(lab, candidate.sources, program, teaching), COMPILE_BOUNDS, writable=[folder])
        if done.stopped:
            return False, f"the compiler was ended: it used too much {done.stopped}"
        if done.status != 0:
            return False, done.output
        said = said or done.output
    return True, said
