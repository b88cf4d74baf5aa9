"""The edge: the files of HAProxy and nginx are valid, and nodes/up starts all, works, and ends all."""
import fcntl
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import termios
import threading
import unittest

import cluster
from cluster import Nginx, ask, process_of, status_of, wait_until

PROGRAMS = pathlib.Path(sys.argv[1])
NODES = pathlib.Path(__file__).resolve().parents[2] / "nodes"
ALL_PARTS = {"COMET_FRONT": "127.0.0.1:8080", "COMET_SITE": "127.0.0.1:8300",
             **{f"COMET_NODE_{number}": f"127.0.0.1:800{number}" for number in (1, 2, 3)},
             **{f"COMET_RELAY_{number}_PORT": f"810{number}" for number in (1, 2, 3)},
             **{f"COMET_GATEWAY_{number}": f"127.0.0.1:820{number}" for number in (1, 2)}}
ONE_NODE = {name: ALL_PARTS[name] for name in ("COMET_FRONT", "COMET_NODE_1", "COMET_RELAY_1_PORT")}

REDISES = {name: f"127.0.0.1:{port}" for name, port in
           (("COMET_REDIS", 6379), ("COMET_REDIS_1", 6380), ("COMET_REDIS_2", 6381))}


class Files(unittest.TestCase):
    def test_haproxy_takes_its_files_without_a_warning_with_all_parts_and_with_one_node(self) -> None:
        for file, environment in (("haproxy.cfg", ALL_PARTS), ("haproxy.cfg", ONE_NODE),
                                  ("haproxy_redis.cfg", REDISES)):
            # -dW: a warning is an error.
            checked = subprocess.run(["haproxy", "-c", "-dW", "-f", str(NODES / file)], text=True,
                                     env=os.environ | environment, capture_output=True)
            self.assertEqual(checked.returncode, 0, checked.stderr)

    def test_nginx_takes_its_file_without_a_warning(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            checked = subprocess.run([*Nginx(pathlib.Path(folder)).words, "-t"], text=True, capture_output=True)
        self.assertEqual(checked.returncode, 0, checked.stderr)
        self.assertNotIn("[warn]", checked.stderr)


class UpTest(unittest.TestCase):
    def start(self, **form) -> None:
        """Until it says that all is there."""
        self.up = subprocess.Popen([str(NODES / "up"), "--bin-dir", str(PROGRAMS)], text=True,
                                   stdout=subprocess.PIPE, **form)
        self.addCleanup(self.end)
        self.said = ""
        while "Ctrl-C" not in self.said:
            self.said += self.next_line()

    def next_line(self) -> str:
        assert self.up.stdout is not None
        limit = threading.Timer(2 * cluster.PATIENCE_S, self.up.kill)
        limit.start()
        line = self.up.stdout.readline()
        limit.cancel()
        self.assertNotEqual(line, "", "it has ended, or says nothing")
        return line

    def end(self) -> None:
        if self.up.poll() is None:
            self.up.terminate()
        assert self.up.stdout is not None
        self.up.stdout.close()
        self.up.wait(2 * cluster.PATIENCE_S)

    def ports_of(self, name: str) -> list[int]:
        return [int(port) for port in re.findall(rf"^{name}.*127\.0\.0\.1:(\d+)", self.said, re.MULTILINE)]


class Up(UpTest):
    def test_it_serves_the_page_takes_publishes_and_answers_polls_from_each_node_until_ctrl_c(self) -> None:
        self.start(stdin=subprocess.DEVNULL)
        front = self.ports_of("HAProxy")[0]
        page = ask(front, "/")
        self.assertEqual(page.status, 200)
        self.assertIn("<!doctype html>", page.body)
        self.assertEqual(ask(front, "/publish", "m").status, 200)
        nodes = set()
        def all_have_answered() -> bool:
            answer = ask(front, "/subscribe?since=0&timeout=10")
            self.assertEqual((answer.status, answer.body), (200, "m"))
            nodes.add(answer.node)
            return len(nodes) == 3
        wait_until(all_have_answered, "each node has answered a poll")
        self.up.send_signal(signal.SIGINT)
        self.assertEqual(self.up.wait(2 * cluster.PATIENCE_S), 0)
        ports = [port for name in ("Redis", "relay", "node", "nginx", "HAProxy") for port in self.ports_of(name)]
        self.assertEqual(len(ports), 9)
        self.assertEqual([port for port in ports if status_of(port, "/") != 0], [])

    def test_what_is_killed_is_started_anew(self) -> None:
        self.start(stdin=subprocess.DEVNULL)
        front, redis = self.ports_of("HAProxy")[0], self.ports_of("Redis")[0]
        cursor = ask(front, "/publish", "a").cursor
        # By its port: Redis' pid is told to nobody.
        found = subprocess.run(["pgrep", "-f", f"redis-server 127.0.0.1:{redis}"], text=True, capture_output=True)
        os.kill(int(found.stdout), signal.SIGKILL)
        wait_until(lambda: ask(front, "/publish", "b").status == 200, "Redis is back")
        answer = ask(front, f"/subscribe?since={cursor}&timeout=10")
        self.assertEqual((answer.body, answer.missed), ("b", False))


class Keys(UpTest):
    def setUp(self) -> None:
        self.keyboard, self.terminal = os.openpty()
        self.addCleanup(os.close, self.keyboard)
        self.addCleanup(os.close, self.terminal)

    def take_terminal(self) -> None:
        """In the child, as a shell does it for what it starts."""
        os.setsid()
        fcntl.ioctl(self.terminal, termios.TIOCSCTTY, 0)

    def press(self, key: str, expected: str) -> None:
        os.write(self.keyboard, key.encode())
        self.assertIn(expected, self.next_line())

    def test_they_kill_a_node_and_redis_which_are_started_anew_and_the_terminal_is_as_it_was(self) -> None:
        before = termios.tcgetattr(self.terminal)
        self.start(stdin=self.terminal, preexec_fn=self.take_terminal)
        self.assertIn("1, 2 and 3 kill a node, r kills Redis", self.said)
        front, node = self.ports_of("HAProxy")[0], self.ports_of("node")[1]
        cursor = ask(front, "/publish", "a").cursor
        process = process_of(node)
        self.press("x2", "killed: node 2")
        wait_until(lambda: process_of(node) not in (0, process), "there is another node")
        self.press("r", "killed: Redis")
        self.press("", "has ended, and is started anew: Redis")
        wait_until(lambda: ask(front, "/publish", "b").status == 200, "Redis is back")
        answer = ask(front, f"/subscribe?since={cursor}&timeout=10")
        self.assertEqual((answer.body, answer.missed), ("b", False))
        os.write(self.keyboard, b"\x03")  # Ctrl-C
        self.assertEqual(self.up.wait(2 * cluster.PATIENCE_S), 0)
        self.assertEqual(termios.tcgetattr(self.terminal), before)


class UpRefuses(unittest.TestCase):
    def test_a_folder_without_programs_by_one_line(self) -> None:
        refused = subprocess.run([str(NODES / "up"), "--bin-dir", "/nowhere"], text=True, capture_output=True)
        self.assertEqual(refused.returncode, 1)
        self.assertRegex(refused.stderr, r"^nodes/up: there is no /nowhere/comet-relay: .*\n$")


if __name__ == "__main__":
    cluster.skip_without("redis-server", "haproxy", "nginx")
    unittest.main(argv=sys.argv[:1] + sys.argv[2:], verbosity=2)
