"""labs/lab: the command line."""
import argparse
import json
import os
import pathlib
import shlex
import subprocess
import sys

from . import building, checking, grading, report, starter, status
from .labfile import ROOT, Problem, find_lab, find_labs


def main(arguments):
    parser = argparse.ArgumentParser(prog="labs/lab", description="The course labs.")
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("grade", help="build, test and measure a server")
    one.add_argument("lab", help="number of the lab")
    one.add_argument("--file", help="the server's file; else the one in the lab's folder")
    one.add_argument("--dir", help="a folder with the lab's files, or with a pattern.json: a server in any language")
    one.add_argument("--seed", type=seed, help="of an earlier grade, to do the same again")
    one.add_argument("--tests-only", action="store_true", help="measure nothing; the program to measure, in release/, is not built then")
    one.add_argument("--json", help="also write the grade into this file")
    commands.add_parser("status", help="what passed so far")
    one = commands.add_parser("generate", help="write the starters out of the solutions")
    one.add_argument("--check", action="store_true", help="write nothing, and fail if a starter is not what it should be")
    one = commands.add_parser("check", help="test the labs themselves")
    one.add_argument("labs", nargs="*", help="numbers; else all")
    one.add_argument("--tests-only", action="store_true", help="measure no bars")
    one.add_argument("--times", type=int, default=1, help="how often each solution must pass")
    one.add_argument("--seed", type=seed, help="of the solution's and the starter's tests")
    one = commands.add_parser("golden", help="compare the failure stories of a lab with its golden texts")
    one.add_argument("lab", help="number of the lab")
    one.add_argument("--update", action="store_true", help="make them the golden texts")
    one = commands.add_parser("predict", help="lab 10: stamp the predictions of form.txt")
    one = commands.add_parser("measure", help="lab 10: measure your server, and write the figures into form.txt")
    one.add_argument("--entry", default="mine", help="your server, by the name in its manifest (%(default)s)")
    one = commands.add_parser("pack", help="pack what a student gets")
    one.add_argument("--out", default="build/comet-lab-kit.tar.gz", help="the file (%(default)s)")
    given = parser.parse_args(arguments)
    return {"grade": grade, "status": show_status, "generate": generate, "check": check, "golden": golden,
            "pack": pack, "predict": explain, "measure": explain}[given.command](given)


def seed(text):
    if not text.isdigit() or not 1 <= int(text) < 100000:
        raise argparse.ArgumentTypeError(f"{text} is none: use a number from 1 to 99999")
    return int(text)


def chosen(given, lab):
    if given.file and given.dir:
        raise Problem("give FILE or DIR, not both")
    if given.dir:
        return grading.candidate_of_folder(lab, given.dir)
    if not given.file:
        return grading.candidate_of_files(lab, grading.present(lab, lab.folder), "student")
    file = pathlib.Path(given.file).resolve()
    if not file.is_file():
        raise Problem(f"{file}: is no file")
    own = file == (lab.folder / lab.files[0]).resolve()
    # Not in place of the lab's own program: lab 10's manifest names that.
    return grading.candidate_of_files(lab, [file], "student" if own else "another")


def place(given, lab):
    """Where what is graded stands; "" if it is the lab's own."""
    path = pathlib.Path(given.file or given.dir or lab.folder).resolve()
    own = (lab.folder.resolve(), (lab.folder / lab.files[0]).resolve())
    return "" if path in own else os.path.relpath(path, ROOT)


def grade(given):
    lab = find_lab(given.lab)
    candidate = chosen(given, lab)
    number = given.seed or grading.new_seed()
    building.build_tools(building.tools(lab, not given.tests_only))
    result = grading.grade(lab, candidate, number, not given.tests_only, lambda line: print(line, flush=True))
    for story in report.stories_of(result):
        print(f"\n{story}")
    replay = ["labs/lab", "grade", str(lab.lab), *(["--file", given.file] if given.file else []),
              *(["--dir", given.dir] if given.dir else []), "--seed", str(number)]
    print(f"\n{report.summary(result, shlex.join(replay))}")
    status.remember(result, grading.digest(candidate.sources), place=place(given, lab))
    if given.json:
        pathlib.Path(given.json).write_text(json.dumps(report.as_json(result, grading.kit_version()), indent=1))
    return 0 if not result.failed and result.works else 1


def show_status(_given):
    print(status.text(find_labs()))
    return 0


def generate(given):
    labs = find_labs()
    if given.check:
        problems = [line for lab in labs for line in starter.drifted(lab)]
        return told(problems)
    problems = []
    for lab in labs:
        written, edited = starter.generate(lab, grading.WORK / "generated.json")
        problems += edited
        for file in written:
            print(f"written: {file}")
    return told(problems)


def told(problems):
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def check(given):
    labs = [find_lab(number) for number in given.labs] or find_labs()
    problems = []
    building.build_tools(sorted({name for lab in labs for name in building.tools(lab, not given.tests_only)}))
    for lab in labs:
        problems += checking.check(lab, given.seed or grading.new_seed(), not given.tests_only,
                                   lambda line: print(line, flush=True), times=given.times)
    return told(problems)


def golden(given):
    lab = find_lab(given.lab)
    solutions = list(starter.pairs(lab))
    building.build_tools(building.tools(lab, with_bars=False))
    how = "update" if given.update else "compare"
    return told([line for name in sorted(lab.wrong)
                 for line in checking.check_wrong(lab, name, solutions, False, print, how)])


def explain(given):
    lab = find_lab("10")
    words = [given.command]
    if given.command == "measure":
        building.build_tools(building.tools(lab))
        words += ["--entry", given.entry]
    return subprocess.run([sys.executable, "-B", lab.folder / "explain.py", *words]).returncode


def pack(given):
    from . import packing
    print(packing.pack(pathlib.Path(given.out)))
    return 0
