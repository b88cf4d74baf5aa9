"""Plays scenarios against servers: what is found, that a right server keeps what the contract says, and that nothing of a
server is left."""
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
import grade
from language import parse
from play import Play

BIN = pathlib.Path(sys.argv.pop(1)).resolve()  # of the servers
HERE = pathlib.Path(__file__).resolve().parent
WAKE_TWO = "subscribe a\nsubscribe b\nwait held 2\npublish hello\nexpect a 200 hello\nexpect b 200 hello\n"
PATIENCE_S = 2
GRADE = [sys.executable, "-B", HERE / "grade.py"]
SERVER = ["--server", BIN / "wrong-server"]


def play(text, fault="", server="wrong-server"):
    scenarios, refused = parse("scenario one\n" + text)
    assert not refused, refused
    command = [str(BIN / server), *(["--fault", fault] if fault else [])]
    one = Play(command, PATIENCE_S if fault else 10)
    return one.run(scenarios["one"]), one


def is_empty(group):
    """Waits until no process of the group runs: one that was killed may need a moment."""
    until = time.monotonic() + 10
    while subprocess.run(["pgrep", "--runstates", "RSDT", "-g", str(group)], stdout=subprocess.DEVNULL).returncode == 0:
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


class PlayTest(unittest.TestCase):
    def test_the_right_server_keeps_a_scenario_and_a_wrong_one_fails_it(self):
        self.assertIsNone(play(WAKE_TWO)[0])
        self.assertEqual("'b' has no answer", play(WAKE_TWO, "wakes_only_first_subscriber")[0])

    def test_says_what_came_in_place_of_what_is_expected(self):
        self.assertEqual("the status is 200, not 404", play("request a GET /healthz\nexpect a 404")[0])
        self.assertEqual("the body is 'ok', not 'no'", play("request a GET /healthz\nexpect a 200 no")[0])
        self.assertEqual("X-One is missing", play("request a GET /healthz\nexpect a 200 X-One:*")[0])
        self.assertEqual("/stats says published 1", play("publish x\nwait published 2", "no_missed")[0])

    def test_an_answer_that_came_first_is_not_after_another(self):
        text = "server --publish-work 1 --publish-work-threads 1\nrequest p POST /publish x\nrequest h GET /healthz\n"
        self.assertIsNone(play(text + "expect h 200 before p\nexpect p 200")[0])
        self.assertEqual("'p' was answered first", play(text + "expect h 200 before p", "works_in_the_loop")[0])

    def test_an_answer_to_head_has_no_body_and_the_next_one_has(self):
        text = "publish hello\nrequest a HEAD /healthz\nexpect a 200\nrequest a GET /healthz\nexpect a 200 ok"
        self.assertIsNone(play(text)[0])

    def test_nothing_of_the_server_is_left(self):
        _, one = play(WAKE_TWO, "leaves_a_child")
        self.assertTrue(is_empty(one.process.pid))

    def test_a_server_that_cannot_start_fails_the_scenario(self):
        failure, _ = play("server --history 0\npublish x")
        self.assertEqual("the server does not say READY", failure)

    def test_the_story_tells_each_line_and_answer(self):
        _, one = play("publish x\nrequest a GET /healthz\nexpect a 201", "no_missed")
        told = [text for _, text in one.story]
        self.assertEqual(["line 2: publish x", "publish 2 has 200 'ok'", "line 3: request a GET /healthz",
                          "line 4: expect a 201", "a has 200 'ok'", "*** the status is 200, not 201"], told)


class GradeTest(unittest.TestCase):
    def run_grade(self, text, *words):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write(text)
            file.flush()
            return subprocess.run([*GRADE, words[0], file.name, *words[1:], *SERVER], capture_output=True, text=True)

    def test_held_out_faults_are_counted_and_not_named(self):
        done = self.run_grade("scenario one\npublish hello\nwait published 1\n", "find", "--part", "Delivery")
        self.assertEqual(1, done.returncode)
        self.assertIn("2 of the 8 faults of this part are found, 1 of the 3 that are held out", done.stdout)
        self.assertNotIn("forgets_to_count", done.stdout)

    def test_every_held_out_fault_is_one_of_the_server(self):
        hidden = grade.hidden_names(BIN / "wrong-server")
        faults = grade.json.loads((HERE / "faults.json").read_text())
        named = [name for part in faults["parts"].values() for name in part["named"]]
        held_out = [hidden[digest] for part in faults["parts"].values() for digest in part["held_out"]]
        self.assertEqual(40, len(set(named + held_out)))
        self.assertLessEqual(set(named), set(hidden.values()))

    def test_a_refused_scenario_is_told_with_its_story(self):
        done = self.run_grade("scenario one\npublish hello Comet-Receivers:7\n", "taken")
        self.assertEqual(1, done.returncode)
        self.assertIn("refused: one: the right server fails it: Comet-Receivers is '0', not '7'", done.stdout)
        self.assertIn("publish 2 has 200 'ok'", done.stdout)

    def test_a_file_without_a_scenario_is_told_in_one_line(self):
        done = self.run_grade("publish hello\n", "taken")
        self.assertIn("the first statement is 'scenario NAME'", done.stderr)
        self.assertEqual(1, len(done.stderr.splitlines()))

    def test_ctrl_c_ends_the_servers(self):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write("scenario one\nsubscribe a\nexpect a 200\n")  # waits for what does not come
            file.flush()
            run = subprocess.Popen([*GRADE, "taken", file.name, *SERVER], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while len(servers := children(run.pid)) < 3:  # three times the right server
                time.sleep(0.01)
            run.send_signal(signal.SIGINT)
            self.assertEqual(130, run.wait(10))
        self.assertTrue(all(is_empty(server) for server in servers))

    def test_the_solution_holds_for_another_server_of_the_contract(self):
        solution = HERE / "solution.txt"
        if not solution.exists():
            self.skipTest("a student's kit has no solution")
        scenarios, _ = parse(solution.read_text())
        trial = grade.Trial(BIN / "comet-threaded", scenarios)
        self.assertEqual({}, trial.check_right(times=1))


def children(process):
    return subprocess.run(["pgrep", "-P", str(process)], capture_output=True, text=True).stdout.split()


if __name__ == "__main__":
    unittest.main()
