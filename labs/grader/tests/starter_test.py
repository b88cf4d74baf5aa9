"""Starters are made of solutions, wrong solutions of edits."""
import unittest

from fixture import SOLUTION, LabTest
from grader import edits, starter


class Starter(LabTest):
    def test_has_the_starters_lines_in_place_of_the_solutions(self):
        text = ("int before;\n  // >>> student: wake them\n  // and say why\n  // <<< starter\n  //= respond(not_written());\n"
                "  //=\n  // === solution\n  wake();\n  // <<< end\nint after;\n")
        self.assertEqual(starter.starter_of(text), "int before;\n  // TO WRITE: wake them\n  // and say why\n"
                                                   "  respond(not_written());\n\nint after;\n")

    def test_marks_out_of_order_are_told_with_their_line(self):
        self.assert_problem("solution.cpp:2: '// === solution' where '// <<< starter'", starter.starter_of,
                            "// >>> student: a\n// === solution\n")
        self.assert_problem("solution.cpp:1: this part does not end", starter.starter_of, "// >>> student: a\n// <<< starter\n")
        self.assert_problem("solution.cpp:3: a line of the starter begins with '//= '", starter.starter_of,
                            "// >>> student: a\n// <<< starter\nforgotten\n")

    def test_drift_is_told_and_generate_ends_it(self):
        lab = self.lab()
        self.assertEqual(starter.drifted(lab), [])
        self.file("solution.txt", SOLUTION.replace("first", "erst"))
        self.assertEqual(len(starter.drifted(lab)), 1)
        (self.folder / "numbers.txt").unlink()
        starter.generate(lab, self.root / "record.json")
        self.assertEqual(starter.drifted(lab), [])

    def test_generate_replaces_what_it_made_before(self):
        lab = self.lab()
        (self.folder / "numbers.txt").unlink()
        starter.generate(lab, self.root / "record.json")
        self.file("solution.txt", SOLUTION.replace("first", "erst"))
        written, edited = starter.generate(lab, self.root / "record.json")
        self.assertEqual(([file.name for file in written], edited), (["numbers.txt"], []))

    def test_generate_never_overwrites_what_somebody_wrote(self):
        mine = self.file("numbers.txt", "my own work\n")
        written, edited = starter.generate(self.lab(), self.root / "record.json")
        self.assertEqual(written, [])
        self.assertIn("was edited by hand", edited[0])
        self.assertEqual(mine.read_text(), "my own work\n")


class Edits(LabTest):
    def test_replace_whole_lines(self):
        text = "about\n@@@ replace\nb\n@@@ with\nB\nB2\n@@@ end\n@@@ replace\nd\n@@@ with\n@@@ end\n"
        self.assertEqual(edits.apply("a\nb\nc\nd\n", text, "x.edit"), "a\nB\nB2\nc\n")

    def test_what_does_not_stand_there_exactly_once_is_an_error(self):
        text = "@@@ replace\nb\n@@@ with\nc\n@@@ end\n"
        self.assert_problem("stand 0 times", edits.apply, "a\n", text, "x.edit")
        self.assert_problem("stand 2 times", edits.apply, "b\nb\n", text, "x.edit")

    def test_marks_out_of_order_are_an_error(self):
        self.assert_problem("x.edit:1: '@@@ with' where '@@@ replace'", edits.apply, "", "@@@ with\n", "x.edit")
        self.assert_problem("'@@@ end' is missing", edits.apply, "", "@@@ replace\na\n@@@ with\n", "x.edit")
        self.assert_problem("replaces nothing", edits.apply, "", "words only\n", "x.edit")


if __name__ == "__main__":
    unittest.main()
