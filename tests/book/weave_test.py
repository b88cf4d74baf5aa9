"""What scripts/book/weave writes, and what it refuses."""
import unittest

import project


class Figures(project.Project):
    def test_a_figure_is_the_median_and_the_range_of_the_repeats(self):
        self.assertEqual(self.weave("x <!-- figure broadcast-4000 async server_cpu_us -->?<!-- end --> y\n"),
                         "x <!-- figure broadcast-4000 async server_cpu_us -->10 us (9..11)<!-- end --> y\n")

    def test_a_figure_has_as_many_digits_as_say_something(self):
        for values, text in (((7.73, 7.32, 8.44), "7.7 us (7.3..8.4)"), ((0.123, 0.1, 0.2), "0.12 us (0.10..0.20)"),
                             ((35107.4, 30412.1, 38001.9), "35,107 us (30,412..38,002)")):
            self.measured("async", [(value, 1, 0) for value in values])
            self.assertIn(text, self.weave("x <!-- figure broadcast-4000 async server_cpu_us --><!-- end -->\n"))

    def test_a_range_of_one_value_is_left_out(self):
        self.assertIn(">400 bytes<", self.weave("x <!-- figure broadcast-4000 async app_bytes --><!-- end -->\n"))

    def test_repeats_that_are_not_complete_do_not_count(self):
        path = self.measured("async", [(1.0, 1, 0), (7.0, 7, 0)])
        path.write_text(path.read_text().replace("complete", "failed", 1))
        self.assertIn(">7 bytes<", self.weave("x <!-- figure broadcast-4000 async app_bytes --><!-- end -->\n"))

    def test_the_newest_run_that_has_the_scenario_counts(self):
        self.measured("async", [(1.0, 111, 0)], run="2000-02-01T000000Z")
        self.measured("async", [(1.0, 222, 0)], run="2000-03-01T000000Z", scenario="other")
        self.assertIn(">111 bytes<", self.weave("x <!-- figure broadcast-4000 async app_bytes --><!-- end -->\n"))

    def test_a_scenario_whose_name_begins_like_another_is_not_taken_for_it(self):
        self.measured("async", [(1.0, 111, 0)], run="2000-02-01T000000Z", scenario="broadcast-async")
        self.assertIn(">400 bytes<", self.weave("x <!-- figure broadcast-4000 async app_bytes --><!-- end -->\n"))

    def test_a_table_has_a_row_for_each_entry_and_says_where_it_is_from(self):
        text = self.weave("<!-- figures broadcast-4000: server_cpu_us, lost; async, prefork -->\nold\n<!-- end -->\n")
        self.assertIn("| entry | server CPU, us | lost |\n| --- | ---: | ---: |\n| async | 10 (9..11) | 0 |\n"
                      "| prefork | 36 (31..40) | 3 (0..5) |\n", text)
        self.assertIn("Reference run of 2000-01-01 at commit 0123456, 2 cores of made up, Linux 0.0: median of 3 repeats", text)
        self.assertNotIn("old", text)

    def test_a_ratio_to_the_floor_is_taken_repeat_by_repeat(self):
        self.measured("floor", [(4.0, 1, 0), (3.0, 1, 0), (11.0, 1, 0)])
        self.assertIn("| async | 2.5 (1.0..3.0) |\n",
                      self.weave("<!-- figures broadcast-4000: x_floor; async -->\n<!-- end -->\n"))

    def test_a_table_can_say_the_versions_of_what_was_measured(self):
        self.assertIn("| entry | versions |\n| --- | ---: |\n| async | libasync 1.0 |\n",
                      self.weave("<!-- figures broadcast-4000: versions; async -->\n<!-- end -->\n"))

    def test_the_readme_is_woven_too(self):
        readme = self.file("README.md", "x <!-- figure broadcast-4000 async lost -->?<!-- end -->\n")
        self.weave("# Chapter\n")
        self.assertIn(">0<", readme.read_text())

    def test_what_was_not_measured_is_a_dash_in_a_table(self):
        self.assertIn("| async | - |\n",
                      self.weave("<!-- figures broadcast-4000: latency_p99; async -->\n<!-- end -->\n"))

    def test_weaving_twice_changes_nothing(self):
        text = self.weave("- a\n\n  <!-- figures broadcast-4000: lost; async -->\n  <!-- end -->\n\n- b\n")
        self.assertEqual(self.weave(text), text)

    def test_a_mark_shown_as_code_is_left_alone(self):
        text = "`<!-- figure a b c -->`\n\n```\n<!-- nonsense -->\n```\n"
        self.assertEqual(self.weave(text), text)


