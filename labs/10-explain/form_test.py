"""What a form may say, and what a rule finds in it."""
import sys
import unittest

sys.dont_write_bytecode = True
import form as forms
import rules

PREDICTED = """[prediction]
user_bytes of mine is 8 to 20 times async, because of the stack.
server_cpu_us of mine is 2 to 3 times async, because of the wake-up.
switches of mine is 0.9 to 1.1 times threaded, because both wake a thread.
"""
VALUES = {("user_bytes", "mine"): (5477, 5470, 5484), ("user_bytes", "async"): (414, 414, 415),
          ("user_bytes", "mine / async"): (13.2, 13.1, 13.3), ("server_cpu_us", "mine"): (25.6, 23, 28),
          ("server_cpu_us", "threaded"): (24.7, 21, 25.4), ("server_cpu_us", "mine / async"): (2.9, 2.7, 3),
          ("switches", "mine"): (2.02, 2.01, 2.04), ("switches", "async"): (0.1, 0.1, 0.2)}


def form(explanation="", predicted=PREDICTED, stamped="2026-01-01T10:00:00Z", started="2026-01-01T10:00:05Z"):
    digest = forms.prediction_digest(forms.sections(PREDICTED))
    measured = forms.measured_lines(forms.Measured(started, digest, VALUES), ["held: 500, repeats: 5"])
    lines = [predicted, "[stamp]", f"stamped: {stamped}", f"prediction: {digest}", "[measured]", *measured, "[explanation]",
             explanation]
    return forms.sections("\n".join(lines))


class FormTest(unittest.TestCase):
    def test_a_section_is_replaced_and_all_else_stays(self):
        text = "// mine\n[stamp]\nold: 1\n// keep\n\n[measured]\n\n[explanation]\nmy words\n"
        self.assertEqual("// mine\n[stamp]\nnew: 2\n\n// keep\n\n[measured]\n\n[explanation]\nmy words\n",
                         forms.with_section(text, "stamp", ["new: 2"]))

    def test_a_form_without_the_section_is_not_touched(self):
        with self.assertRaisesRegex(forms.Problem, r"no section \[stamp\]"):
            forms.with_section("[measured]\n", "stamp", ["new: 2"])

    def test_a_mistyped_form_is_told_what_to_write(self):
        for text, said in (("user_bytes of mine is 8 times async\n", r"begin with a section"),
                           ("[predictions]\n", r"\[predictions\] is none of the sections")):
            with self.assertRaisesRegex(forms.Problem, said):
                forms.sections(text)
        for text, said in (("[prediction]\nuser_bytes of mine is 8 times async\n", "LEAST to MOST"),
                           ("[prediction]\nuser_bytes of mine is 8 to 9 times async, because x\n",
                            "no prediction of server_cpu_us")):
            with self.assertRaisesRegex(forms.Problem, said):
                forms.predictions(forms.sections(text))

    def test_figures_that_were_edited_are_refused(self):
        changed = form()
        changed["measured"] = [line.replace("5,477", "4,477") for line in changed["measured"]]
        with self.assertRaisesRegex(forms.Problem, "not what the tool wrote"):
            forms.measured(changed)


class RuleTest(unittest.TestCase):
    def finds(self, rule, expected, *arguments, **members):
        found = list(rules.RULES[rule](form(*arguments, **members)))
        if expected is None:
            self.assertEqual([], found)
        else:
            self.assertRegex("\n".join(found), expected)

    def test_a_prediction_comes_before_its_run(self):
        self.finds("before", None)
        self.finds("before", "the run began at", stamped="2026-01-01T10:00:06Z")
        self.finds("before", "changed after its stamp", predicted=PREDICTED.replace("8 to 20", "13 to 14"))

    def test_every_figure_is_of_the_run(self):
        start = "user_bytes of mine is 13.2 times async, as predicted. "
        for words in ("It takes 5,477 bytes.", "It takes 5,500 bytes, 500 times.", "A page has `4096` bytes.",
                      "It wakes 2 threads."):
            self.finds("figures", None, start + words)
        self.finds("figures", "4,800 is no figure", start + "It takes 4,800 bytes.")
        self.finds("figures", None, start + "It takes 5,477bytes.")
        self.finds("figures", "99.6 is no figure", start + "It takes 99.6us.")
        self.finds("figures", "14 times async is not of this run", "user_bytes of mine is 14 times async, as predicted. So.")
        self.finds("figures", "'node' was not measured", "user_bytes of mine is 14 times node, as predicted. So.")

    def test_what_is_called_more_is_more(self):
        start = "user_bytes of mine is 13.2 times async, as predicted. "
        self.finds("directions", None, start + "Mine needs more than async. Async needs less memory than mine.")
        self.finds("directions", "contradicts the run", start + "Mine needs less than async.")
        self.finds("directions", "contradicts the run", start + "And async needs more bytes than mine.")
        self.finds("directions", "contradicts the run", start + "It makes fewer switches than async.")
        self.finds("directions", "does not tell the two apart", start + "It needs more CPU than threaded.")

    def test_what_is_called_not_more_is_not_more(self):
        start = "user_bytes of mine is 13.2 times async, as predicted. "
        for words in ("Mine needs not less than async.", "Async does not need more memory than mine.",
                      "Mine has no more CPU than threaded.", "Mine needs not only more than async.",
                      "It does not sleep, and so it needs more than async."):
            self.finds("directions", None, start + words)
        for words in ("It needs not more than async.", "Mine doesn't take more bytes than async.",
                      "Mine is never larger than async.", "It makes no more switches than async.", "Async does not need less than mine."):
            self.finds("directions", "contradicts the run", start + words)

    def test_a_prediction_that_failed_is_not_called_right(self):
        self.finds("directions", "that is as predicted", "user_bytes of mine is 13.2 times async, not as predicted. So.")
        wide = PREDICTED.replace("8 to 20", "20 to 30")
        self.finds("directions", "that is not as predicted", "user_bytes of mine is 13.2 times async, as predicted. So.", wide)

    def test_every_prediction_is_explained_with_a_reason(self):
        words = "word " * 20
        three = [f"{figure} of mine is 1 times {reference}, as predicted. {words} because" for figure, reference in
                 (("user_bytes", "async"), ("server_cpu_us", "async"), ("switches", "threaded"))]
        self.finds("explained", None, "\n".join(three))
        self.finds("explained", "switches beside threaded is predicted, and not explained", "\n".join(three[:2]))
        self.finds("explained", "fewer than 20 words", "\n".join(three).replace(words, "", 1))
        self.finds("explained", "no reason", "\n".join(three).replace("because", "and", 1))


if __name__ == "__main__":
    unittest.main()
