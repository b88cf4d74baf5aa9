"""The bench of many nodes at a tiny size: its file is whole, and nothing is left of what it starts."""
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

import cluster
from cluster import PATIENCE_S, wait_until

PROGRAMS = pathlib.Path(sys.argv[1])
BENCH = pathlib.Path(__file__).resolve().parents[2] / "nodes" / "bench" / "bench.py"
TINY = ["--repeats", "1", "--seconds", "0.2", "--messages", "40", "--held", "10"]


class Bench(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.out = self.folder / "nodes.json"
        self.session = 0

    def begin(self) -> subprocess.Popen[str]:
        bench = subprocess.Popen([str(BENCH), *TINY, "--bin-dir", str(PROGRAMS), "--out", str(self.out)], text=True,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True)
        self.session = bench.pid
        self.addCleanup(self.end, bench)
        return bench

    def end(self, bench: subprocess.Popen[str]) -> None:
        bench.kill()
        bench.wait()
        assert bench.stdout is not None
        bench.stdout.close()

    def left(self) -> list[str]:
        """The programs in the session of this test's bench: it, and all that it has started."""
        found = []
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it has ended
                if os.getsid(int(process.name)) == self.session:
                    found.append((process / "comm").read_text().strip())
        return found

    def test_its_file_has_every_figure_and_nothing_that_it_started_is_left(self) -> None:
        bench = self.begin()
        printed, _ = bench.communicate()
        self.assertEqual(bench.returncode, 0, printed)
        self.assertEqual(self.left(), [])
        self.assertEqual(list(self.folder.iterdir()), [self.out])
        result = json.loads(self.out.read_text())
        self.assertLessEqual({"started_at", "commit", "command_line", "machine"}, set(result["run"]))
        self.assertGreater(len(result["figures"]), 40)
        for figure in result["figures"]:
            self.assertEqual(len(figure["values"]), 1, figure)
            for note in figure["notes"]:  # tests run beside each other
                self.assertRegex(note, "^bounded: ")
            self.assertIn(figure["what"], printed)
        values = {figure["name"]: figure["values"][0] for figure in result["figures"]}
        for name, value in values.items():
            if not name.startswith("held/"):  # of so few clients the memory may be less than what changes by chance
                self.assertGreater(value, 0, name)
        self.assertGreaterEqual(values["redis-dies/silence"], values["redis-dies/redis"])

    def test_told_to_end_it_ends_all_that_it_has_started(self) -> None:
        bench = self.begin()
        wait_until(lambda: {"comet-relay", "redis-server"} <= set(self.left()), "a relay and a Redis run")
        bench.send_signal(signal.SIGTERM)
        self.assertEqual(bench.wait(2 * PATIENCE_S), 128 + signal.SIGTERM)
        wait_until(lambda: self.left() == [], "all have ended: what was only just started is told by the kernel")
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_killed_it_leaves_nothing_that_runs_on(self) -> None:
        bench = self.begin()
        wait_until(lambda: {"comet-relay", "redis-server"} <= set(self.left()), "a relay and a Redis run")
        bench.kill()
        bench.wait()
        wait_until(lambda: self.left() == [], "all that it has started has ended")


class BenchRefuses(unittest.TestCase):
    def test_what_it_cannot_use_by_one_line(self) -> None:
        for options, why in ((["--bin-dir", "/nowhere"], "there is no /nowhere/comet-loadgen"),
                             (["--repeats", "0"], "a number from 1 on is wanted"),
                             (["--seconds", "soon"], "a time from 0.1 to 3600 is wanted")):
            refused = subprocess.run([str(BENCH), *options], text=True, capture_output=True)
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn(why, refused.stderr.splitlines()[-1])


if __name__ == "__main__":
    cluster.skip_without("redis-server", "haproxy")
    unittest.main(argv=sys.argv[:1])