class Refused(project.Project):
    def test_names_that_are_not_there(self):
        for argument, said in (("broadcast-4000 async speed", "no member speed; there are"),
                               ("broadcast-4000 nobody lost", "has no entry nobody; it has async, prefork, threaded"),
                               ("broadcast-9 async lost", "no file of broadcast-9 in"),
                               ("broadcast async lost", "is not a scenario with its size"),
                               ("broadcast-4000 async", "write figure SCENARIO ENTRY MEMBER")):
            self.assertIn(said, self.problem(f"\nx <!-- figure {argument} --><!-- end -->\n"))

    def test_a_mark_without_its_end(self):
        self.assertRegex(self.problem("\n<!-- figures broadcast-4000: lost; async -->\n"), r"^2: .*has no <!-- end -->")
        self.assertRegex(self.problem("\n\nx <!-- end -->\n"), "^3: .*without a mark")

    def test_a_mark_that_is_misspelt(self):
        self.assertIn("unknown mark <!-- figrue a -->", self.problem("x <!-- figrue a -->\n"))

    def test_a_figure_at_the_beginning_of_a_line_because_markdown_would_end_the_paragraph(self):
        self.assertRegex(self.problem("a\n<!-- figure broadcast-4000 async lost --><!-- end --> b\n"), "^2: .*begin with a word")
        self.weave("a\n<!-- claim broadcast-4000 lost: async in 0..0 -->\n\nb\n")
        self.assertRegex(self.problem("a\n<!-- claim broadcast-4000 lost: async in 0..0 -->\nb\n"), "^2: .*begin with a word")


class Claims(project.Project):
    def claim(self, text):
        return f"x <!-- claim broadcast-4000 {text} -->\n"

    def test_that_hold(self):
        for text in ("server_cpu_us: threaded / async in 2.5..3.5", "app_bytes: async in 300..500", "lost: async in 0..0",
                     "app_bytes: async < threaded < prefork", "server_cpu_us: async < threaded",
                     "lost: server_cpu_us threaded / server_cpu_us async in 2..4"):
            self.weave(self.claim(text))

    def test_a_ratio_outside_its_bounds(self):
        self.assertIn("threaded / async in 4..5 does not hold: 3.00 (3.00..3.22)",
                      self.problem(self.claim("server_cpu_us: threaded / async in 4..5")))

    def test_a_ratio_whose_range_reaches_over_its_bounds(self):
        self.assertIn("does not hold: 3.00 (3.00..3.22)", self.problem(self.claim("server_cpu_us: threaded / async in 2..3.1")))

    def test_an_order_of_ranges_that_overlap(self):
        self.assertIn("threaded < prefork does not hold: 30.00 (29.00..35.00) and 36.00 (31.00..40.00)",
                      self.problem(self.claim("server_cpu_us: async < threaded < prefork")))

    def test_an_absolute_time(self):
        self.assertIn("changes with the machine", self.problem(self.claim("server_cpu_us: async in 1..100")))

    def test_that_cannot_be_read(self):
        for text in ("server_cpu_us threaded / async in 2..3", "server_cpu_us: threaded / async", "server_cpu_us: async in 2"):
            self.assertIn("write", self.problem(self.claim(text)))

    def test_ratio_of_two_runs_is_bounded_by_both_ranges(self):
        self.measured("async", [(20.0, 1, 0), (22.0, 1, 0)], run="2000-02-01T000000Z", scenario="other")
        self.assertIn("2.10 (1.82..2.44)", self.problem(self.claim("server_cpu_us: other-4000 async / async in 2..2.1")))


