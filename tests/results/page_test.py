"""The results page in a headless browser: it draws, toggles, sorts, fits, and asks nobody for anything."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

import sample

LOADGEN, ROOT = sys.argv[1:3]
MICROBENCH = {"context": {}, "benchmarks": [
    {"name": name, "run_type": "iteration", "cpu_time": 300, "time_unit": "ns"}
    for name in ("parse/subscribe", "log/read", "log/read_shared", "encode/response/shared",
                 "wake/process/waiting:64/one_core:0/real_time", "wake/thread/waiting:64/one_core:0/real_time",
                 "wake/continuation/direct", "wake/fiber/own_thread")]}
# Of every data set's first mark: whether something is drawn there.
DRAWN = """
const chart = Chart.getChart(arguments[0].querySelector('canvas'));
const {ctx, data, currentDevicePixelRatio: ratio} = chart;
const drawn = ({x, y}) => ctx.getImageData(Math.round(x * ratio) - 3, Math.round(y * ratio) - 1, 7, 3).data
    .some((part, i) => i % 4 === 3 && part > 0);
return data.datasets.map((dataset, i) => chart.getDatasetMeta(i).data[0]).filter((mark) => mark).map(drawn);
"""

# Of an entry's ceiling: whether its upright is there, in its colour.
CEILING_DRAWN = """
const chart = Chart.getChart(document.querySelector(`[data-plot=${arguments[0]}] canvas`));
const {ctx, data, scales, chartArea: {top, right}, currentDevicePixelRatio: ratio} = chart;
const {ceiling, borderColor} = data.datasets.find(({label}) => label === arguments[1]);
const x = scales.x.getPixelForValue(ceiling);
const colour = borderColor.match(/[0-9a-f]{2}/g).map((part) => parseInt(part, 16));
const seen = ctx.getImageData(Math.round(x * ratio) - 1, top * ratio, 3, 40 * ratio).data;
return x <= right && seen.some((_, i) => i % 4 === 0 && colour.every((part, k) => Math.abs(seen[i + k] - part) < 24));
"""


def report(*arguments):
    return subprocess.run([LOADGEN, "report", "--root", ROOT, *map(str, arguments)], capture_output=True, text=True)


def browser():
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
                     "--disable-background-networking", "--disable-component-update", "--window-size=1280,900"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        sample.write(cls.folder / "run")
        (cls.folder / "microbench.json").write_text(json.dumps(MICROBENCH))
        cls.page = cls.folder / "index.html"
        done = report(cls.folder / "run", "--out", cls.page, "--microbench", cls.folder / "microbench.json")
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        cls.driver = browser()
        cls.addClassCleanup(cls.driver.quit)

    def setUp(self):
        self.drain_logs()
        self.driver.get(self.page.as_uri())

    def tearDown(self):
        console, requests = self.drain_logs()
        # Chromium's own advice about getImageData, which only these tests call, has the source "rendering".
        self.assertEqual([line for line in console if line["source"] != "rendering"], [])
        self.assertEqual([url for url in requests if not url.startswith(("file:", "data:"))], [])

    def drain_logs(self):
        events = [json.loads(line["message"])["message"] for line in self.driver.get_log("performance")]
        return self.driver.get_log("browser"), [event["params"]["request"]["url"] for event in events
                                                if event["method"] == "Network.requestWillBeSent"]

    def find(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def chip(self, text):
        return next(button for button in self.find(".chips button") if button.text == text)

    def heading(self, text):
        return next(button for button in self.find("#comparison thead button") if button.text.startswith(text))

    def column(self, heading):
        headings = [button.text.split(" ")[0] for button in self.find("#comparison thead button")]
        return [cell.text.split("\n")[0]
                for cell in self.find(f"#comparison tbody td:nth-child({headings.index(heading) + 1})")]

    def emulate(self, scheme="light", width=None):
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia",
                                    {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
        self.addCleanup(self.driver.execute_cdp_cmd, "Emulation.setEmulatedMedia", {"features": []})
        if width:
            self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                        {"width": width, "height": 800, "deviceScaleFactor": 2, "mobile": True})
            self.addCleanup(self.driver.execute_cdp_cmd, "Emulation.clearDeviceMetricsOverride", {})
        self.driver.get(self.page.as_uri())

    def assert_every_plot_is_drawn(self):
        plots = self.find("[data-plot]")
        self.assertEqual(len(plots), 12)
        for plot in plots:
            drawn = self.driver.execute_script(DRAWN, plot)
            self.assertTrue(drawn and all(drawn), f"{plot.get_attribute('data-plot')}: {drawn}")

    def assert_nothing_overflows(self):
        wide, seen = self.driver.execute_script(
            "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        self.assertLessEqual(wide, seen)

    def test_every_plot_is_drawn(self):
        self.assertLess(self.page.stat().st_size, 2_000_000)
        self.assert_every_plot_is_drawn()
        self.assert_nothing_overflows()

    def test_every_plot_says_what_to_look_for_and_has_units(self):
        for plot in self.find("[data-plot]"):
            name = plot.get_attribute("data-plot")
            self.assertGreater(len(plot.find_element(By.CSS_SELECTOR, ".say").text), 80, name)
            titles = self.driver.execute_script(
                "return Object.values(Chart.getChart(arguments[0].querySelector('canvas')).options.scales)"
                ".filter((axis) => axis.type !== 'category').map((axis) => axis.title.text)", plot)
            for title in titles:
                self.assertRegex(title, r"\(.+\)|per delivery|held requests", name)

    def test_a_phone_in_dark_mode_shows_everything_without_overflow(self):
        self.emulate("dark", 390)
        self.assert_every_plot_is_drawn()
        self.assert_nothing_overflows()
        ground = self.driver.execute_script("return getComputedStyle(document.body).backgroundColor")
        self.assertLess(max(map(int, ground[4:-1].split(","))), 64)

    def test_dark_mode_that_comes_later_changes_the_plots(self):
        axis = "return Chart.getChart(document.querySelector('canvas')).options.scales.x.grid.color"
        light = self.driver.execute_script(axis)
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia",
                                    {"features": [{"name": "prefers-color-scheme", "value": "dark"}]})
        self.addCleanup(self.driver.execute_cdp_cmd, "Emulation.setEmulatedMedia", {"features": []})
        WebDriverWait(self.driver, 60).until(lambda driver: driver.execute_script(axis) != light)

    def test_an_entry_and_a_group_can_be_hidden_and_shown(self):
        labels = ("return Chart.getChart(document.querySelector('[data-plot=memory-user] canvas'))"
                  ".data.datasets.map((dataset) => dataset.label)")
        everything = set(sample.ENTRIES)
        self.assertEqual(set(self.column("entry")), everything)
        self.chip("async").click()
        self.assertEqual(set(self.column("entry")), everything - {"async"})
        self.assertEqual(set(self.driver.execute_script(labels)), everything - {"async"})
        self.chip("peers").click()
        self.assertEqual(set(self.column("entry")), everything - {"async", "node", "twisted", "nchan"})
        self.chip("peers").click()
        self.chip("async").click()
        self.assertEqual(set(self.column("entry")), everything)

    def test_the_table_sorts_both_ways_and_puts_what_is_missing_last(self):
        Select(self.find("#held")[0]).select_by_visible_text("15,000")
        self.heading("CPU").click()

        def cpu():
            cells = self.column("CPU")
            self.assertEqual(cells[-2:], ["-", "-"])  # prefork met its ceiling, twisted failed
            return [float(cell) for cell in cells[:-2]]
        self.assertEqual(cpu(), sorted(cpu()))
        self.heading("CPU").click()
        self.assertEqual(cpu(), sorted(cpu(), reverse=True))
        self.assertEqual(len(self.find("#comparison th[aria-sort=descending]")), 1)

    def test_what_did_not_complete_is_told(self):
        told = self.find("#problems")[0].text
        for words in ("holds 8,000 of 15,000: processes_limit", "stopped delivering"):
            self.assertIn(words, told)
        self.assertEqual([line.text for line in self.find("#skipped li")],
                         ["Skipped in channels: does not keep: channels: nchan"])
        Select(self.find("#held")[0]).select_by_visible_text("15,000")
        row = next(row.text for row in self.find("#comparison tbody tr") if row.text.startswith("prefork"))
        self.assertIn("0 of 5", row)
        self.assertIn("ceiling", row)

    def test_the_facts_of_the_run_are_told(self):
        self.find("details summary")[0].click()
        told = self.find("details")[0].text
        for words in ("made-up figures of a test", "Linux 0.0", "0" * 40, "comet-loadgen bench --seed 1", "somaxconn"):
            self.assertIn(words, told)

    def test_a_mark_tells_its_figure_and_interval(self):
        text = self.driver.execute_script(
            "return Chart.getChart(document.querySelector('[data-plot=cpu] canvas')).data.datasets[0].data[0].text")
        self.assertRegex(text, r"^\S+: [\d.,]+ µs \([\d.,]+ \.\. [\d.,]+\), 5 repeats$")

    def test_a_ratio_to_the_floor_says_where_the_intervals_overlap(self):
        run = self.folder / "overlap"
        files = sample.write(run, scenarios=["broadcast"], entries=["async", "threaded", "floor"])
        for number, repeat in enumerate(files["broadcast-async-4000.json"]["repeats"]):
            repeat["deliveries"]["per_second"] = 94000 + 4000 * number  # the floor's are 0.96 to 1.04 of 94,000
        (run / "broadcast-async-4000.json").write_text(json.dumps(files["broadcast-async-4000.json"]))
        page = self.folder / "overlap.html"
        self.assertEqual(report(run, "--out", page, "--microbench", self.folder / "none.json").returncode, 0)
        self.driver.get(page.as_uri())
        ratios = dict(zip(self.column("entry"), [cell.text for cell in self.find("#comparison tbody td:nth-child(4)")]))
        self.assertEqual({entry for entry, text in ratios.items() if "overlaps" in text}, {"async"})

    def test_latency_against_offered_rate_is_of_the_steady_scenario_that_is_chosen(self):
        first = ("return Chart.getChart(document.querySelector('[data-plot=offered] canvas'))"
                 ".data.datasets.map((dataset) => dataset.data[0].text)")
        with_cursors = self.driver.execute_script(first)
        Select(self.find("#scenario")[0]).select_by_visible_text("steady-cursors")
        self.assertEqual(self.driver.execute_script(first), with_cursors)
        Select(self.find("#scenario")[0]).select_by_visible_text("steady-no-cursors")
        self.assertNotEqual(self.driver.execute_script(first), with_cursors)

    def test_runs_of_one_machine_and_commit_are_one_line_until_opened(self):
        sample.write(self.folder / "second", scenarios=["hold"], entries=["async"], started="2001-01-01T00:00:00Z")
        sample.write(self.folder / "first", scenarios=["churn"], entries=["async"])
        page = self.folder / "runs.html"
        self.assertEqual(report(self.folder / "first", self.folder / "second", "--out", page).returncode, 0)
        self.driver.get(page.as_uri())
        visible = ("return [...document.querySelectorAll('#runs summary')]"
                   ".filter((summary) => summary.checkVisibility()).map((summary) => summary.textContent)")
        shown = self.driver.execute_script(visible)
        self.assertEqual(len(shown), 1)
        self.assertRegex(shown[0], "^2 runs from 2000-01-01T00:00:00Z on: 2 cores")
        self.find("#runs summary")[0].click()
        self.assertEqual(len(self.driver.execute_script(visible)), 3)

    def test_a_plot_without_data_says_so(self):
        sample.write(self.folder / "hold-only", scenarios=["hold"])
        page = self.folder / "hold-only.html"
        done = report(self.folder / "hold-only", "--out", page, "--microbench", self.folder / "none.json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.driver.get(page.as_uri())
        empty = {plot.get_attribute("data-plot") for plot in self.find("[data-plot]:has(.empty)")}
        self.assertEqual(empty, {"churn", "curve", "offered", "skew", "loss", "blocking", "cpu", "switches", "calls",
                                 "budget"})
        self.assertIn("No data: this run has no churn scenario.", [note.text for note in self.find(".empty")])

    def test_a_ceiling_is_drawn_even_where_no_memory_was_read(self):
        run = self.folder / "ceiling"
        files = sample.write(run, scenarios=["hold"], entries=["prefork", "floor"])
        for repeat in files["hold-prefork-15000.json"]["repeats"]:
            repeat.update(held=20_000, points=[])  # beyond the last point of the floor
        (run / "hold-prefork-15000.json").write_text(json.dumps(files["hold-prefork-15000.json"]))
        page = self.folder / "ceiling.html"
        self.assertEqual(report(run, "--out", page, "--microbench", self.folder / "none.json").returncode, 0)
        self.driver.get(page.as_uri())
        for plot in ("memory-user", "memory-kernel"):
            self.assertTrue(self.driver.execute_script(CEILING_DRAWN, plot, "prefork"), plot)

    def test_a_scenario_is_shown_from_one_run_only(self):
        sample.write(self.folder / "later", scenarios=["hold"], entries=["async"], started="2001-01-01T00:00:00Z")
        done = report(self.folder / "run", self.folder / "later", "--out", self.folder / "mixed.html")
        self.assertEqual(done.returncode, 64)
        self.assertIn("scenario hold is in two runs", done.stderr)

    def test_results_with_faults_make_no_page(self):
        sample.write(self.folder / "broken", scenarios=["hold"], entries=["async"])
        (self.folder / "broken" / "hold-async-15000.json").write_text("{}")
        done = report(self.folder / "broken", "--out", self.folder / "broken.html")
        self.assertEqual(done.returncode, 1)
        self.assertIn("hold-async-15000.json", done.stderr)
        self.assertFalse((self.folder / "broken.html").exists())


unittest.main(argv=sys.argv[:1])
