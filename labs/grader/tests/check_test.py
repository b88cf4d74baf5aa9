"""labs/lab check, on a tiny lab: what is right passes, and each way to be wrong is told."""
import unittest

from fixture import SOLUTION, LabTest
from grader import checking, edits


class Check(LabTest):
    def problems(self, golden="compare"):
        return checking.check(self.lab(), 7, say=lambda line: None, golden=golden)

    def assert_one(self, words):
        problems = self.problems()
        self.assertEqual(len(problems), 1, problems)
        self.assertIn(words, problems[0])

    def test_a_right_lab_has_no_problem(self):
        self.assertEqual(self.problems(), [])

    def test_a_solution_that_fails_is_told_with_its_story(self):
        self.members["tests"].append(self.asks("Lab1.Third", 1, "third 3"))
        self.members.update(points=4, starter_fails=["Lab1.Second", "Lab1.Third"])
        self.assert_one("the solution does not pass Lab1.Third (failed, seed 7):\nthe file lacks: third 3")

    def test_a_starter_that_passes_what_it_is_to_fail_is_told(self):
        self.members["starter_fails"] = ["Lab1.First", "Lab1.Second"]
        self.assert_one("the starter passes Lab1.First")

    def test_a_starter_that_fails_more_than_is_named_is_told(self):
        self.members["starter_fails"] = []
        self.assert_one("the starter fails Lab1.Second, and lab.json does not say so")

    def test_a_starter_that_drifted_is_told(self):
        self.file("numbers.txt", "first 1\nsecond 0\n")
        self.assert_one("is not what solution.txt makes")

    def test_a_wrong_solution_that_passes_is_told(self):
        self.members["wrong"]["three"]["fails"] = "Lab1.First"
        self.assert_one("wrong solution three is not caught by Lab1.First")

    def test_a_wrong_solution_that_fails_for_another_reason_is_told(self):
        self.members["wrong"]["three"]["because"] = "no such words"
        self.assert_one("but not because 'no such words'")

    def test_a_wrong_solution_that_no_longer_fits_the_solution_is_told(self):
        self.file("wrong/three.edit", "@@@ replace\nsecond 9\n@@@ with\nsecond 3\n@@@ end\n")
        self.assert_one("stand 0 times in the solution")

    def test_a_wrong_solution_that_nobody_names_is_told(self):
        self.file("wrong/four.edit", "@@@ replace\nsecond 2\n@@@ with\nsecond 4\n@@@ end\n")
        self.assert_one("wrong/four.edit is not named")

    def test_a_story_that_changed_is_told_and_can_be_taken(self):
        self.file("golden/three.txt", "another story\n")
        self.assert_one("the story differs")
        self.assertEqual(self.problems(golden="update"), [])
        self.assertEqual(self.problems(), [])

    def test_lab_json_is_checked_in_one_line(self):
        for change, words in (({"points": 9}, "give 3 points, and 'points' says 9"),
                              ({"starter_fails": ["Lab1.None"]}, "starter_fails names Lab1.None"),
                              ({"colour": "red"}, "unknown key 'colour'"),
                              ({"files": ["../other.cpp"]}, "is no plain file name"),
                              ({"wrong": {"a": {"fails": "Lab1.None", "because": "", "teaches": ""}}}, "is to fail Lab1.None"),
                              ({"wrong": {"a": {"fails": "Lab1.First", "because": "(", "teaches": ""}}}, "no regular expression"),
                              ({"tests": [{"name": "Lab1.First"}]}, "lacks points")):
            kept = dict(self.members)
            self.members.update(change)
            self.assertNotIn("\n", self.assert_problem(words, self.lab))
            self.members = kept


class Fixture(LabTest):
    def test_the_wrong_solution_is_the_solution_but_for_its_fault(self):
        text = (self.folder / "wrong/three.edit").read_text()
        self.assertEqual(edits.apply(SOLUTION, text, "three").replace("second 3", "second 2"), SOLUTION)


if __name__ == "__main__":
    unittest.main()
