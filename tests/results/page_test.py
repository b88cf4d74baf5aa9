"""The results page in a headless browser: it draws, toggles, sorts, fits, and asks nobody for anything."""
import json
import sys
import unittest

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

import page_browser
import sample

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

# Of every mark at either end of a data set: what its tooltip takes more than the canvas has.
TOO_WIDE = """
const chart = Chart.getChart(arguments[0].querySelector('canvas'));
const ends = chart.data.datasets.flatMap(({data}, datasetIndex) =>
    [0, data.length - 1].filter((index) => data[index]).map((index) => ({datasetIndex, index})));
return ends.filter((end) => {
  const {x, y} = chart.getDatasetMeta(end.datasetIndex).data[end.index];
  chart.tooltip.setActiveElements([end], {x, y});
  chart.render();
  return chart.tooltip.width > chart.width;
}).length;
"""


class Drawn(page_browser.Page):
    def assert_every_plot_is_drawn(self):
        plots = self.find("[data-plot]")
        self.assertEqual(len(plots), 13)
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
        self.choose("held", "15,000")
        self.heading("CPU").click()

        def cpu():
            cells = self.column("CPU")
            self.assertEqual(cells[-2:], ["-", "-"])  # prefork met its ceiling, twisted failed
            return [float(cell) for cell in cells[:-2]]
        self.assertEqual(cpu(), sorted(cpu()))
        self.heading("CPU").click()
        self.assertEqual(cpu(), sorted(cpu(), reverse=True))
        self.assertEqual(len(self.find("#comparison th[aria-sort=descending]")), 1)

    def test_a_plot_without_data_says_so(self):
        sample.write(self.folder / "hold-only", scenarios=["hold"])
        self.show(self.folder / "hold-only")
        empty = {plot.get_attribute("data-plot") for plot in self.find("[data-plot]:has(.empty)")}
        self.assertEqual(empty, {"churn", "offered", "loss", "blocking", "calls", "growth", "budget"})
        self.assertIn("No data: this run has no churn scenario.", [note.text for note in self.find(".empty")])

    def test_a_ceiling_is_drawn_even_where_no_memory_was_read(self):
        run = self.folder / "ceiling"
        files = sample.write(run, scenarios=["hold"], entries=["prefork", "floor"])
        for repeat in files["hold-prefork-15000.json"]["repeats"]:
            repeat.update(held=20_000, points=[])  # beyond the last point of the floor
        (run / "hold-prefork-15000.json").write_text(json.dumps(files["hold-prefork-15000.json"]))
        self.show(run)
        for plot in ("memory-user", "memory-kernel"):
            self.assertTrue(self.driver.execute_script(CEILING_DRAWN, plot, "prefork"), plot)

    def test_on_a_phone_tooltips_fit_and_lines_have_a_legend(self):
        self.emulate(width=390)
        for plot in self.find("[data-plot]"):
            self.assertEqual(self.driver.execute_script(TOO_WIDE, plot), 0, plot.get_attribute("data-plot"))
        legend = self.find("[data-plot=memory-user] .legend")[0]
        self.assertTrue(legend.is_displayed())
        named = legend.find_elements(By.CSS_SELECTOR, ":scope > span")
        self.assertEqual(len(named), len(sample.ENTRIES) - 1)  # twisted failed

    def test_pointing_at_any_part_of_a_budget_tells_the_whole_row(self):
        canvas = self.find("[data-plot=budget] canvas")[0]
        ActionChains(self.driver).scroll_to_element(canvas).move_to_element(canvas).perform()
        told = "return Chart.getChart(arguments[0]).tooltip.body?.flatMap(({lines}) => lines) ?? []"
        WebDriverWait(self.driver, 60).until(lambda driver: len(driver.execute_script(told, canvas)) >= 3)
        self.assertIn("http/cold/waiting:4000: 0.3 µs", self.driver.execute_script(told, canvas))

    def test_two_sets_of_marks_on_a_row_lie_apart(self):
        places = self.driver.execute_script(
            "const chart = Chart.getChart(document.querySelector('[data-plot=skew] canvas'));"
            "return [0, 1].map((set) => chart.getDatasetMeta(set).data[0].y)")
        self.assertGreater(abs(places[0] - places[1]), 4)


unittest.main(argv=sys.argv[:1])
