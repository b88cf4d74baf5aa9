"""nodes/million with few subscribers: what it counts and writes, fewer where the machine holds no more, and that it ends
all that it has started, whatever happens."""
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
MILLION = pathlib.Path(__file__).resolve().parents[2] / "nodes/million"


def processes_of_session(session: int) -> dict[int, str]:
    """With their names; without those that have ended and are only not waited for."""
    found = {}
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            name, rest = (folder / "stat").read_text().split("(", 1)[1].rsplit(") ", 1)
        except OSError:  # it has ended
            continue
        state, _, _, of_session = rest.split()[:4]
        if int(of_session) == session and state not in "ZX":
            found[int(folder.name)] = name
    return found


class Million(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.out = pathlib.Path(folder.name) / "result.json"

    def start(self, subscribers: int, messages: int, before: str = "") -> None:
        """`before`: what the shell does first. All that is started is in a session of its own."""
        self.million = subprocess.Popen(
            ["sh", "-c", f'{before}exec "$0" "$@"', str(MILLION), "--bin-dir", str(PROGRAMS), "--out", str(self.out),
             "--subscribers", str(subscribers), "--nodes", "2", "--messages", str(messages)],
            text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        self.addCleanup(self.kill_all)

    def kill_all(self) -> None:
        for process in processes_of_session(self.million.pid):
            os.kill(process, signal.SIGKILL)
        self.million.communicate()

    def end(self) -> tuple[int, str, str]:
        """Its exit status and what it has said; nothing that it has started is left."""
        said, errors = self.million.communicate(timeout=6 * PATIENCE_S)
        self.assertEqual(processes_of_session(self.million.pid), {})
        return self.million.returncode, said, errors

    def wait_for_nodes_with_clients(self) -> dict[int, str]:
        def all_are_there() -> bool:
            names = list(processes_of_session(self.million.pid).values())
            return names.count("comet-async") == 2 and names.count("loadgen-client") == 2
        wait_until(all_are_there, "two nodes have their client processes")
        return processes_of_session(self.million.pid)

    def test_every_subscriber_gets_every_message_once(self) -> None:
        self.start(subscribers=301, messages=3)
        status, said, errors = self.end()
        self.assertEqual(status, 0, errors)
        self.assertIn("301 subscribers, 2 nodes, 3 messages: lost 0, repeated 0, wrong 0", said)
        result = json.loads(self.out.read_text())
        self.assertEqual((result["subscribers"], result["nodes"]), (301, 2))
        self.assertEqual(result["run"]["machine"]["cores"], os.cpu_count())
        self.assertIn("commit", result["run"])
        together, floor = result["together"]["repeats"][0], result["floor"]["repeats"][0]
        self.assertEqual((together["held"], floor["held"]), (301, 151))
        # One message more than are timed.
        self.assertEqual(together["deliveries"]["delivered"], 4 * 301)
        self.assertEqual(result["together"]["delivered_by_nodes"], 4 * 301 + 2 * 2)
        self.assertEqual(len(result["together"]["last_cursors"]), 1)
        for part in ("delivery", "return"):
            self.assertGreater(together["phases"][part]["time_ms"], 0)
        for memory in (together["user_memory"], together["generator"]["user_memory"]):
            self.assertIsNotNone(memory["per_held_bytes"])

    def test_where_fewer_can_be_held_it_says_so_and_holds_these(self) -> None:
        # 64 open files of each server and of each client process are for other things.
        self.start(subscribers=1000, messages=1, before="ulimit -n 200; ")
        status, said, errors = self.end()
        self.assertEqual(status, 0, errors)
        self.assertIn("open files of one process, hard limit 200", said)
        self.assertIn("so only 272 of 1,000 subscribers", said)
        self.assertEqual(json.loads(self.out.read_text())["together"]["repeats"][0]["held"], 272)

    def test_it_ends_everything_when_it_is_stopped_in_the_middle(self) -> None:
        self.start(subscribers=300, messages=300)
        self.wait_for_nodes_with_clients()
        self.million.terminate()
        status, _, errors = self.end()
        self.assertEqual(status, 1)
        self.assertTrue(errors.endswith("nodes/million: stopped\n"), errors)
        self.assertFalse(self.out.exists())

    def test_a_node_that_dies_makes_it_fail_and_nothing_is_left(self) -> None:
        self.start(subscribers=300, messages=300)
        processes = self.wait_for_nodes_with_clients()
        os.kill(next(process for process, name in processes.items() if name == "comet-async"), signal.SIGKILL)
        status, _, errors = self.end()
        self.assertEqual(status, 1, errors)
        self.assertRegex(errors, r"nodes/million: .+\n$")
        self.assertFalse(self.out.exists())


class MillionRefuses(unittest.TestCase):
    def test_a_folder_without_programs_by_one_line(self) -> None:
        refused = subprocess.run([str(MILLION), "--bin-dir", "/nowhere"], text=True, capture_output=True)
        self.assertEqual(refused.returncode, 1)
        self.assertRegex(refused.stderr, r"^nodes/million: there is no /nowhere/comet-loadgen: .*\n$")


if __name__ == "__main__":
    cluster.skip_without("redis-server")
    unittest.main(argv=sys.argv[:1])
