"""The limits of the sandbox, each tried by a program that goes beyond it."""
import os
import sys
import unittest.mock

from fixture import LabTest, skip_without_sandbox
from grader import labfile, processes, sandbox


class Sandbox(LabTest):
    def setUp(self):
        super().setUp()
        self.root.chmod(0o755)
        self.place = self.root / "work/one"
        self.place.mkdir(parents=True)
        few = unittest.mock.patch.object(sandbox, "PROCESSES", 50)  # a machine that others use
        few.start()
        self.addCleanup(few.stop)
        self.sandbox = sandbox.Sandbox(self.lab(), self.place)

    def python(self, text, *arguments, seconds=20, memory=1 << 30, **how):
        return self.sandbox.run([sys.executable, "-c", text, *arguments], processes.Bounds(seconds=seconds, memory=memory), **how)

    def says(self, text, *arguments, **how):
        done = self.python(text, *arguments, **how)
        self.assertEqual((done.status, done.stopped), (0, ""), done.output)
        return done.output.strip()

    def test_tests_and_solutions_and_the_grader_are_not_there(self):
        hidden = [self.folder / "solution.txt", self.folder / "wrong/three.edit", labfile.ROOT / "labs/tests",
                  labfile.ROOT / "labs/grader/tests", labfile.ROOT / "tests"]
        self.assertEqual(self.says("import os, sys; print([p for p in sys.argv[1:] if os.path.exists(p)])", *map(str, hidden)), "[]")
        self.assertEqual(self.says("import os, sys; print(os.path.exists(sys.argv[1]))", str(self.folder / "ask.py")), "True")

    def test_it_is_nobody_and_sees_no_other_process(self):
        self.assertEqual(self.says("import os; print(len([p for p in os.listdir('/proc') if p.isdigit()]))"), "1")
        self.assertIn("CapEff: 0", self.says("print(open('/proc/self/status').read())").replace("\t", " "))

    def test_it_can_write_only_where_it_may(self):
        done = self.python("open(__import__('sys').argv[1], 'w')", str(self.place / "out"))
        self.assertIn("Read-only file system", done.output)
        self.says("open(__import__('sys').argv[1], 'w').write('x')", str(self.place / "out/x"), writable=[self.place / "out"])
        self.assertEqual((self.place / "out/x").read_text(), "x")

    def test_a_file_has_a_largest_size(self):
        self.assertIn("File too large", self.python("open('/tmp/x', 'wb').write(bytes(100 << 20))").output)

    def test_all_files_together_have_one(self):
        done = self.python("for n in range(10): open(f'/tmp/{n}', 'wb').write(bytes(20 << 20))")
        self.assertIn("No space left", done.output)

    def test_processes_are_limited_and_end(self):
        text = ("import os, time\nmade = 0\ntry:\n  while True:\n    if os.fork() == 0:\n      os.setsid()\n      time.sleep(1000)\n"
                "    made += 1\nexcept OSError as error:\n  print(error, made < 50, flush=True)\ntime.sleep(1000)")
        done = self.python(text, seconds=2)
        self.assertIn("Resource temporarily unavailable True", done.output)
        self.assertEqual(done.stopped, "time")
        self.assertEqual(processes.descendants(os.getpid()), [])

    def test_open_files_are_limited(self):
        self.assertIn("Too many open files", self.python("kept = []\nwhile True: kept.append(open('/dev/null'))").output)

    def test_memory_is_limited(self):
        self.assertEqual(self.python("kept = []\nwhile True: kept.append(b'x' * (1 << 20))", memory=300 << 20).stopped, "memory")

    def test_files_in_memory_are_memory_mapped_or_not(self):
        text = ("import os\nkept = []\nwhile True:\n  kept.append(os.memfd_create('x'))\n"
                "  os.write(kept[-1], bytes(16 << 20))")
        self.assertEqual(self.python(text, memory=300 << 20).stopped, "memory")
        self.assertIn("File too large", self.python("import os; os.ftruncate(os.memfd_create('x'), 100 << 20)").output)

    def test_time_is_limited_for_all_that_is_run(self):
        self.assertEqual(self.python("while True: pass", seconds=1).stopped, "time")
        bounds = processes.Bounds(seconds=60)
        sandbox.Sandbox(self.lab(), self.place, seconds=5).run(["true"], bounds)
        self.assertEqual(bounds.seconds, 60)  # for the next submission
        short = sandbox.Sandbox(self.lab(), self.place, seconds=0)
        self.assertEqual(short.run([sys.executable, "-c", ""]).stopped, "time")

    def test_output_is_limited(self):
        done = self.python("while True: print('x' * 100000)")
        self.assertEqual(done.stopped, "output")

    def test_the_network_is_its_own(self):
        self.assertEqual(self.says("import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen()\n"
                                   "socket.create_connection(s.getsockname(), 5); print('connected')"), "connected")
        self.assertEqual(self.says("import os; print(sorted(os.listdir('/proc/sys/net/ipv4/conf')))"), "['all', 'default', 'lo']")

    def test_a_signal_that_ends_it_is_told(self):
        self.assertNotEqual(self.python("import os; os.abort()").status, 0)


if __name__ == "__main__":
    skip_without_sandbox()
    unittest.main()
