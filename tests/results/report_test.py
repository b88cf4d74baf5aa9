"""comet-loadgen report: which runs it takes, what it refuses, and where the page goes. No browser."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

import sample

LOADGEN, ROOT = sys.argv[1:3]


class Report(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.results = self.root / "results"
        self.results.mkdir()
        for part in ("page", "schema.json"):
            (self.results / part).symlink_to(pathlib.Path(ROOT) / "results" / part)
        (self.root / "patterns").symlink_to(pathlib.Path(ROOT) / "patterns")
        sample.write(self.results / "reference" / "a", scenarios=["hold"], entries=["async"])

    def report(self, *arguments):
        return subprocess.run([LOADGEN, "report", "--root", self.root, *map(str, arguments)],
                              capture_output=True, text=True)

    def test_a_fresh_clone_shows_the_reference(self):
        done = self.report()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("results/index.html: 1 result files", done.stdout)
        self.assertTrue((self.results / "index.html").exists())

    def test_the_page_of_another_run_goes_into_its_folder(self):
        run = self.results / "runs" / "b"
        sample.write(run, scenarios=["broadcast"], entries=["async"])
        for arguments in ([], [run], [self.results / "reference" / "a", run]):
            done = self.report(*arguments)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(f"{run}/index.html: ", done.stdout)
            self.assertTrue((run / "index.html").exists())
        self.assertFalse((self.results / "index.html").exists())

    def test_a_scenario_is_shown_from_one_run_only(self):
        sample.write(self.root / "later", scenarios=["hold"], entries=["async"], started="2001-01-01T00:00:00Z")
        done = self.report(self.results / "reference" / "a", self.root / "later")
        self.assertEqual(done.returncode, 64)
        self.assertIn("scenario hold at 15000 is in two runs", done.stderr)

    def test_results_with_faults_make_no_page(self):
        run = self.root / "broken"
        sample.write(run, scenarios=["hold"], entries=["async"])
        (run / "hold-async-15000.json").write_text("{}")
        done = self.report(run)
        self.assertEqual(done.returncode, 1)
        self.assertIn("hold-async-15000.json", done.stderr)
        self.assertFalse((run / "index.html").exists())


unittest.main(argv=sys.argv[:1])
