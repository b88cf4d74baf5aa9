"""A student's server is predicted, measured beside its references in one run, and stands on the page."""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
import explain
import form as forms
import measuring

HERE = pathlib.Path(__file__).resolve().parent
FORM = """[prediction]
user_bytes of mine is 8 to 20 times async, because of the interpreter.
server_cpu_us of mine is 2 to 30 times async, because of the interpreter.
switches of mine is 0.1 to 10 times async, because both are one loop.
[stamp]
[measured]
[explanation]
// my own words
"""


class MeasureTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.file = self.folder / "form.txt"
        self.file.write_text(FORM)
        kept = measuring.HELD, measuring.REPEATS, measuring.SECONDS
        self.addCleanup(lambda: [setattr(measuring, *one) for one in zip(("HELD", "REPEATS", "SECONDS"), kept)])
        measuring.HELD, measuring.REPEATS, measuring.SECONDS = 50, 3, 0.1

    def test_a_run_without_a_stamp_is_refused(self):
        with self.assertRaisesRegex(forms.Problem, "not stamped"):
            explain.measure(self.file, "student-in-python", self.folder / "runs")
        self.assertEqual(FORM, self.file.read_text())

    def test_a_server_in_python_is_measured_and_plotted(self):
        explain.predict(self.file)
        explain.measure(self.file, "student-in-python", self.folder / "runs")
        text = self.file.read_text()
        self.assertIn("// my own words", text)
        self.assertRegex(text, r"(?m)^user_bytes of mine: [\d,.]+ \([\d,.]+\.\.[\d,.]+\)$")
        self.assertRegex(text, r"(?m)^seed: \d+$")
        forms.measured(forms.sections(text))
        [run] = (self.folder / "runs").iterdir()
        page = self.folder / "page.html"
        loadgen = explain.ROOT / "build/release/bin/comet-loadgen"
        done = subprocess.run([loadgen, "report", "--root", explain.ROOT, "--out", page, run], capture_output=True, text=True)
        if "Chart.js is not installed" in done.stderr:
            self.skipTest(done.stderr)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertTrue(re.search(r'"name":\s*"student-in-python",\s*"group":\s*"student"', page.read_text()))

    def test_a_figure_that_is_missing_is_told_in_one_line(self):
        for memory in (None, {"per_held_bytes": None}):
            repeat = {"repeat": 1, "status": "complete", "note": None, "user_memory": memory,
                      "server": {"cpu_us_per_delivery": 1, "context_switches_per_delivery": 2}}
            for name in ("mine", "async", "threaded"):
                (self.folder / f"broadcast-{name}-50.json").write_text(json.dumps({"repeats": [repeat] * 3}))
            with self.assertRaisesRegex(forms.Problem, "could not take user_bytes of mine: .*labs/lab measure$"):
                measuring.read(self.folder, "mine", "")

    def test_a_server_that_is_unknown_is_told(self):
        explain.predict(self.file)
        with self.assertRaisesRegex(forms.Problem, "did not measure"):
            explain.measure(self.file, "nobodys", self.folder / "runs")


if __name__ == "__main__":
    unittest.main()
