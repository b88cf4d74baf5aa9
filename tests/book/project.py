"""A made-up project with a book, for the tests of the book's machinery. Argument of a test: the folder scripts/book."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPTS = pathlib.Path(sys.argv[1])


def result(scenario, entry, repeats, started="2000-01-01T00:00:00Z"):
    """A result file's content. `repeats`: for each repeat its CPU, its bytes and its lost messages."""
    return {
        "run": {"started_at": started, "commit": "0123456789", "machine": {"cores": 2, "cpu": "made up", "kernel": "Linux 0.0-test"}},
        "scenario": {"name": scenario}, "entry": entry, "packages": f"lib{entry} 1.0", "floor": "floor",
        "repeats": [{"repeat": number + 1, "status": "complete", "deliveries": {"lost": lost},
                     "server": {"cpu_us_per_delivery": cpu}, "user_memory": {"per_held_bytes": size}}
                    for number, (cpu, size, lost) in enumerate(repeats)]}


class Project(unittest.TestCase):
    """Each test has a project with a reference run of three entries."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.file("README.md", "# Front\n")
        self.measured("async", [(10.0, 400, 0), (9.0, 400, 0), (11.0, 400, 0)])
        self.measured("threaded", [(30.0, 6000, 0), (29.0, 5990, 0), (35.0, 6010, 0)])
        self.measured("prefork", [(31.0, 24000, 3), (36.0, 24000, 0), (40.0, 24000, 5)])

    def file(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def measured(self, entry, repeats, run="2000-01-01T000000Z", folder="results/reference", scenario="broadcast"):
        content = result(scenario, entry, repeats, f"{run[:10]}T00:00:00Z")
        return self.file(f"{folder}/{run}/{scenario}-{entry}-4000.json", json.dumps(content))

    def chapter(self, text, name="01-test.md"):
        return self.file(f"docs/book/{name}", text)

    def script(self, name, *arguments):
        return subprocess.run([sys.executable, SCRIPTS / name, "--root", self.root, *arguments], capture_output=True,
                              text=True)

    def weave(self, text):
        """The chapter after weaving; fails if there is a problem."""
        chapter = self.chapter(text)
        done = self.script("weave")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return chapter.read_text()

    def problem(self, text, *arguments):
        """What weaving a chapter says that has one problem, without the chapter's name."""
        chapter = self.chapter(text)
        done = self.script("weave", *arguments)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), 1, done.stderr)
        self.assertTrue(lines[0].startswith(f"{chapter}:"), lines[0])
        return lines[0].removeprefix(f"{chapter}:")


def main():
    unittest.main(argv=sys.argv[:1] + sys.argv[2:])
