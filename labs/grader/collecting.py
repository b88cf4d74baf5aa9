"""labs/collect: grades a folder of submissions, one at a time, each in a sandbox."""
import argparse
import csv
import dataclasses
import os
import pathlib
import re
import shutil
import statistics
import traceback

from . import building, class_page, grading, report, sandbox
from .labfile import Problem, find_lab, find_labs

FILE_BYTES = 1 << 20  # of one file that is handed in
HEAD = ["student", "lab", "points", "of", "failed", "figures", "seed", "kit", "note"]


@dataclasses.dataclass
class Row:
    student: str
    lab: object
    grade: grading.Grade | None = None
    note: str = ""


def main(arguments):
    parser = argparse.ArgumentParser(prog="labs/collect", description="Grades submissions: DIR/STUDENT/LAB/FILE, where LAB is a "
                                     "lab's folder as 01-hold-and-wake, and FILE what its lab.json names.")
    parser.add_argument("folder", metavar="DIR", type=pathlib.Path)
    parser.add_argument("--lab", help="only this one; its files may also lie in the student's folder itself")
    parser.add_argument("--out", type=pathlib.Path, default=grading.WORK / "class", help="where the results go (%(default)s)")
    parser.add_argument("--tests-only", action="store_true", help="measure nothing")
    given = parser.parse_args(arguments)
    if not given.folder.is_dir():
        raise Problem(f"{given.folder}: is no folder: name the one with a folder for each student")
    labs = [find_lab(given.lab)] if given.lab else find_labs()
    sandbox.check()
    building.build_tools(sorted({name for lab in labs for name in building.tools(lab, not given.tests_only)}))
    rows = collect(given.folder, labs, given.out, bool(given.lab), not given.tests_only)
    print(f"{len(rows)} submissions: {given.out}/grades.csv, {given.out}/index.html")
    return 0


def collect(folder, labs, out, in_folder_itself, with_bars):
    """Grades all; after each one the results so far are written, so Ctrl-C loses one at most."""
    out.mkdir(parents=True, exist_ok=True)
    version, seed, rows = grading.kit_version(), grading.new_seed(), []
    for home in sorted(path for path in folder.iterdir() if path.is_dir() and not path.is_symlink()):
        for lab in labs:
            handed_in = home / lab.name
            if not handed_in.is_dir() and in_folder_itself:
                handed_in = home
            if not handed_in.is_dir() or handed_in.is_symlink():
                continue
            print(f"{home.name}, lab {lab.lab}: ", end="", flush=True)
            row = grade_one(home.name, lab, handed_in, seed, with_bars, out)
            rows.append(row)
            print(row.note or f"{row.grade.points} of {row.grade.asked}")
            write_table(out / "grades.csv", rows, version)
            class_page.write(out / "index.html", rows, version)
    if not rows:
        raise Problem(f"{folder}: holds no submission: DIR/STUDENT/{labs[0].name}/{' '.join(labs[0].files)}")
    return rows


def grade_one(student, lab, handed_in, seed, with_bars, out):
    row = Row(student, lab)
    place = grading.WORK / lab.name / "collect"
    shutil.rmtree(place, ignore_errors=True)
    try:
        sources = [take(handed_in / name, place / "source") for name in lab.files]
        candidate = building.Candidate(place, sources)
        row.grade = grading.grade(lab, candidate, seed, with_bars, run=sandbox.Sandbox(lab, place).run)
        row.note = "" if row.grade.works else "does not compile"
        text = "\n".join([*report.stories_of(row.grade), report.summary(row.grade, "with --seed it")])
    except Problem as problem:
        row.note = text = str(problem)
    except Exception as error:  # whatever a submission has brought about, the others are graded
        row.grade, row.note, text = None, f"could not be graded: {error!r}", traceback.format_exc()
    (out / f"{plain(student)}-{lab.name}.txt").write_text(text + "\n")
    return row


def take(file, into):
    """Copies a plain file; a link could be to anything, and a pipe would never end."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise Problem(f"no {file.name}: {error.strerror}") from None
    with os.fdopen(descriptor, "rb") as opened:
        if not file.is_file() or os.fstat(descriptor).st_size > FILE_BYTES:
            raise Problem(f"{file.name} is no plain file of at most {FILE_BYTES >> 20} MiB")
        into.mkdir(parents=True, exist_ok=True)
        (into / file.name).write_bytes(opened.read(FILE_BYTES))
    return into / file.name


def plain(name):
    return re.sub(r"[^\w.-]", "_", name)


def cell(text):
    """What a spreadsheet would take for a formula is marked as text."""
    return f"'{text}" if str(text)[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def write_table(path, rows, version):
    new = path.with_suffix(".new")
    with new.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(HEAD)
        for row in rows:
            grade = row.grade
            figures = "; ".join(f"{one.bar.figure} {statistics.median(one.values):.4g}" for one in grade.measured
                                if one.values) if grade else ""
            table.writerow([cell(value) for value in (
                row.student, row.lab.lab, grade.points if grade else 0, grade.asked if grade else row.lab.points,
                " ".join(grade.failed) if grade else "", figures, grade.seed if grade else "", version, row.note)])
    os.replace(new, path)