class Contents(project.Project):
    def test_the_list_of_chapters_has_their_titles_in_order(self):
        self.chapter("# 10. Last\n", "10-last.md")
        self.chapter("# 2. What `x` is\n", "02-what.md")
        self.chapter("# 1. First\n")
        page = self.file("docs/book/README.md", "<!-- chapters -->\n<!-- end -->\n")
        self.assertEqual(self.script("weave").returncode, 0)
        self.assertIn("\n\n1. [First](01-test.md)\n2. [What `x` is](02-what.md)\n10. [Last](10-last.md)\n\n", page.read_text())

    def test_a_chapter_whose_title_has_another_number(self):
        self.chapter("# 1. First\n", "02-what.md")
        self.assertIn("02-what.md does not begin with # 2.", self.problem("# 1. First\n\n<!-- chapters -->\n<!-- end -->\n"))

    def test_a_term_of_the_index_that_its_chapter_does_not_have(self):
        self.chapter("# 1. First\n\nA *held\nrequest*.\n")
        head = "| term | what it is | chapter |\n| --- | --- | --- |\n"
        page = self.file("docs/book/terms.md", head + "| held request | one | [1](01-test.md) |\n| Word | two | [1](01-test.md) |\n")
        self.assertEqual(self.script("weave", "--check").stderr, f"{page}:4: 01-test.md does not have the term Word\n")


class Experiments(project.Project):
    def setUp(self):
        super().setUp()
        self.file("loadgen/scenarios/broadcast.json", '{"held": [100, 4000]}')
        self.file("loadgen/scenarios/steady.json", '{"held": [1000], "publishes_per_second": [10, 40]}')

    def chapter_with(self, arguments, scenario):
        self.measured("async", [(1, 1, 0)], scenario=scenario.rsplit("-4000")[0])
        return f"<!-- measure: {arguments} -->\n\nx <!-- figure {scenario} async lost --><!-- end -->\n"

    def test_that_measure_what_a_table_has(self):
        for arguments in ("--entries async", "bench --entries async --held 100,4000"):
            self.weave(self.chapter_with(arguments, "broadcast-4000"))

    def test_that_measure_something_else(self):
        for arguments, said in (("--held 200", "has broadcast-200"), ("--scenario steady", "has steady-1000-at-10 or steady-1000-at-40"),
                                ("--scenario stedy", "no scenario stedy")):
            self.assertIn(said, self.problem(self.chapter_with(arguments, "broadcast-4000")))


class Check(project.Project):
    def test_says_what_differs_and_writes_nothing(self):
        text = "a\n\nx <!-- figure broadcast-4000 async lost -->7<!-- end -->\n"
        self.assertRegex(self.problem(text, "--check"), "^3: figure broadcast-4000 async lost: not as it would be written")
        self.assertEqual((self.root / "docs/book/01-test.md").read_text(), text)

    def test_is_content_with_what_weaving_wrote(self):
        self.file("a.cpp", "// Adds.\nint add(int a) {\n  return a;\n}\n")
        self.weave("<!-- listing a.cpp: add -->\n<!-- end -->\n\nx <!-- figure broadcast-4000 async lost --><!-- end -->\n")
        done = self.script("weave", "--check")
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_notices_a_listing_whose_source_has_changed(self):
        self.file("a.cpp", "int add(int a) {\n  return a;\n}\n")
        text = self.weave("<!-- listing a.cpp: add -->\n<!-- end -->\n")
        self.file("a.cpp", "int add(int a) {\n  return a + 1;\n}\n")
        self.assertIn("1: listing a.cpp: add: not as it would be written", self.problem(text, "--check"))


if __name__ == "__main__":
    project.main()
