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
        for old in self.run_folder.iterdir():
            old.unlink()
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
        self.refused(change, "/schema", "[2,3]")

    def test_percentiles_that_fall(self):
        def change(file):
            file["repeats"][2]["skew"]["p99_us"] = 1
        self.refused(change, "/repeats/2/skew/p99_us", "less than p50_us")

    def test_percentiles_that_their_curve_does_not_have(self):
        for name in ("p50_us", "p90_us", "p99_us", "p99_9_us", "max_us"):
            def change(file):
                file["repeats"][2]["latency"][name] -= 0.1
            self.refused(change, f"/repeats/2/latency/{name}", "is not what the curve has")

    def test_a_message_that_is_read_before_it_is_at_the_socket(self):
        def change(file):
            repeat = file["repeats"][1]
            repeat["latency"], repeat["socket_latency"] = repeat["socket_latency"], repeat["latency"]
            # One line only: the first percentiles agree.
            for name in ("p50_us", "p90_us", "p99_us", "p99_9_us"):
                repeat["socket_latency"][name] = repeat["latency"][name]
            repeat["socket_latency"]["curve"] = [
                [percent, us if percent == 100 else repeat["latency"]["curve"][i][1]]
                for i, (percent, us) in enumerate(repeat["socket_latency"]["curve"])]
        self.refused(change, "/repeats/1/socket_latency/max_us", "more than that of /latency")

    def test_a_file_of_an_older_form_has_no_latency_at_the_socket(self):
        (name, content), *_ = sample.write(self.run_folder, scenarios=["broadcast"], entries=["async"]).items()
        for repeat in content["repeats"]:
            del repeat["socket_latency"]
        (self.run_folder / name).write_text(json.dumps(content))
        done = validate(self.run_folder)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_others_percentiles_that_their_curve_does_not_have(self):
        def change(file):
            file["repeats"][0]["other_latency"]["p50_us"] = 1
        self.refused(change, "/repeats/0/other_latency/p50_us", "is not what the curve has", scenario="blocking-pool")

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

    def test_complete_repeats_without_what_their_kind_measures(self):
        every = ["/duration_s", "/hold_rate_per_second", "/server/cores_used", "/generator/cores_used"]
        memory = ["/points", "/user_memory/held_bytes"]
        delivers = ["/latency", "/skew", "/server/cpu_us_per_delivery"]
        rate, offered, lag = "/deliveries/per_second", "/deliveries/offered_per_second", "/publish_lag"
        kinds = {("churn", 500): memory + [offered, lag], ("hold", 15000): memory + delivers,
                 ("broadcast", 100): delivers + [rate], ("steady-cursors", 100): delivers + [rate, offered, lag],
                 ("channels", 4000): delivers + [rate, offered, lag],
                 ("blocking-pool", 100): delivers + [rate, offered, lag, "/other_latency"]}
        for (scenario, held), members in kinds.items():
            for member in every + members:
                def change(file):
                    *folders, last = member.split("/")[1:]
                    part = file["repeats"][1]
                    for folder in folders:
                        part = part[folder]
                    part[last] = None
                with self.subTest(scenario=scenario, member=member):
                    self.refused(change, f"/repeats/1{member}: is null", "complete", scenario=scenario, held=held)

    def test_a_repeat_whose_every_delivery_was_lost_has_no_latency(self):
        (name, content), = sample.write(self.run_folder, scenarios=["channels"], entries=["async"]).items()
        repeat = content["repeats"][0]
        repeat["deliveries"].update(delivered=0, lost=repeat["deliveries"]["expected"], per_second=0)
        repeat.update(latency=None, skew=None)
        repeat["server"]["cpu_us_per_delivery"] = None
        (self.run_folder / name).write_text(json.dumps(content))
        done = validate(self.run_folder)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_a_part_that_every_repeat_has(self):
        for part in ("deliveries", "errors", "server", "generator", "user_memory", "kernel_memory", "kernel_network"):
            def change(file):
                file["repeats"][1][part] = None
            self.refused(change, f"/repeats/1/{part}", '"object"')

    def test_a_complete_repeat_that_held_fewer_than_wanted(self):
        def change(file):
            file["repeats"][3]["held"] = 3
        self.refused(change, "/repeats/3/held", "100 wanted")

    def test_no_repeat(self):
        self.refused(lambda file: file["repeats"].clear(), "/repeats", "minItems")

    def test_held_connections_against_littles_law(self):
        def change(file):
            file["repeats"][0]["held"] = 440
        self.refused(change, "/repeats/0/held", "Little", "500", scenario="churn", held=500)

    def test_a_file_under_another_name(self):
        def change(file):
            file["entry"] = "threaded"
        self.refused(change, "broadcast-threaded-100.json")

    def test_a_scenario_of_several_rates_has_them_in_its_names(self):
        files = sample.write(self.run_folder, scenarios=["steady-cursors"], entries=["async"])
        for name in files:
            path = self.run_folder / name
            path.rename(path.with_name(name.replace(".json", "-at-20.json")))
        done = validate(self.run_folder)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        path = self.run_folder / "steady-cursors-async-100-at-20.json"
        path.rename(path.with_name("steady-cursors-async-100-at-40.json"))
        self.assertEqual(validate(self.run_folder).returncode, 1)

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
