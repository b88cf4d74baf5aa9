"""The results page in a headless browser: what its tests share. Arguments of a test: LOADGEN ROOT."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

import sample

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent))
from browser import browser, drain_logs

LOADGEN, ROOT = sys.argv[1:3]
MICROBENCH = {"context": {"date": "2000-01-01T01:00:00+00:00", "num_cpus": 2, "mhz_per_cpu": 2600}, "benchmarks": [
    {"name": name, "run_type": "iteration", "cpu_time": 300, "real_time": 310, "time_unit": "ns"}
    for name in ("parse/poll", "log/read", "http/cold/waiting:4000/real_time", "loop/cold/waiting:4000/real_time",
                 "waits/process/waiting:4000/real_time", "waits/thread/waiting:4000/real_time",
                 "wake/continuation/direct", "wake/fiber/own_thread")] + [
    {"name": "memory/fiber/iterations:1", "run_type": "iteration", "cpu_time": 1e6, "real_time": 1e6, "time_unit": "ns",
     "user_bytes": user, "kernel_bytes": 696} for user in (4156, 4160, 4162)]}


NODES = {"run": {"started_at": "2000-01-01T02:00:00Z", "commit": "0" * 40, "command_line": ["bench.py"],
                 "machine": sample.MACHINE},
         "figures": [
    {"name": "local/100/p50", "part": "Latency at 100 messages a second", "what": "without a bus; half are faster", "unit": "ms",
     "values": [0.3, 0.1, 0.2], "notes": []},
    {"name": "bus/100/p50", "part": "Latency at 100 messages a second", "what": "through the bus; half are faster", "unit": "ms",
     "values": [0.5], "notes": ["failed: 2 lost, 0 repeated, 0 wrong"]},
    {"name": "held/sse/app", "part": "Memory", "what": "server-sent events: program", "unit": "bytes", "values": [],
     "notes": ["failed: <b>no</b> memory"]}]}


def report(*arguments):
    return subprocess.run([LOADGEN, "report", "--root", ROOT, *map(str, arguments)], capture_output=True, text=True)


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        sample.write(cls.folder / "run")
        (cls.folder / "microbench.json").write_text(json.dumps(MICROBENCH))
        (cls.folder / "nodes.json").write_text(json.dumps(NODES))
        cls.page = cls.folder / "index.html"
        done = report(cls.folder / "run", "--out", cls.page, "--microbench", cls.folder / "microbench.json", "--nodes",
                      cls.folder / "nodes.json")
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        cls.driver = browser()
        cls.addClassCleanup(cls.driver.quit)

    def setUp(self):
        drain_logs(self.driver)
        self.driver.get(self.page.as_uri())

    def tearDown(self):
        console, requests = drain_logs(self.driver)
        # Chromium's own advice about getImageData, which only these tests call, has the source "rendering".
        self.assertEqual([line for line in console if line["source"] != "rendering"], [])
        self.assertEqual(requests, [])

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

    def choose(self, select, text):
        Select(self.find(f"#{select}")[0]).select_by_visible_text(text)

    def show(self, *runs, microbench="none.json", nodes="none.json"):
        """The page of other runs than the class's own."""
        page = self.folder / f"{runs[0].name}.html"
        done = report(*runs, "--out", page, "--microbench", self.folder / microbench, "--nodes", self.folder / nodes)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.driver.get(page.as_uri())

    def datasets(self, plot, of):
        return self.driver.execute_script(
            f"return Chart.getChart(document.querySelector('[data-plot={plot}] canvas')).data.datasets.map((set) => {of})")

    def row(self, entry):
        return next(row.text for row in self.find("#comparison tbody tr")
                    if row.find_element(By.TAG_NAME, "td").text == entry)
