"""labs/collect on a class of good, bad and hostile submissions: each costs its own points only."""
import csv
import html.parser
import os
import sys
import unittest.mock

from fixture import LabTest, skip_without_sandbox
from grader import collecting, sandbox

# Runs what was handed in, as a lab's tests run a server.
RUN = "import subprocess, sys\nsys.exit(subprocess.run([sys.executable, sys.argv[1]]).returncode)\n"
HOSTILE = {
    "hang": "while True: pass\n",
    "bomb": "import os\nwhile True:\n  try: os.fork()\n  except OSError: pass\n",
    "print": "while True: print('x' * (1 << 20))\n",
    "read": "import sys\nprint(open(sys.argv[0].split('work')[0] + "
            "'labs/01-tiny/solution.txt').read())\n",
    "fail": "import sys; sys.exit('no')\n"}


class Collect(LabTest):
    def setUp(self):
        super().setUp()
        self.root.chmod(0o755)
        self.members = {"lab": 1, "title": "Tiny", "points": 2, "files": ["server.py"],
                        "tests": [{"name": "Lab1.Runs", "points": 2, "command": ["{python}", "{folder}/run.py", "{file}"]}]}
        self.file("run.py", RUN)
        self.lab_ = self.lab()
        self.out = self.root / "class"
        for name, value in (("SECONDS", 2), ("PROCESSES", 50)):  # a machine that others use
            less = unittest.mock.patch.object(sandbox, name, value)
            less.start()
            self.addCleanup(less.stop)

    def hand_in(self, student, text, name="server.py"):
        home = self.root / "class-of/" / student / "01-tiny"
        home.mkdir(parents=True)
        (home / name).write_text(text)
        return home

    def collect(self):
        collecting.collect(self.root / "class-of", [self.lab_], self.out, False, True)
        with open(self.out / "grades.csv", newline="") as file:
            return {row["student"]: row for row in csv.DictReader(file)}

    def test_a_hostile_submission_costs_its_own_points_only(self):
        for name, text in HOSTILE.items():
            self.hand_in(name, text)
        for name in ("aaa", "zzz"):  # before and after them
            self.hand_in(name, "print('served')\n")
        rows = self.collect()
        self.assertEqual({name: row["points"] for name, row in rows.items()},
                         {**{name: "0" for name in HOSTILE}, "aaa": "2", "zzz": "2"})
        self.assertEqual(rows["hang"]["failed"], "Lab1.Runs")
        self.assertIn("too much time", (self.out / "hang-01-tiny.txt").read_text())
        self.assertIn("FileNotFoundError", (self.out / "read-01-tiny.txt").read_text())

    def test_what_is_no_plain_file_is_not_graded(self):
        home = self.hand_in("link", "", "other.py")
        (home / "server.py").symlink_to("/etc/passwd")
        os.mkfifo(self.hand_in("pipe", "", "other.py") / "server.py")
        self.hand_in("large", "x" * (2 << 20))
        self.hand_in("missing", "", "other.py")
        rows = self.collect()
        self.assertEqual({row["points"] for row in rows.values()}, {"0"})
        self.assertIn("no plain file", rows["large"]["note"])
        self.assertIn("No such file", rows["missing"]["note"])

    def test_only_the_files_that_the_lab_names_are_taken(self):
        home = self.hand_in("helped", "import helper\n")
        (home / "helper.py").write_text("")
        self.assertEqual(self.collect()["helped"]["points"], "0")

    def test_names_are_text_in_table_and_page(self):
        self.hand_in("=1+1", "print()\n")
        self.hand_in("<script>alert(1)<", "print()\n")
        self.assertIn("'=1+1", self.collect())
        page = (self.out / "index.html").read_text()
        self.assertNotIn("<script", page)
        self.assertNotIn("http", page.replace("http-equiv", ""))
        html.parser.HTMLParser().feed(page)

    def test_a_folder_without_submissions_is_told(self):
        (self.root / "class-of").mkdir()
        self.assert_problem("holds no submission", self.collect)


if __name__ == "__main__":
    skip_without_sandbox()
    unittest.main()
