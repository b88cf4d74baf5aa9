"""comet-loadgen validate: right files pass, and each broken file is refused for its own reason, in one line."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import sample

LOADGEN, ROOT = sys.argv[1:3]


def validate(*runs):
    return subprocess.run([LOADGEN, "validate", "--root", ROOT, *map(str, runs)], capture_output=True, text=True)


class Validate(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.run_folder = pathlib.Path(folder.name)

    def test_every_scenario_of_a_right_run_passes(self):
        files = sample.write(self.run_folder)
        done = validate(self.run_folder)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn(f"{len(files)} result files, no faults", done.stdout)

    def refused(self, change, *words, scenario="broadcast", held=100):
        """`change` breaks one file: it alone is named, in one line that has all of `words`."""
        name = f"{scenario}-async-{held}.json"
        content = sample.write(self.run_folder, scenarios=[scenario], entries=["async", "floor"])[name]
        change(content)
        (self.run_folder / name).write_text(json.dumps(content))
        done = validate(self.run_folder)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        for word in (name, *words):
            self.assertIn(word, done.stderr)

    def test_a_missing_member(self):
        self.refused(lambda file: file["repeats"][1]["latency"].pop("p99_us"), "/repeats/1/latency", 'no "p99_us"')

    def test_a_name_without_its_unit(self):
        def change(file):
            file["repeats"][0]["connect"] = 1
        self.refused(change, "/repeats/0/connect", "no member")

    def test_a_text_where_a_number_belongs(self):
        def change(file):
            file["repeats"][0]["deliveries"]["lost"] = "3"
        self.refused(change, "/repeats/0/deliveries/lost", "type", "integer")

    def test_minus_one_for_what_was_not_measured(self):
        def change(file):
            file["repeats"][0]["server"]["cpu_us_per_delivery"] = -1
        self.refused(change, "/repeats/0/server/cpu_us_per_delivery", "minimum")

    def test_an_unknown_status(self):
        def change(file):
            file["repeats"][0]["status"] = "fine"
        self.refused(change, "/repeats/0/status", "complete")

    def test_another_schema(self):
        def change(file):
            file["schema"] = 1
        self.refused(change, "/schema", "[2]")

    def test_percentiles_that_fall(self):
        def change(file):
            file["repeats"][2]["latency"]["p90_us"] = 1
        self.refused(change, "/repeats/2/latency/p90_us", "less than p50_us")

    def test_skew_that_falls(self):
        def change(file):
            file["repeats"][0]["skew"]["max_us"] = 0
        self.refused(change, "/repeats/0/skew/max_us", "less than p99_us")

    def test_a_curve_that_falls(self):
        def change(file):
            file["repeats"][0]["latency"]["curve"][4][1] = 1
        self.refused(change, "/repeats/0/latency/curve", "falls")

    def test_a_delivery_that_is_neither_delivered_nor_lost(self):
        def change(file):
            file["repeats"][0]["deliveries"]["delivered"] -= 1
        self.refused(change, "/repeats/0/deliveries", "3999", "4000")

    def test_held_connections_against_littles_law(self):
        def change(file):
            file["repeats"][0]["held"] = 440
        self.refused(change, "/repeats/0/held", "Little", "500", scenario="churn", held=500)

    def test_a_file_under_another_name(self):
        def change(file):
            file["entry"] = "threaded"
        self.refused(change, "broadcast-threaded-100.json")

    def test_a_file_that_is_cut_off(self):
        sample.write(self.run_folder, scenarios=["hold"], entries=["async"])
        path = self.run_folder / "hold-async-15000.json"
        path.write_text(path.read_text()[:1000])
        done = validate(self.run_folder)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "hold-async-15000.json: /: is no JSON: .*byte")

    def unreadable(self, text, *words):
        """A file of these bytes is refused in one line that names it."""
        path = self.run_folder / "hold-async-15000.json"
        path.write_bytes(text)
        done = validate(self.run_folder)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        for word in (str(path), *words):
            self.assertIn(word, done.stderr)

    def test_nesting_that_no_stack_can_hold(self):
        self.unreadable(b"[" * 200_000, "is no JSON", "too deep")

    def test_deep_nesting_where_the_schema_allows_any_member(self):
        self.unreadable(b'{"scenario": {"extra": ' + b"[" * 200_000 + b"]" * 200_000 + b"}}", "too deep")

    def test_bytes_that_are_no_utf8(self):
        self.unreadable(b'{"entry": "\xff\xfe"}', "is no JSON", "byte")

    def test_a_number_that_no_double_can_hold(self):
        self.unreadable(b'{"entry": 1e999}', "is no JSON")

    def test_an_empty_file(self):
        self.unreadable(b"", "is no JSON")

    def test_a_link_that_leads_nowhere(self):
        (self.run_folder / "x.json").symlink_to("nowhere")
        done = validate(self.run_folder)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"^comet-loadgen: cannot read .*/x\.json: No such file or directory\n$")

    def test_what_is_no_regular_file(self):
        os.mkfifo(self.run_folder / "x.json")
        done = validate(self.run_folder / "x.json")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"^comet-loadgen: cannot read .*/x\.json: ")

    def test_a_folder_with_the_name_of_a_file(self):
        (self.run_folder / "x.json").mkdir()
        done = validate(self.run_folder)
        self.assertEqual(done.returncode, 64)
        self.assertIn("has no result files", done.stderr)

    def test_a_name_that_no_file_can_have(self):
        done = validate("x" * 5000)
        self.assertEqual(done.returncode, 64)
        self.assertRegex(done.stderr, r"^comet-loadgen: x+: File name too long.*\n$")

    def test_a_folder_of_runs(self):
        files = sample.write(self.run_folder / "1", scenarios=["hold"])
        files |= sample.write(self.run_folder / "2", scenarios=["broadcast"])
        done = validate(self.run_folder)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn(f"{len(files)} result files, no faults", done.stdout)

    def test_the_committed_reference_run(self):
        done = validate(pathlib.Path(ROOT) / "results" / "reference")
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_a_run_that_is_not_there(self):
        done = validate(self.run_folder / "nowhere")
        self.assertEqual(done.returncode, 64)
        self.assertIn("nowhere is not there", done.stderr)

    def test_an_empty_folder(self):
        done = validate(self.run_folder)
        self.assertEqual(done.returncode, 64)
        self.assertIn("has no result files", done.stderr)


unittest.main(argv=sys.argv[:1])
