"""comet-loadgen compare: what differs by more than the repeats do is said so, and nothing else."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import sample

LOADGEN, ROOT = sys.argv[1:3]


def compare(*arguments):
    return subprocess.run([LOADGEN, "compare", "--root", ROOT, *map(str, arguments)], capture_output=True, text=True)


class Compare(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.a, self.b = pathlib.Path(folder.name) / "a", pathlib.Path(folder.name) / "b"

    def write(self, scenarios=("broadcast",), entries=("async",), **options):
        for folder in (self.a, self.b):
            sample.write(folder, scenarios=scenarios, entries=entries, **options)

    def change(self, folder, name, change):
        content = json.loads((folder / name).read_text())
        change(content)
        (folder / name).write_text(json.dumps(content))

    def verdicts(self):
        done = compare("--json", self.a, self.b)
        self.assertEqual(done.returncode, 0, done.stderr)
        found = json.loads(done.stdout)
        return {(row["held"], row["figure"]): row["verdict"] for row in found["figures"]}, found["notes"]

    def scale(self, name, part, member, factor):
        def change(content):
            for repeat in content["repeats"]:
                repeat[part][member] *= factor
        self.change(self.b, name, change)

    def table(self):
        done = compare(self.a, self.b)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.splitlines()

    def row(self, held, figure):
        found = json.loads(compare("--json", self.a, self.b).stdout)["figures"]
        return next((row for row in found if (row["held"], row["figure"]) == (held, figure)), None)

    def test_the_same_run_twice_is_nowhere_distinguishable(self):
        self.write()
        verdicts, notes = self.verdicts()
        self.assertEqual(set(verdicts.values()), {"not distinguishable"})
        self.assertEqual(notes, [])
        self.assertEqual({held for held, _ in verdicts}, {100, 1000, 4000, 15000})

    def test_each_kind_of_figure_has_its_words(self):
        self.write()
        self.scale("broadcast-async-100.json", "deliveries", "per_second", 2)
        self.scale("broadcast-async-1000.json", "deliveries", "per_second", 0.5)
        self.scale("broadcast-async-100.json", "user_memory", "per_held_bytes", 2)
        self.scale("broadcast-async-1000.json", "server", "cpu_us_per_delivery", 0.5)
        self.scale("broadcast-async-4000.json", "skew", "p50_us", 0.7)
        verdicts, _ = self.verdicts()
        different = {key: verdict for key, verdict in verdicts.items() if verdict != "not distinguishable"}
        self.assertEqual(different, {
            (100, "deliveries_per_second"): "faster", (1000, "deliveries_per_second"): "slower",
            (100, "user_bytes_per_held"): "more", (1000, "cpu_us_per_delivery"): "less",
            (4000, "skew_p50_us"): "less"})

    def test_latency_that_is_less_is_faster(self):
        self.write()

        def change(content):
            for latency in [repeat[of] for repeat in content["repeats"] for of in ("latency", "socket_latency")]:
                latency["curve"] = [[percent, us * 0.7] for percent, us in latency["curve"]]
                at = dict(latency["curve"])
                latency.update(p50_us=at[50], p90_us=at[90], p99_us=at[99], p99_9_us=at[99.9], max_us=at[100])
        self.change(self.b, "broadcast-async-4000.json", change)
        verdicts, _ = self.verdicts()
        read = [f"latency_{name}_us" for name in ("p50", "p90", "p99", "p99_9", "max")]
        socket = [f"socket_latency_{name}_us" for name in ("p50", "p99", "max")]
        self.assertEqual({verdicts[4000, figure] for figure in read + socket}, {"faster"})

    def test_a_change_within_the_spread_of_the_repeats_is_not_distinguishable(self):
        self.write()
        self.scale("broadcast-async-100.json", "server", "cpu_us_per_delivery", 1.01)
        self.assertEqual(self.verdicts()[0][100, "cpu_us_per_delivery"], "not distinguishable")

    def test_fewer_than_four_repeats_decide_nothing(self):
        self.write(repeats=3)
        self.scale("broadcast-async-100.json", "server", "cpu_us_per_delivery", 9)
        self.assertEqual(set(self.verdicts()[0].values()), {"too few repeats"})

    def test_repeats_that_did_not_complete_do_not_count(self):
        self.write()

        def change(content):
            content["repeats"][0]["status"] = "failed"
            content["repeats"][0]["server"]["cpu_us_per_delivery"] = 10 ** 9
        self.change(self.b, "broadcast-async-100.json", change)
        row = self.row(100, "cpu_us_per_delivery")
        self.assertEqual((row["a"]["repeats"], row["b"]["repeats"]), (5, 4))
        self.assertLess(row["b"]["high"], 10 ** 6)

    def test_what_is_in_one_run_only_is_named(self):
        self.write()
        (self.b / "broadcast-async-100.json").unlink()
        (self.a / "broadcast-async-4000.json").unlink()
        _, notes = self.verdicts()
        self.assertEqual(notes, ["broadcast, async, 100 held: only in A", "broadcast, async, 4,000 held: only in B"])

    def test_another_machine_and_other_settings_of_a_scenario_are_named(self):
        self.write()

        def change(content):
            content["run"]["machine"]["kernel"] = "Linux 9"
            content["scenario"]["duration_s"] = 9
        self.change(self.b, "broadcast-async-100.json", change)
        self.change(self.b, "broadcast-async-1000.json", lambda content: content["scenario"].update(about="other words"))
        verdicts, notes = self.verdicts()
        self.assertIn('the machines differ in kernel: "Linux 0.0" and "Linux 9"', notes)
        self.assertIn("broadcast, async, 100 held: the scenario's settings differ: not compared", notes)
        self.assertNotIn(100, {held for held, _ in verdicts})
        self.assertIn(1000, {held for held, _ in verdicts})

    def test_the_table_is_aligned_and_has_units(self):
        self.write()
        lines = [line for line in compare(self.a, self.b).stdout.splitlines() if line.startswith("broadcast")]
        self.assertTrue(any("latency p99 us" in line for line in lines))
        self.assertTrue(any(line.split()[:3] == ["broadcast", "async", "15,000"] for line in lines))
        self.assertEqual({line.index("not distinguishable") for line in lines},
                         {lines[0].index("not distinguishable")})

    def test_begins_with_when_and_what_was_measured_and_ends_with_how_many_differ(self):
        self.write(scenarios=["hold"])
        self.scale("hold-async-15000.json", "user_memory", "per_held_bytes", 2)
        sample.write(self.b / "second", scenarios=["churn"], entries=["async"], started="2000-01-02T00:00:00Z")

        def change(content):
            content["run"]["commit"] = None
        for name in ("churn-async-500.json", "churn-async-2000.json"):
            self.change(self.b / "second", name, change)
        lines = self.table()
        self.assertEqual(lines[0], "A: 2000-01-01T00:00:00Z, commit " + "0" * 40)
        self.assertEqual(lines[1], "B: 2 runs from 2000-01-01T00:00:00Z to 2000-01-02T00:00:00Z, commit " + "0" * 40)
        self.assertEqual(lines[2], "churn, async, 500 held, 2,000 held: only in B")
        figures = sum(line.startswith("hold ") for line in lines)
        self.assertEqual(lines[-1], f"1 of {figures} figures differ")

    def test_few_repeats_decide_nothing(self):
        self.write(repeats=3)
        self.assertEqual(self.table()[-1], "nothing is decided: measure 5 repeats or more")

    def test_no_scenario_in_common(self):
        self.write()
        for path in self.b.iterdir():
            path.unlink()
        sample.write(self.b, scenarios=["hold"], entries=["async"])
        lines = self.table()
        self.assertEqual(lines[2:], [
            "broadcast, async, 100 held, 1,000 held, 4,000 held, 15,000 held: only in A",
            "hold, async, 15,000 held: only in B", "", "nothing to compare"])

    def test_an_entry_that_failed_is_one_line_that_says_why(self):
        self.write()

        def change(content):
            for repeat in content["repeats"][:3]:
                repeat.update(status="failed", note="the server died")
            for repeat in content["repeats"][3:]:
                repeat.update(status="ceiling", note="held 90 of 100", latency=None)
        self.change(self.b, "broadcast-async-100.json", change)
        verdicts, notes = self.verdicts()
        self.assertEqual(notes, ["broadcast, async, 100 held: B: ceiling in 2 of 5 repeats: held 90 of 100, "
                                 "failed in 3 of 5 repeats: the server died"])
        self.assertNotIn(100, {held for held, _ in verdicts})

    def test_failures_of_both_runs_share_a_line(self):
        self.write(entries=["prefork", "twisted"])
        self.change(self.b, "broadcast-twisted-15000.json",
                    lambda content: content["repeats"][0].update(note=None))
        self.assertEqual(self.verdicts()[1], [
            "broadcast, prefork, 15,000 held: A and B: ceiling in 5 of 5 repeats: holds 8,000 of 15,000: "
            "processes_limit",
            "broadcast, twisted, 15,000 held: A: failed in 5 of 5 repeats: stopped delivering; B: failed in 1 of 5 "
            "repeats, failed in 4 of 5 repeats: stopped delivering"])

    def test_what_took_no_part_in_the_only_run_that_has_it_says_why(self):
        self.write(scenarios=["broadcast", "channels"], entries=["nchan"])
        (self.b / "channels-nchan-4000.json").unlink()
        self.assertEqual(self.verdicts()[1], [
            "channels, nchan, 4,000 held: A: skipped in 5 of 5 repeats: does not keep: channels",
            "channels, nchan, 4,000 held: only in A"])

    def test_a_figure_that_one_run_could_not_measure_is_named_once_for_all_sizes(self):
        self.write()

        def change(content):
            for repeat in content["repeats"]:
                repeat["server"]["system_calls_per_delivery"] = None
        for held in (100, 1000):
            self.change(self.b, f"broadcast-async-{held}.json", change)
        self.assertEqual(self.verdicts()[1],
                         ["broadcast, async, 100 held, 1,000 held: system calls per delivery is only in A"])

    def test_the_ratio_to_the_floor_survives_a_slower_machine(self):
        self.write(entries=["async", "floor"])
        for name in ("async", "floor"):
            self.scale(f"broadcast-{name}-1000.json", "deliveries", "per_second", 0.5)
        self.scale("broadcast-async-4000.json", "deliveries", "per_second", 0.5)
        verdicts, _ = self.verdicts()
        self.assertEqual(verdicts[1000, "deliveries_per_second"], "slower")
        self.assertEqual(verdicts[1000, "floor_ratio"], "not distinguishable")
        self.assertEqual(verdicts[4000, "floor_ratio"], "slower")

    def test_the_ratio_to_the_floor_is_of_medians_and_its_interval_of_repeats(self):
        self.write(entries=["async", "floor"])

        def rates(*values):
            def change(content):
                for repeat, value in zip(content["repeats"], values):
                    repeat["deliveries"]["per_second"] = value
            return change
        self.change(self.a, "broadcast-async-100.json", rates(10, 20, 30, 40, 50))
        self.change(self.a, "broadcast-floor-100.json", rates(100, 100, 200, 100, 50))
        self.change(self.b, "broadcast-floor-100.json",
                    lambda content: content["repeats"][2].update(status="failed", note="died"))
        row = self.row(100, "floor_ratio")
        self.assertEqual([row["a"][name] for name in ("median", "low", "high", "repeats")], [0.3, 0.1, 1, 5])
        self.assertEqual(row["b"]["repeats"], 4)

    def test_without_a_floor_there_is_no_ratio_to_it(self):
        self.write(scenarios=["broadcast", "steady-cursors"], entries=["async", "floor"])
        for held in (100, 1000):
            (self.b / f"broadcast-floor-{held}.json").unlink()
        (self.a / "broadcast-floor-1000.json").unlink()
        self.assertIsNone(self.row(100, "floor_ratio"))
        self.assertIsNone(self.row(500, "floor_ratio"), "steady has none")
        self.assertEqual(self.verdicts()[1], ["broadcast, async, 100 held: x floor is only in A",
                                              "broadcast, floor, 100 held: only in A"])

    def test_rates_are_named_where_a_scenario_has_several(self):
        self.write(scenarios=["steady-cursors"])
        self.assertFalse(any(" at 20/s" in line for line in self.table()))
        for folder in (self.a, self.b):
            path = folder / "steady-cursors-async-100.json"
            content = json.loads(path.read_text())
            path.rename(folder / "steady-cursors-async-100-at-20.json")
            content["scenario"]["publishes_per_second"] = 400
            (folder / "steady-cursors-async-100-at-400.json").write_text(json.dumps(content))
        for place in ("100 at 20/s", "100 at 400/s", "500 at 20/s"):
            self.assertTrue(any(f" {place}  deliveries" in line for line in self.table()), place)
        (self.b / "steady-cursors-async-100-at-400.json").unlink()
        self.assertIn("steady-cursors, async, 100 held at 400/s: only in A", self.table())

    def test_an_entry_that_is_twice_in_a_folder_of_runs(self):
        self.write()
        sample.write(self.a / "second", scenarios=["broadcast"], entries=["async"])
        done = compare(self.a, self.b)
        self.assertEqual((done.returncode, done.stdout), (64, ""))
        self.assertRegex(done.stderr, "broadcast-async-100.json and .*broadcast-async-100.json are the same entry")

    def test_output_that_cannot_be_written(self):
        self.write()
        with open("/dev/full", "w") as full:
            done = subprocess.run([LOADGEN, "compare", "--root", ROOT, self.a, self.b], stdout=full,
                                  stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot write to standard output", done.stderr)

    def test_results_with_faults_are_not_compared(self):
        self.write()
        self.change(self.b, "broadcast-async-100.json", lambda content: content.pop("model"))
        done = compare(self.a, self.b)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn('has no "model"', done.stderr)


unittest.main(argv=sys.argv[:1])
