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

    def write(self, **options):
        for folder in (self.a, self.b):
            self.files = sample.write(folder, scenarios=["broadcast"], entries=["async"], **options)

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
        self.scale("broadcast-async-4000.json", "latency", "p50_us", 0.7)
        verdicts, _ = self.verdicts()
        different = {key: verdict for key, verdict in verdicts.items() if verdict != "not distinguishable"}
        self.assertEqual(different, {
            (100, "deliveries_per_second"): "faster", (1000, "deliveries_per_second"): "slower",
            (100, "user_bytes_per_held"): "more", (1000, "cpu_us_per_delivery"): "less",
            (4000, "latency_p50_us"): "faster"})

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
            content["repeats"][0]["latency"]["max_us"] = 10 ** 9
        self.change(self.b, "broadcast-async-100.json", change)
        found = json.loads(compare("--json", self.a, self.b).stdout)["figures"]
        row = next(row for row in found if (row["held"], row["figure"]) == (100, "latency_max_us"))
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
        verdicts, notes = self.verdicts()
        self.assertIn('the machines differ in kernel: "Linux 0.0" and "Linux 9"', notes)
        self.assertIn("broadcast, async, 100 held: the scenario's settings differ: not compared", notes)
        self.assertNotIn(100, {held for held, _ in verdicts})

    def test_the_table_is_aligned_and_has_units(self):
        self.write()
        lines = [line for line in compare(self.a, self.b).stdout.splitlines() if line.startswith("broadcast")]
        self.assertTrue(any("latency p99 us" in line for line in lines))
        self.assertTrue(any(line.split()[:3] == ["broadcast", "async", "15,000"] for line in lines))
        self.assertEqual({line.index("not distinguishable") for line in lines},
                         {lines[0].index("not distinguishable")})

    def test_results_with_faults_are_not_compared(self):
        self.write()
        self.change(self.b, "broadcast-async-100.json", lambda content: content.pop("model"))
        done = compare(self.a, self.b)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn('has no "model"', done.stderr)


unittest.main(argv=sys.argv[:1])
