"""What a grade says: stories, crashes, bars, points, and what is remembered."""
import os
import pathlib
import subprocess
import unittest

from fixture import LabTest
from grader import bars, grading, labfile, report, status, stories, testing

ASAN = """
[ RUN      ] Lab2.Gap
lab2_test.cpp:12: Failure
the server ended during the test, with status 134
==77==ERROR: AddressSanitizer: heap-use-after-free on address 0x6020 at pc 0x55 bp 0x7f sp 0x7f
READ of size 8 at 0x6020 thread T1
    #0 0x55aa in std::mutex::lock() /usr/include/c++/12/mutex:100
    #1 0x55bb in kit::Log::first_after(kit::Cursor) /home/me/labs/kit/kit.cpp:80
    #2 0x55cc in Server::subscribe(Connection&) /home/me/labs/02-lose-nothing/server.cpp:61
    #3 0x55dd in Server::serve(int) /home/me/labs/02-lose-nothing/server.cpp:40
"""


class Stories(LabTest):
    def test_a_crash_is_told_with_the_first_line_of_the_students_file(self):
        said = stories.crash(ASAN, "server.cpp")
        self.assertIn("SIGABRT: heap-use-after-free", said)
        self.assertIn("first in your file: server.cpp:61, in Server::subscribe(Connection&)", said)

    def test_a_crash_of_a_real_program_is_told(self):
        source = self.file("server.cpp", "int main(int argc, char**) { int* gone = new int(argc); delete gone; return *gone; }\n")
        program = self.root / "crashes"
        subprocess.run(["c++", "-g", "-fsanitize=address", source, "-o", program], check=True)
        done = subprocess.run([program], capture_output=True, text=True)
        said = stories.crash(done.stderr, "server.cpp")
        self.assertIn("heap-use-after-free", said)
        self.assertIn("first in your file: server.cpp:1, in main", said)

    def test_undefined_behaviour_is_told_with_its_line(self):
        said = stories.crash("/x/server.cpp:7:3: runtime error: signed integer overflow: 1 + 2\n", "server.cpp")
        self.assertIn("signed integer overflow", said)
        self.assertIn("server.cpp:7", said)

    def test_a_status_that_is_no_signal_is_none(self):
        said = stories.crash(ASAN.replace("status 134", "status 255"), "server.cpp")
        self.assertIn("Your server crashed: heap-use-after-free", said)

    def test_a_failure_without_a_crash_is_none(self):
        self.assertEqual(stories.crash("the server has ended with status 0\nexpected 1", "server.cpp"), "")

    def test_the_same_story_is_the_same_text_in_every_run(self):
        first = ("       0.008   1 > GET /subscribe\n       the server says READY port=40607 pid=19898\nafter 5012 ms\n"
                 "cursor 1764291000123-4\n/a/b/lab1_test.cpp:33: Failure\n"
                 "/a/b/expectations.cpp:50: Failure\n    #1 0x55 in f() /a/labs/kit/kit.cpp:7\n")
        second = ("      10.412   1 > GET /subscribe\n       the server says READY port=1 pid=2\nafter 5 ms\n"
                  "cursor 1764291999999-4\n../../other/lab1_test.cpp:34: Failure\n"
                  "../../b/expectations.cpp:51: Failure\n    #1 0x66 in f() ../../labs/kit/kit.cpp:7\n")
        self.assertEqual(stories.normal(first).split(), stories.normal(second).split())
        self.assertNotEqual(stories.normal(first), stories.normal(first.replace("GET", "POST")))

    def test_of_a_sanitizers_report_the_frames_in_libraries_are_left_out(self):
        said = stories.trim("    #0 0x7f in std::vector<int>::at(int) /usr/include/c++/12/bits/stl_vector.h:3\n"
                            "    #1 0x55 in Server::serve(int) /home/me/server.cpp:61\n"
                            "    #2 0x7f in __libc_start_call_main ../sysdeps/nptl/start.h:58\n"
                            "Shadow bytes around the buggy address:\n  0x1: 00\n==12==ABORTING\nlast")
        self.assertEqual(said, "#1 0x55 in Server::serve(int) /home/me/server.cpp:61\n\nlast")

    def test_threads_at_the_same_place_are_one_line(self):
        said = stories.grouped([f"process 1, thread {n}: sleeps" for n in range(3)] + ["process 1, thread 9: runs"])
        self.assertEqual(said, ["  3 threads: sleeps", "  1 thread: runs"])


class Crashes(LabTest):
    """Those of three tests: two at one line of the student's file, one at another."""

    def setUp(self):
        super().setUp()
        self.members["files"] = ["server.cpp"]
        self.grade = grading.Grade(self.lab(), 5)
        for name, output in (("Lab1.First", ASAN), ("Lab1.Second", ASAN.replace("0x6020", "0x7030")),
                             ("Lab1.Third", ASAN.replace("server.cpp:61", "server.cpp:62"))):
            self.grade.outcomes.append(testing.Outcome(labfile.Test(name, 1), testing.Result.FAILED, output))

    def test_a_crash_of_several_tests_is_told_once(self):
        first, other = report.stories_of(self.grade)
        self.assertIn("The same crash in 1 more test: Lab1.Second", first)
        self.assertIn("---- Lab1.Third ----", other)

    def test_failures_without_a_place_in_the_students_file_are_told_each(self):
        for outcome in self.grade.outcomes:
            outcome.output = "the server ended during the test, with status 139"
        self.assertEqual(len(list(report.stories_of(self.grade))), 3)


