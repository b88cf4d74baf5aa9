"""comet-loadgen report: which runs it takes, what it refuses, and where the page goes. No browser."""
import json
import pathlib
import re
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
        self.assertIn("scenario hold is in two runs", done.stderr)

    def test_results_with_faults_make_no_page(self):
        run = self.root / "broken"
        sample.write(run, scenarios=["hold"], entries=["async"])
        (run / "hold-async-15000.json").write_text("{}")
        done = self.report(run)
        self.assertEqual(done.returncode, 1)
        self.assertIn("hold-async-15000.json", done.stderr)
        self.assertFalse((run / "index.html").exists())

    def grown(self, change, name="grown"):
        """A broadcast of async at four sizes, changed, and what report prints of it: the cells after the entry's name,
        first of the exponents, then of the bytes."""
        run = self.root / name
        files = sample.write(run, scenarios=["broadcast"], entries=["async"])
        for file, content in files.items():
            for repeat in content["repeats"]:
                change(repeat, content["held_wanted"])
            (run / file).write_text(json.dumps(content))
        done = self.report(run)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [re.split(r"\s{2,}", line)[1:] for line in done.stdout.splitlines() if line.startswith("async ")]

    def test_costs_that_grow_by_a_power_have_its_exponent_and_bytes_their_slope(self):
        def change(repeat, held):
            repeat["server"]["cpu_us_per_delivery"] = 3 * held ** 0.25
            for member, fixed in (("user_memory", 100_000), ("kernel_memory", 0)):
                repeat[member]["per_held_before_bytes"] = 700 + fixed / held
                repeat[member]["per_held_bytes"] = 900 + fixed / held
        exponents, slopes = self.grown(change)
        self.assertEqual(exponents[0], "0.25 (0.25..0.25)")
        self.assertRegex(exponents[1], r"^-0\.\d\d ")  # the fixed part is shared by more and more
        self.assertEqual(exponents[2], "0.00 (0.00..0.00)")
        self.assertEqual(slopes, ["700 (700..700)", "900 (900..900)"] * 2)

    def test_a_size_whose_memory_is_noise_is_left_out_of_the_exponent(self):
        def change(repeat, held):
            repeat["kernel_memory"]["per_held_bytes"] = -5 if held == 100 and repeat["repeat"] == 2 else 8 * held
        exponents, _ = self.grown(change)
        self.assertEqual(exponents[2], "1.00* (1.00..1.00)")

    def test_a_repeat_that_failed_at_one_size_is_in_no_slope(self):
        def change(repeat, held):
            repeat["server"]["cpu_us_per_delivery"] = float(held ** repeat["repeat"])
            if held == 1000 and repeat["repeat"] > 2:
                repeat.update(status="failed", latency=None, socket_latency=None, skew=None)
        exponents, _ = self.grown(change)
        self.assertEqual(exponents[0], "1.50 (1.00..2.00)")


unittest.main(argv=sys.argv[:1])
