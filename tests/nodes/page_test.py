"""The chat page in a browser, behind HAProxy with nodes and gateways: what two tabs see by each transport, and what
they see when a node or a gateway is killed. And Faye's own browser script."""
import pathlib
import sys
import tempfile
import unittest

import cluster
import gateway
from bayeux_test import CLIENTS
from cluster import Haproxy, Nginx, Redis, Relay, ask, wait_until
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent))
from browser import browser, drain_logs  # noqa: E402

PROGRAMS = pathlib.Path(sys.argv[1])
TRANSPORTS = ("poll", "events", "socket", "bayeux")


class PageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.redis = cls.begin(Redis(pathlib.Path(folder.name)))
        cls.relays = [cls.begin(Relay(PROGRAMS, cls.redis, pattern)) for pattern in ("async", "fibers")]
        cls.gateways = [cls.begin(gateway.Gateway(PROGRAMS, cls.redis, heartbeat="0.5")) for _ in range(2)]
        cls.nginx = cls.begin(Nginx(pathlib.Path(folder.name)))
        cls.haproxy = cls.begin(Haproxy(cls.relays, cls.gateways, cls.nginx))
        cls.driver = browser()
        cls.addClassCleanup(cls.driver.quit)

    @classmethod
    def begin(cls, program):
        cls.addClassCleanup(program.kill)
        program.start()
        return program

    def setUp(self) -> None:
        """A room and names of this test's own."""
        self.room = self.id().rsplit(".", 1)[1][-30:]
        self.number = 0

    def tearDown(self) -> None:
        self.close_tabs()

    def close_tabs(self) -> None:
        for window in self.driver.window_handles[1:]:
            self.driver.switch_to.window(window)
            self.driver.close()
        self.driver.switch_to.window(self.driver.window_handles[0])
        self.driver.get("about:blank")

    def join(self, transport: str = "poll", room: str | None = None) -> tuple[str, str]:
        """A new tab that is in the room: its window, and its user's name."""
        self.driver.switch_to.new_window("tab")
        self.driver.get(f"http://127.0.0.1:{self.haproxy.port}/")
        self.number += 1
        name = f"u{self.number}-{self.room}"[:32]
        self.element("name").send_keys(name)
        self.element("room").clear()
        self.element("room").send_keys(room or self.room)
        self.pick(transport)
        self.element("name").send_keys(Keys.ENTER)
        wait_until(lambda: self.element("state").text == "open", f"{transport} is open")
        return self.driver.current_window_handle, name

    def element(self, name: str):
        return self.driver.find_element(By.ID, name)

    def pick(self, transport: str) -> None:
        Select(self.element("transport")).select_by_value(transport)

    def messages(self, window: str | None = None) -> list[str]:
        """All that is shown, without notes."""
        if window:
            self.driver.switch_to.window(window)
        return self.driver.execute_script(
            "return [...document.querySelectorAll('#messages li:not(.note)')].map(item => item.textContent)")

    def send(self, text: str) -> None:
        self.element("text").send_keys(text, Keys.ENTER)
        wait_until(lambda: self.element("text").get_property("value") == "", "it is sent")

    def publish(self, text: str) -> None:
        def is_taken() -> bool:
            return ask(self.haproxy.port, f"/publish?channel=room.{self.room}", text).status == 200
        wait_until(is_taken, "it is published")

    def wait_for(self, expected: list[str], window: str | None = None) -> None:
        wait_until(lambda: len(self.messages(window)) >= len(expected), f"{expected}, but {self.messages(window)}")
        self.assertEqual(self.messages(window), expected)