class Advice(LabTest):
    def test_names_the_labs_own_test_before_a_general_one(self):
        grade = grading.Grade(self.lab(), 5)
        grade.outcomes = [testing.Outcome(labfile.Test(name, 1), testing.Result.FAILED)
                          for name in ("Subscribe.Wakes", "Lab1.First", "Lab1.Second")]
        self.assertIn("Next: the story of Lab1.First", report.advice(grade))


class Bars(LabTest):
    bar = labfile.Bar("user_bytes", 3, 2, "small", "async")

    def test_only_a_whole_interval_beyond_the_bar_misses_it(self):
        self.assertTrue(bars.Measured(self.bar, [2.9, 3.5, 4]).kept)
        self.assertFalse(bars.Measured(self.bar, [3.1, 3.5, 4]).kept)

    def test_one_lost_message_misses_the_bar(self):
        bar = labfile.Bar("lost", 0, 1, "lost")
        self.assertTrue(bars.Measured(bar, [0, 0, 0]).kept)
        self.assertFalse(bars.Measured(bar, [0, 0, 1]).kept)

    def test_a_ratio_is_of_the_same_repeat(self):
        repeats = {name: [self.repeat(value) for value in values]
                   for name, values in {"student": [20, 60], "async": [10, 20]}.items()}
        self.assertEqual(bars.judge(self.bar, "student", repeats, self.done()).values, [2, 3])

    def test_what_was_not_measured_misses_it_and_says_why(self):
        failed = {**self.repeat(1), "status": "failed", "note": "it lost 3 messages"}
        measured = bars.judge(self.bar, "student", {"student": [failed], "async": [self.repeat(1)]}, self.done())
        self.assertFalse(measured.kept)
        self.assertIn("it lost 3 messages", measured.text())
        self.assertFalse(bars.judge(self.bar, "student", {}, self.done()).kept)

    def test_a_result_file_that_a_submission_has_written_is_passed_over(self):
        run = self.root / "runs/one"
        run.mkdir(parents=True)
        (run / "good.json").write_text('{"entry": "student", "repeats": [1]}')
        (run / "bad.json").write_text("no JSON")
        (run / "link.json").symlink_to(run / "good.json")
        os.mkfifo(run / "pipe.json")
        self.assertEqual(bars.read(self.root / "runs"), {"student": [1]})

    def test_what_the_bench_could_not_count_is_told(self):
        measured = bars.judge(self.bar, "student", {"student": [self.repeat(None)], "async": [self.repeat(1)]}, self.done())
        self.assertIn("has no per_held_bytes of user_memory", measured.text())

    @staticmethod
    def repeat(value):
        return {"status": "complete", "note": None, "user_memory": {"per_held_bytes": value}}

    @staticmethod
    def done():
        return grading.processes.Finished(0, "", 1)


class Points(LabTest):
    def grade(self, text):
        return grading.grade(self.lab(), self.candidate(text), 5)

    def test_are_those_of_what_passed(self):
        grade = self.grade("first 1\nsecond 3\n")
        self.assertEqual((grade.points, grade.asked, grade.failed), (1, 3, ["Lab1.Second"]))
        said = report.summary(grade, "again")
        self.assertIn("1 of 3 points (seed 5; again does the same again)", said)
        self.assertIn("Next: the story of Lab1.Second", said)
        self.assertIn("A question: why 'second 2'?", "".join(report.stories_of(grade)))

    def test_what_a_server_is_not_asked_is_not_among_them(self):
        grade = self.grade("first 1\nsecond 3\n")
        grade.outcomes[1].result = testing.Result.NOT_ASKED
        self.assertEqual((grade.points, grade.asked, grade.failed), (1, 1, []))

    def test_status_remembers_the_best_and_the_last(self):
        file = self.root / "status.json"
        status.remember(self.grade("first 1\nsecond 2\n"), "a", file)
        status.remember(self.grade("second 2\n"), "b", file)
        kept = status.load(file)["1"]
        self.assertEqual((kept["best"]["points"], kept["last"]["points"]), (3, 2))
        self.assertEqual(sorted(kept["passed"]), ["Lab1.First", "Lab1.Second"])
        self.assertIn("best 3 of 3", status.text([self.lab()], file))
        self.assertIn("failed: Lab1.First", status.text([self.lab()], file))

    def test_status_keeps_what_stands_elsewhere_apart(self):
        file = self.root / "status.json"
        status.remember(self.grade("second 2\n"), "a", file)
        status.remember(self.grade("first 1\nsecond 2\n"), "b", file, "other/numbers.txt")
        own, other = status.text([self.lab()], file).splitlines()
        self.assertIn("best 2 of 3", own)
        self.assertRegex(other, r"^ +other/numbers.txt: best 3 of 3")

    def test_grading_changes_nothing_of_the_students(self):
        candidate = self.candidate("mine\n")
        before = {path: path.read_bytes() for path in self.folder.iterdir() if path.is_file()}
        grading.grade(self.lab(), candidate, 5)
        self.assertEqual({path: pathlib.Path(path).read_bytes() for path in before if path.name != "lab.json"},
                         {path: content for path, content in before.items() if path.name != "lab.json"})


if __name__ == "__main__":
    unittest.main()
