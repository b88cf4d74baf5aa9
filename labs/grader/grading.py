"""Grades one server: builds it, runs the tests, measures the bars, and counts the points."""
import dataclasses
import hashlib
import pathlib
import random
import subprocess

from . import bars, building, entries, processes, testing
from .labfile import ROOT, Lab, Problem

WORK = ROOT / "build/labs"  # of everything that grading makes


@dataclasses.dataclass
class Grade:
    lab: Lab
    seed: int
    works: bool = True  # whether it could be compiled
    said: str = ""  # by the compiler
    outcomes: list = dataclasses.field(default_factory=list)
    measured: list = dataclasses.field(default_factory=list)

    @property
    def points(self):
        return (sum(one.test.points for one in self.outcomes if one.passed) +
                sum(one.bar.points for one in self.measured if one.kept))

    @property
    def asked(self):
        """The points that this server could get: what needs more than it keeps is not among them."""
        if not self.works:
            return self.lab.points
        return (sum(one.test.points for one in self.outcomes if one.result is not testing.Result.NOT_ASKED) +
                sum(one.bar.points for one in self.measured))

    @property
    def failed(self):
        return ([one.test.name for one in self.outcomes if one.result is testing.Result.FAILED] +
                [one.bar.figure for one in self.measured if not one.kept])


def new_seed():
    return random.SystemRandom().randrange(1, 100000)  # what GoogleTest takes


def candidate_of_files(lab, sources, name):
    """`name` says which folder below build/labs is made for it."""
    return building.Candidate(WORK / lab.name / name, sources)


def candidate_of_folder(lab, folder):
    """A server in any language: a folder with a manifest; or one with the lab's files."""
    folder = pathlib.Path(folder).resolve()
    if not folder.is_dir():
        raise Problem(f"{folder}: is no folder")
    if (folder / "pattern.json").exists():
        files = [folder / name for name in lab.files if (folder / name).exists()]
        return building.Candidate(WORK / lab.name / "folder", files, entries.read_manifest(folder), folder)
    return candidate_of_files(lab, present(lab, folder), "student")


def present(lab, folder):
    files = [folder / name for name in lab.files]
    for file in files:
        if not file.is_file():
            raise Problem(f"{file}: is not there; lab {lab.lab} grades {', '.join(lab.files)}")
    return files


def grade(lab, candidate, seed, with_bars=True, say=lambda line: None, run=processes.run):
    """`say` is told what goes on. `run` runs every program of the student's: within bounds, or in a sandbox."""
    result = Grade(lab, seed)
    if lab.program and not candidate.manifest:
        say(f"Compiling {', '.join(source.name for source in candidate.sources)}")
        for_bars = with_bars and bool(lab.bars)
        result.works, result.said = building.compile_candidate(lab, candidate, run, for_bars=for_bars)
        if not result.works:
            return result
    for outcome in testing.run_tests(lab, candidate, seed, run=run):
        say(f"  {outcome.result.value:9}  {outcome.test.name}")
        result.outcomes.append(outcome)
    if with_bars and lab.bars and bars.can_be_measured(lab, candidate):
        if any(one.passed for one in result.outcomes):
            say("Measuring")
            result.measured = bars.measure(lab, candidate, seed, run=run)
            for one in result.measured:
                say(f"  {one.text()}")
        else:
            result.measured = [bars.Measured(bar, [], "no test passed") for bar in lab.bars]
    return result


def digest(files):
    total = hashlib.sha256()
    for file in files:
        total.update(file.read_bytes())
    return total.hexdigest()[:12]


def kit_version():
    """Of the kit that this is; a packed one has it in a file."""
    file = ROOT / "labs/kit-version"
    if file.exists():
        return file.read_text().strip()
    said = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    return said.stdout.strip() if said.returncode == 0 else "unknown"
