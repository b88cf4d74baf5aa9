"""Programs are run within bounds, and nothing of them is left."""
import os
import signal
import subprocess
import sys
import time
import unittest

from fixture import LabTest
from grader import building, processes, threads


def python(text, *arguments, **how):
    return processes.run([sys.executable, "-c", text, *arguments], **how)


class Build(LabTest):
    def test_says_what_is_being_compiled(self):
        go = self.root / "go"  # a "compiler" that ends when something was said
        os.mkfifo(go)
        said = []

        def say(line):
            if not said:
                go.write_text("\n")
            said.append(line)

        progress = building.Progress(say)
        progress.said -= building.SAY_EVERY
        building.step(["sh", "-c", f"sh -c 'read line < {go}' compile folder/one.cpp; true"], "cannot be built", progress)
        self.assertEqual(said, ["  building one.cpp"])


class Run(LabTest):
    def test_tells_status_and_both_outputs(self):
        done = python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")
        self.assertEqual((done.status, sorted(done.output.split()), done.stopped), (3, ["err", "out"], ""))

    def test_tells_the_signal_that_ended_it(self):
        self.assertEqual(python("import os; os.kill(os.getpid(), 11)").status, -11)

    def test_ends_what_takes_too_long_and_its_children_too(self):
        ends = self.root / "child"
        done = python("import os, sys, time\nif os.fork() == 0:\n  os.setsid()\n  open(sys.argv[1], 'w').write(str(os.getpid()))\n"
                      "time.sleep(1000)", ends, bounds=processes.Bounds(seconds=1))
        self.assertEqual(done.stopped, "time")
        self.assertFalse(processes.is_alive(int(ends.read_text())))

    def test_ends_what_uses_too_much_cpu_time_its_ended_children_included(self):
        bounds = processes.Bounds(cpu_seconds=0.5)
        self.assertEqual(python("while True: pass", bounds=bounds).stopped, "CPU time")
        self.assertEqual(processes.run(["sh", "-c", "while :; do /bin/true; done"], bounds).stopped, "CPU time")

    def test_a_program_that_waits_uses_no_cpu_time(self):
        done = python("import time; time.sleep(1)", bounds=processes.Bounds(cpu_seconds=0.5))
        self.assertEqual((done.status, done.stopped), (0, ""))

    def test_ends_a_child_that_outlives_it(self):
        ends = self.root / "child"
        done = python("import os, sys, time\nr, w = os.pipe()\nif os.fork() == 0:\n  os.setsid()\n"
                      "  open(sys.argv[1], 'w').write(str(os.getpid()))\n  os.write(w, b'x')\n  time.sleep(1000)\nos.read(r, 1)", ends)
        self.assertEqual((done.status, done.stopped), (0, ""))
        self.assertFalse(processes.is_alive(int(ends.read_text())))

    def test_leaves_alone_what_the_caller_had_started_before(self):
        with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"]) as before:
            try:
                self.assertEqual(python("print('done')").output, "done\n")
                self.assertIsNone(before.poll())
            finally:
                before.kill()
        self.assertEqual(before.returncode, -signal.SIGKILL)

    def test_a_program_that_closes_its_output_is_waited_for_without_looking_all_the_time(self):
        before = time.process_time()
        done = python("import os, time\nos.close(1)\nos.close(2)\ntime.sleep(1)\nos._exit(3)")
        self.assertEqual((done.status, done.stopped), (3, ""))
        self.assertLess(time.process_time() - before, 0.5)  # of one second

    def test_ends_what_prints_too_much_and_keeps_little_of_it(self):
        done = python("print('begin')\nwhile True: print('x' * 10000)", bounds=processes.Bounds(output=10 << 20))
        self.assertEqual(done.stopped, "output")
        self.assertTrue(done.output.startswith("begin"))
        self.assertLess(len(done.output), 2 << 20)

    def test_keeps_the_beginning_and_the_end_of_long_output(self):
        done = python("print('begin')\nfor _ in range(3000): print('x' * 1000)\nprint('end')")
        self.assertTrue(done.output.startswith("begin") and done.output.endswith("end\n"))
        self.assertIn("left out", done.output)

    def test_ends_what_takes_too_much_memory(self):
        done = python("kept = []\nwhile True: kept.append(b'x' * (1 << 20))", bounds=processes.Bounds(memory=200 << 20))
        self.assertEqual(done.stopped, "memory")

    def test_leaves_nothing_when_it_is_interrupted(self):
        ends = self.root / "child"

        def interrupt(_):
            if ends.exists() and ends.read_text().endswith("\n"):
                raise KeyboardInterrupt

        with self.assertRaises(KeyboardInterrupt):
            python("import os, sys, time\nprint(os.getpid(), file=open(sys.argv[1], 'w'))\ntime.sleep(1000)", ends, watch=interrupt)
        self.assertFalse(processes.is_alive(int(ends.read_text())))


class Threads(LabTest):
    def test_says_where_each_thread_of_a_program_stands(self):
        program = self.root / "waits-long"
        program.symlink_to(os.path.realpath(sys.executable))
        ready, said = self.root / "ready", []

        def look(process):
            if ready.exists():
                said[:] = threads.standing(process, "waits-long")

        text = ("import socket, sys, threading\nfirst, second = socket.socketpair()\n"
                "threading.Thread(target=first.recv, args=[1], daemon=True).start()\n"
                "open(sys.argv[1], 'w').close()\nthreading.Event().wait()")
        processes.run(["sh", "-c", '"$@" & wait', "sh", program, "-c", text, ready], processes.Bounds(seconds=2), watch=look)
        self.assertEqual(len(said), 2, said)
        self.assertTrue(any("recvfrom: for bytes" in line for line in said), said)
        self.assertTrue(any("futex: for a lock or a condition variable" in line for line in said), said)


if __name__ == "__main__":
    unittest.main()
