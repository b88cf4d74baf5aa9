"""The results page in a headless browser: what it tells of a run, and that it hides nothing that went wrong."""
import json
import sys
import unittest

from selenium.webdriver.common.by import By

import page_browser
import sample


class Told(page_browser.Page):
    def test_what_did_not_complete_is_told(self):
        told = self.find("#problems")[0].text
        for words in ("holds 8,000 of 15,000: processes_limit", "stopped delivering"):
            self.assertIn(words, told)
        self.assertEqual([line.text for line in self.find("#skipped li")],
                         ["Skipped in channels: does not keep: channels: nchan"])
        self.choose("held", "15,000")
        self.assertIn("0 of 5\nceiling: 8,000 held", self.row("prefork"))

    def test_the_facts_of_the_run_are_told(self):
        self.find("details summary")[0].click()
        self.assertIn("share this machine's 2 cores", self.find("header")[0].text)
        told = self.find("details")[0].text
        for words in ("made-up figures of a test", "Linux 0.0", "0" * 40, "comet-loadgen bench --seed 1", "somaxconn"):
            self.assertIn(words, told)

    def test_a_mark_tells_its_figure_and_interval(self):
        self.assertRegex("|".join(self.datasets("cpu", "set.data[0].text")[0]),
                         r"^\S+\|[\d.,]+ µs \([\d.,]+ \.\. [\d.,]+\)\|5 repeats$")

    def test_the_ratio_to_the_floor_has_its_interval_and_what_was_bounded_is_marked(self):
        run = self.folder / "bounded"
        files = sample.write(run, scenarios=["broadcast"], entries=["async", "threaded", "floor"])
        for repeat in files["broadcast-async-4000.json"]["repeats"]:
            repeat["phases"]["delivery"]["bounded"] = True
        (run / "broadcast-async-4000.json").write_text(json.dumps(files["broadcast-async-4000.json"]))
        self.show(run)
        cells = lambda entry: [cell.text for cell in self.find("#comparison tbody tr")[
            self.column("entry").index(entry)].find_elements(By.CSS_SELECTOR, "td")]
        self.assertRegex(cells("threaded")[2], r"^2\.\d+\s[\d.]+ \.\. [\d.]+$")
        self.assertTrue(cells("async")[3].startswith("≤ "), cells("async"))
        self.assertTrue(cells("async")[4].startswith("~"), cells("async"))
        self.assertFalse(cells("threaded")[3].startswith("≤ "))
        self.assertEqual(sum(cell.startswith("≥ ") for cell in cells("async")), 1)

    def test_latency_against_offered_rate_is_of_the_steady_scenario_that_is_chosen(self):
        note = self.find("[data-plot=offered] .note")
        self.assertIn("of steady-cursors, at the one rate that was measured: 20 messages/s", note[0].text)
        self.choose("scenario", "steady-no-cursors")
        self.assertIn("of steady-no-cursors", self.find("[data-plot=offered] .note")[0].text)

    def test_runs_of_one_machine_and_commit_are_one_line_until_opened(self):
        sample.write(self.folder / "second", scenarios=["hold"], entries=["async"], started="2001-01-01T00:00:00Z")
        sample.write(self.folder / "first", scenarios=["churn"], entries=["async"])
        page = self.folder / "runs.html"
        self.assertEqual(page_browser.report(self.folder / "first", self.folder / "second", "--out", page).returncode, 0)
        self.driver.get(page.as_uri())
        visible = ("return [...document.querySelectorAll('#runs summary')]"
                   ".filter((summary) => summary.checkVisibility()).map((summary) => summary.textContent)")
        shown = self.driver.execute_script(visible)
        self.assertEqual(len(shown), 1)
        self.assertRegex(shown[0], "^2 runs from 2000-01-01T00:00:00Z on: 2 cores")
        self.find("#runs summary")[0].click()
        self.assertEqual(len(self.driver.execute_script(visible)), 3)

    def changed(self, folder, name, change, **options):
        """A run of which the repeats of one file are changed, shown."""
        run = self.folder / folder
        content = sample.write(run, **options)[name]
        for repeat in content["repeats"]:
            change(repeat)
        (run / name).write_text(json.dumps(content))
        self.show(run)

    def test_a_students_server_stands_beside_the_five_with_a_colour_and_a_mark_of_its_own(self):
        others = ["prefork", "threaded", "async", "continuations-redispatch", "fibers", "floor", "node", "twisted", "nchan"]
        shown = {}
        for students in ([], ["mine", "theirs"]):
            run = self.folder / f"{len(students)}-students"
            sample.write(run, scenarios=["broadcast", "hold"], entries=[*others, *students])
            self.show(run)
            before, shown = shown, {name: (colour, mark) for name, colour, mark in self.datasets(
                "memory-user", "[set.label, set.borderColor, set.pointStyle]")}
        self.assertEqual({shown[name][1] for name in ("mine", "theirs")}, {"triangle"})
        self.assertEqual(len({colour for colour, _ in shown.values()}), len(shown))
        self.assertEqual([shown[name] for name in others], [before[name] for name in others])
        self.assertIn("mine", self.column("entry"))
        self.chip("students").click()
        self.assertNotIn("mine", self.column("entry"))

    def test_a_run_in_which_all_went_well_says_so(self):
        self.changed("well", "broadcast-async-100.json", lambda repeat: None, scenarios=["broadcast"], entries=["async"])
        self.assertIn("Every repeat that was begun is complete", self.find("#problems")[0].text)

    def test_duplicates_errors_and_kills_of_complete_repeats_are_told(self):
        def go_wrong(repeat):
            repeat["deliveries"].update(duplicate=2, wrong=1)
            repeat["errors"] = {"reset": 3}
            repeat["server"]["had_to_be_killed"] = repeat["repeat"] == 2
        self.changed("wrong", "broadcast-async-4000.json", go_wrong, scenarios=["broadcast"], entries=["async", "floor"])
        self.assertIn("0 / 10 / 5", self.row("async"))
        told = self.find("#problems")[0].text
        for words in ("5 of 5 duplicate deliveries 10 in all", "5 of 5 wrong deliveries -", "5 of 5 error: reset 15 in all",
                      "1 of 5 did not end within 10 s of SIGTERM and was killed"):
            self.assertIn(words, told)
        self.assertNotIn("Every repeat", told)

    def test_a_latency_that_may_be_the_load_generators_is_marked(self):
        def lag(repeat):
            repeat["generator"]["lag_p99_us"] = 0.11 * repeat["latency"]["p99_us"]
        self.changed("lag", "broadcast-async-4000.json", lag, scenarios=["broadcast"], entries=["async", "floor"])
        self.assertEqual([cell.count("†") for cell in (self.row("async"), self.row("floor"))], [3, 0])
        self.assertIn("client lag", self.find("#comparison thead")[0].text.replace("\n", " "))

    def test_columns_follow_the_kind_of_scenario(self):
        for scenario, has, has_not in (
                ("broadcast", {"x floor"}, {"offered", "others p99"}), ("steady-cursors", {"offered"}, {"x floor"}),
                ("blocking-pool-60-percent", {"others p50", "others p99", "others max"}, {"x floor", "deliveries"}),
                ("churn", {"arrivals", "after"}, {"p99", "deliveries"}), ("hold", {"holds"}, {"p99", "x floor"})):
            self.choose("scenario", scenario)
            heads = {button.text.replace("\n", " ").removesuffix(" ▲") for button in self.find("#comparison thead button")}
            self.assertLessEqual(has, heads, scenario)
            self.assertFalse(has_not & heads, scenario)

    def test_several_rates_are_a_choice_and_lines_over_held_times_rate(self):
        self.assertFalse(self.find("#rate")[0].is_displayed())
        runs = {rate: self.folder / f"rate-{rate}" for rate in (20, 100, 400)}
        for rate, run in runs.items():
            sample.write(run, scenarios=["steady-cursors"], entries=["async", "fibers"], rate=rate)
        self.show(*runs.values())
        self.choose("held", "500")
        self.choose("rate", "20")
        slow = self.column("p99")
        self.choose("rate", "400")
        self.assertNotEqual(self.column("p99"), slow)
        self.assertEqual(self.datasets("offered", "set.data.map(({x}) => x)"), [[10_000, 50_000, 200_000]] * 2)
        self.assertIn("longer than the 2.5 ms to the next message", self.datasets("offered", "set.data[2].text")[0])

    def test_the_ceiling_of_the_machine_is_drawn_near_the_points_and_told_far_from_them(self):
        limit = ("return Chart.getChart(document.querySelector('[data-plot=memory-user] canvas'))"
                 ".config.options.plugins.ceilings.limit?.text")
        self.assertEqual(self.driver.execute_script(limit), "open files here: 19,936 held")
        run = self.folder / "far"
        for name, content in sample.write(run, scenarios=["hold"], entries=["async"]).items():
            machine = {**content["run"]["machine"], "open_files_limit": 1_000_000}
            (run / name).write_text(json.dumps({**content, "run": {**content["run"], "machine": machine}}))
        self.show(run)
        self.assertIsNone(self.driver.execute_script(limit))
        self.assertIn("open files here: 999,936 held", self.find("[data-plot=memory-user] .note")[0].text)

    def test_a_latency_curve_tells_its_samples_and_what_was_sent_again(self):
        def drop(repeat):
            repeat["kernel_network"] = {"segments_retransmitted": 7, "packets_dropped": 1}
        self.changed("again", "broadcast-async-4000.json", drop, scenarios=["broadcast"], entries=["async"])
        self.assertIn("160,000 deliveries a repeat", self.datasets("curve", "set.data[0].text")[0])
        self.assertIn("async 35", self.find("[data-plot=curve] .note")[0].text)

    def test_figures_below_a_ceiling_are_in_the_table(self):
        self.choose("scenario", "hold")
        self.assertRegex(self.row("prefork").replace("\n", " "), r"^prefork 80,000 ")
        self.assertIn("ceiling: 8,000 held", self.row("prefork"))

    def test_memory_of_a_failed_churn_is_drawn_dotted_and_named(self):
        def fail(repeat):
            repeat.update(status="failed", note="1,000 are still held after all have left")
        self.changed("churn", "churn-node-2000.json", fail, scenarios=["churn"], entries=["async", "node"])
        self.assertEqual(self.datasets("churn", "set.borderDash"), [[], [2, 6]])
        self.assertIn("node", self.find("[data-plot=churn] .note")[0].text)

    def test_the_budget_adds_up_and_names_what_it_leaves_out(self):
        bars = self.datasets("budget", "[set.label, set.data.map(({x, y}) => [y, x])]")
        parts = {label: dict(marks) for label, marks in bars}
        whole = {name: float(cpu) for name, cpu in zip(self.column("entry"), self.column("CPU"))}
        self.assertEqual(set(parts["http"]), {"async", "continuations-direct", "fibers", "prefork", "threaded"})
        for name in parts["http"]:
            self.assertAlmostEqual(sum(of[name] for of in parts.values()), whole[name], delta=whole[name] / 100)
        self.assertEqual(list(parts)[:3], ["http", "loop", "wake"])
        self.assertAlmostEqual(parts["wake"]["fibers"], 0.9)
        self.assertAlmostEqual(parts["as much as the floor's CPU"]["threaded"], whole["floor"], delta=0.1)
        note = self.find("[data-plot=budget] .note")[0].text
        for words in ("continuations-stackful (wake/continuation/stackful is not in microbench.json)",
                      "fibers-hibernate (no fiber waits there"):
            self.assertIn(words, note)

    def test_each_mechanism_has_its_row_with_where_and_when(self):
        told = self.find("#mechanisms")[0].text
        self.assertIn("fibers a fiber at rest - - 4,160\n4,156 .. 4,162\n696\n696 .. 696", told)
        place = self.find("#mechanisms-place")[0]
        self.assertEqual(place.text, "Measured 2000-01-01 01:00 UTC on 2 cores of 2,600 MHz.")
        elsewhere = self.folder / "elsewhere.json"
        elsewhere.write_text(json.dumps({**page_browser.MICROBENCH, "context": {"date": "2000-01-03T01:00:00+00:00",
                                                                                "num_cpus": 8, "mhz_per_cpu": 2600}}))
        self.show(self.folder / "run", microbench=elsewhere)
        self.assertIn("on another machine and on another day than the run above", self.find("#mechanisms-place")[0].text)

    def test_many_nodes_have_a_table_by_parts_with_spread_repeats_and_what_failed(self):
        rows = [row.text.replace("\n", " ") for row in self.find("#nodes tr")]
        self.assertEqual(rows, [
            "what median smallest largest unit repeats", "Latency at 100 messages a second",
            "without a bus; half are faster 0.2 0.1 0.3 ms 3",
            "through the bus; half are faster failed: 2 lost, 0 repeated, 0 wrong 0.5 0.5 0.5 ms 1",
            "Memory", "server-sent events: program failed: <b>no</b> memory - - - bytes 0"])
        self.assertIn("Measured 2000-01-01 02:00 UTC on 2 cores of made-up figures of a test.", self.find("#nodes-place")[0].text)

    def test_without_a_bench_of_many_nodes_the_page_says_how_to_make_one(self):
        self.show(self.folder / "run")
        self.assertIn("No data: make nodes-bench", self.find("#nodes")[0].text)

    def test_a_file_that_is_no_bench_of_many_nodes_is_refused_by_one_line(self):
        (self.folder / "other.json").write_text("{}")
        refused = page_browser.report(self.folder / "run", "--nodes", self.folder / "other.json")
        self.assertNotEqual(refused.returncode, 0)
        self.assertEqual(refused.stderr, "comet-loadgen: the file of --nodes is not one that nodes/bench writes\n")


unittest.main(argv=sys.argv[:1])