class Rooms(PageTest):
    def test_two_tabs_of_one_browser_get_every_message_by_each_transport(self) -> None:
        for transport in TRANSPORTS:
            with self.subTest(transport):
                room = f"two-{transport}"
                (first, ann), (second, bob) = self.join(transport, room), self.join(transport, room)
                expected = []
                for i in range(3):
                    for window, name in ((first, ann), (second, bob)):
                        self.driver.switch_to.window(window)
                        self.send(f"message {i}")
                        expected.append(f"{name}: message {i}")
                        self.wait_for(expected, first)
                        self.wait_for(expected, second)
                self.assertRegex(self.element("cursor").text, r"^\d+-\d+$")
                self.assertRegex(self.element("latency").text, r"^\d+ ms$")
                self.assertRegex(self.element("node").text, r"^(node\d|[0-9a-f]{12})$")
            self.close_tabs()  # a browser has six connections to one host: with more held, nothing could be sent

    def test_another_transport_goes_on_behind_the_last_message(self) -> None:
        self.publish("before")
        self.join("poll")
        expected = ["before"]
        for transport in (*TRANSPORTS, *reversed(TRANSPORTS)):
            self.pick(transport)
            self.publish(transport)
            expected.append(transport)
            self.wait_for(expected)

    def test_text_is_text(self) -> None:
        _, name = self.join()
        markup = "<img src=x onerror=alert(1)><b id=bold>bold</b>"
        self.send(markup)
        self.publish(markup)
        self.wait_for([f"{name}: {markup}", markup])
        self.assertEqual(self.driver.find_elements(By.ID, "bold"), [])

    def test_users_write_to_each_other(self) -> None:
        (first, ann), (second, bob) = self.join(), self.join()
        for name in (ann, bob):
            wait_until(lambda: self.driver.find_elements(By.CSS_SELECTOR, f"[aria-label='Write to {name}']"), name)
        self.driver.find_element(By.CSS_SELECTOR, f"[aria-label='Write to {ann}']").click()
        self.send("psst")
        self.wait_for([f"you to {ann}: psst"], second)
        self.wait_for([f"{bob} to you: psst"], first)
        self.driver.switch_to.window(second)
        self.driver.execute_script("document.getElementById('to').append(new Option('nobody', 'nobody', true, true))")
        self.send("psst")
        wait_until(lambda: self.element("error").text == "user 'nobody' not found", "the error is told")

    def test_a_keyboard_is_enough(self) -> None:
        self.driver.switch_to.new_window("tab")
        self.driver.get(f"http://127.0.0.1:{self.haproxy.port}/")
        seen = []
        for _ in range(5):
            self.driver.switch_to.active_element.send_keys(Keys.TAB)
            seen.append(self.driver.switch_to.active_element.get_attribute("id") or "button")
        self.assertEqual(seen[:4], ["name", "room", "transport", "button"])
        unnamed = self.driver.execute_script(
            "return [...document.querySelectorAll('input, select')].filter(e => e.labels.length == 0).map(e => e.id)")
        self.assertEqual(unnamed, [])
        self.join()
        wait_until(lambda: self.driver.switch_to.active_element.get_attribute("id") == "text", "the message is next")

    def test_a_phone_is_wide_enough(self) -> None:
        self.join()
        self.publish("x" * 300)
        self.wait_for(["x" * 300])
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                    {"width": 360, "height": 640, "deviceScaleFactor": 1, "mobile": True})
        width = self.driver.execute_script("return document.documentElement.scrollWidth")
        self.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        self.assertLessEqual(width, 360)

    def test_nothing_is_asked_of_other_sites(self) -> None:
        self.join()
        _, asked = drain_logs(self.driver)
        self.assertEqual([url for url in asked if "//127.0.0.1:" not in url], [])


class Failures(PageTest):
    def check(self, transport: str, victims: list) -> None:
        """Each of them is killed and started anew in turn, while the page reads."""
        self.join(transport)
        expected = []
        for victim in victims:
            for after in (victim.kill, victim.start, lambda: None):
                for _ in range(3):
                    expected.append(f"message {len(expected)}")
                    self.publish(expected[-1])
                after()
            self.wait_for(expected)

    def test_a_killed_node_costs_no_message(self) -> None:
        self.check("poll", self.relays)

    def test_a_killed_gateway_costs_no_message_by_server_sent_events(self) -> None:
        self.check("events", self.gateways)

    def test_a_killed_gateway_costs_no_message_by_websocket(self) -> None:
        self.check("socket", self.gateways)

    def test_a_killed_gateway_costs_no_message_by_bayeux(self) -> None:
        self.check("bayeux", self.gateways)

    def test_a_killed_redis_costs_no_message(self) -> None:
        self.join("socket")
        self.publish("before")
        self.redis.kill()
        self.redis.start()
        self.publish("after")
        self.wait_for(["before", "after"])


@unittest.skipUnless((CLIENTS / "node_modules").is_dir(), "scripts/deps bayeux installs Faye's script")
class FayeInABrowser(unittest.TestCase):
    def test_the_article_s_snippet_runs_with_faye_s_own_script(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        redis = Redis(pathlib.Path(folder.name))
        self.addCleanup(redis.kill)
        redis.start()
        served = gateway.Gateway(PROGRAMS, redis)
        self.addCleanup(served.kill)
        served.start()
        driver = browser()
        self.addCleanup(driver.quit)
        site = f"http://127.0.0.1:{served.port}"
        driver.get(f"{site}/healthz")  # a page of the same site
        snippet = f"""
            var got = [];
            var client = new Faye.Client('{site}/live');
            var subscription = client.subscribe('/messages', function(message) {{ got.push(message); }});"""
        for script in ((CLIENTS / "node_modules/faye/client/faye-browser-min.js").read_text(), snippet):
            driver.execute_script("""const element = document.createElement('script');
                element.textContent = arguments[0];
                document.head.append(element);""", script)

        def is_reached() -> bool:
            driver.execute_script("client.publish('/messages', {text: 'Hello world'})")
            return len(driver.execute_script("return got")) > 0
        wait_until(is_reached, "the subscription holds")
        self.assertEqual(driver.execute_script("return got")[0], {"text": "Hello world"})


if __name__ == "__main__":
    cluster.skip_without("redis-server", "haproxy", "nginx", "chromedriver")
    unittest.main(argv=sys.argv[:1] + sys.argv[2:], verbosity=2)
