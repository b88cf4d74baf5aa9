"""Tiny labs in a folder of their own, for the tests of the grader. What is graded in them is a file of numbers: its tests are
programs that look at it."""
import json
import pathlib
import sys
import tempfile
import textwrap
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

from grader import building, grading, labfile, sandbox  # noqa: E402

SOLUTION = """\
first 1
// >>> student: the second number
// <<< starter
//= second 0
// === solution
second 2
// <<< end
"""
# Fails if the file does not say what is asked.
ASK = "import sys\nfile, wanted = sys.argv[1:]\nif wanted not in open(file).read():\n    sys.exit(f'the file lacks: {wanted}')\n"


class LabTest(unittest.TestCase):
    """Each test has one lab, whose build folder is also its own."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        kept = grading.WORK
        self.addCleanup(setattr, grading, "WORK", kept)
        grading.WORK = self.root / "work"
        self.folder = self.root / "labs/01-tiny"
        self.members = {
            "lab": 1, "title": "Tiny", "points": 3, "files": ["numbers.txt"],
            "tests": [self.asks("Lab1.First", 1, "first 1"), self.asks("Lab1.Second", 2, "second 2")],
            "starter_fails": ["Lab1.Second"],
            "wrong": {"three": {"fails": "Lab1.Second", "because": "the file lacks: second", "teaches": "two is not three"}}}
        self.file("solution.txt", SOLUTION)
        self.file("numbers.txt", "first 1\n// TO WRITE: the second number\nsecond 0\n")
        self.file("ask.py", ASK)
        self.file("wrong/three.edit", "Three for two.\n@@@ replace\nsecond 2\n@@@ with\nsecond 3\n@@@ end\n")
        self.file("golden/three.txt", "the file lacks: second 2\n\nA question: why 'second 2'?\n")

    @staticmethod
    def asks(name, points, wanted):
        return {"name": name, "points": points, "question": f"why '{wanted}'?",
                "command": ["{python}", "{folder}/ask.py", "{file}", wanted]}

    def file(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    def lab(self):
        self.file("lab.json", json.dumps(self.members))
        return labfile.load(self.folder)

    def candidate(self, text, name="student"):
        return building.Candidate(self.root / name, [self.file(f"{name}.txt", text)])

    def assert_problem(self, words, call, *arguments):
        with self.assertRaises(labfile.Problem) as raised:
            call(*arguments)
        self.assertIn(words, str(raised.exception))
        return str(raised.exception)


def skip_without_sandbox():
    try:
        sandbox.check()
    except labfile.Problem as problem:
        print(f"skipped: {problem}")
        sys.exit(77)
