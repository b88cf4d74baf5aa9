"""comet-gateway with a real Redis: its pages, server-sent events, and what a failure of Redis does to them."""
import json
import pathlib
import signal
import subprocess
import sys
import unittest

import cluster
from cluster import ask, status_of, wait_until
from gateway import EventStream, Gateway

PROGRAMS = pathlib.Path(sys.argv[1])


class GatewayTest(cluster.ProgramTest):
    def start(self, *options: str, heartbeat: str = "0.3") -> Gateway:
        return self.begin(Gateway(PROGRAMS, self.redis, *options, heartbeat=heartbeat))

    def events(self, gateway: Gateway, target: str = "/events", **headers: str) -> EventStream:
        stream = EventStream(gateway.port, target, {name.replace("_", "-"): value for name, value in headers.items()})
        self.addCleanup(stream.close)
        return stream

    def publish(self, gateway: Gateway, *messages: str, channel: str = "all") -> list[str]:
        """Their cursors."""
        answers = [gateway.publish(message, channel) for message in messages]
        self.assertEqual({answer.status for answer in answers}, {200}, answers)
        return [answer.cursor or "" for answer in answers]


class CommandLine(unittest.TestCase):
    def test_a_mistake_is_told_in_one_line(self) -> None:
        for words in (["--allow-origin", "chat.example"], ["--redis", "localhost"], ["--heartbeat", "0"]):
            run = subprocess.run([PROGRAMS / "comet-gateway", *words], capture_output=True, text=True, timeout=20)
            self.assertEqual((run.returncode, run.stdout, run.stderr.count("\n")), (64, "", 1), run.stderr)


class Pages(GatewayTest):
    def test_it_is_ready_when_it_has_read_the_stream_and_drains_on_sigterm(self) -> None:
        gateway = self.start()
        self.assertEqual(ask(gateway.port, "/healthz").body, "ok")
        self.assertEqual(gateway.stats()["pattern"], "gateway")
        stream = self.events(gateway)
        gateway.wait_until_held(1)
        self.assertEqual(gateway.stop(), 0)
        self.assertEqual((stream.next() or {})["event"], "welcome")
        self.assertIsNone(stream.next())

    def test_what_it_does_not_serve_is_told(self) -> None:
        gateway = self.start()
        self.assertIn("/events", ask(gateway.port, "/nothing").body)
        self.assertEqual(ask(gateway.port, "/subscribe").status, 421)
        self.assertEqual(ask(gateway.port, "/events?since=x").status, 400)
        self.assertEqual(ask(gateway.port, "/events?channel=a/b").status, 400)
        self.assertEqual(ask(gateway.port, "/events", "m").status, 405)

    def test_publishers_need_the_token_and_pages_of_other_sites_may_not_publish(self) -> None:
        (self.folder / "token").write_text("secret\n")
        gateway = self.start("--publish-token-file", str(self.folder / "token"), "--allow-origin", "http://a.example")
        self.assertEqual(gateway.publish("m").status, 401)
        self.assertEqual(ask(gateway.port, "/publish?token=secret", "m").status, 200)
        for headers, status in (({"Origin": "http://a.example"}, 200), ({"Origin": "http://b.example"}, 403),
                                ({"Sec-Fetch-Site": "cross-site"}, 403), ({"Host": "evil.example"}, 403)):
            with EventStream(gateway.port, "/publish?token=secret&message=m", headers) as answer:
                self.assertEqual(answer.response.status, status, headers)

    def test_cors_is_for_the_sites_of_the_list(self) -> None:
        gateway = self.start("--allow-origin", "http://a.example")
        for origin, allowed in (("http://a.example", "http://a.example"), ("http://b.example", None)):
            with EventStream(gateway.port, "/events", {"Origin": origin}) as stream:
                self.assertEqual(stream.response.headers["Access-Control-Allow-Origin"], allowed)


class Events(GatewayTest):
    def test_each_message_is_an_event_with_its_cursor(self) -> None:
        gateway = self.start()
        stream = self.events(gateway, "/events?channel=c")
        welcome = stream.next_message()
        self.assertEqual((welcome["event"], json.loads(welcome["data"])["node"]), ("welcome", gateway.stats()["node"]))
        cursors = self.publish(gateway, "one", "two\nlines", "", channel="c")
        self.publish(gateway, "elsewhere")
        got = [stream.next_message() for _ in range(3)]
        self.assertEqual([event["data"] for event in got], ["one", "two\nlines", ""])
        self.assertEqual([event["id"] for event in got], cursors)

    def test_line_ends_and_bytes_that_are_no_utf8_cannot_break_an_event(self) -> None:
        gateway = self.start()
        stream = self.events(gateway)
        stream.next_message()
        self.publish(gateway, "a\r\nevent: x\rid: 5\n\nb")
        self.assertEqual(stream.next_message()["data"], "a\nevent: x\nid: 5\n\nb")
        self.redis.command("PING")
        with EventStream(gateway.port, "/publish?message=%ff%e2%82%ac%ed%a0%80"):
            self.assertEqual(stream.next_message()["data"], "\ufffd\u20ac\ufffd\ufffd\ufffd")

    def test_a_client_goes_on_behind_its_last_event_on_any_gateway(self) -> None:
        first, second = self.start(), self.start()
        cursors = self.publish(first, "a", "b", "c")
        wait_until(lambda: second.stats()["channels"] == 1, "the other gateway has them")
        stream = self.events(second, Last_Event_ID=cursors[0])
        self.assertEqual(stream.next_message()["event"], "welcome")
        self.assertEqual([stream.next_message()["data"] for _ in range(2)], ["b", "c"])
        self.publish(first, "d")
        self.assertEqual(stream.next_message()["data"], "d")

    def test_a_cursor_that_is_ahead_passes_over_what_the_client_has(self) -> None:
        gateway = self.start()
        stream = self.events(gateway, Last_Event_ID="99999999999999-0")
        stream.next_message()
        self.publish(gateway, "seen already")
        self.assertIn("comment", stream.next() or {})

    def test_a_gap_is_told_once(self) -> None:
        gateway = self.start("--history", "2")
        self.publish(gateway, *"abcd")
        stream = self.events(gateway, Last_Event_ID="1-0")
        self.assertEqual([stream.next_message().get("event") for _ in range(4)], ["welcome", "missed", None, None])
        self.publish(gateway, "e")
        self.assertEqual(stream.next_message()["data"], "e")

    def test_a_silent_stream_has_a_comment_after_three_heartbeats(self) -> None:
        stream = self.events(self.start())
        stream.next_message()
        for _ in range(2):
            self.assertEqual(stream.next(), {"comment": ""})

    def test_a_client_that_leaves_is_released(self) -> None:
        gateway = self.start(heartbeat="60")
        stream = self.events(gateway)
        gateway.wait_until_held(1)
        stream.close()
        gateway.wait_until_held(0)

    def test_clients_beyond_the_limits_are_refused(self) -> None:
        gateway = self.start("--max-held", "3", "--max-per-client", "2")
        for client, status in (("192.0.2.1", 200), ("192.0.2.9, 192.0.2.1", 200), ("192.0.2.1", 503),
                               ("192.0.2.2", 200), ("192.0.2.3", 503)):
            self.assertEqual(self.events(gateway, X_Forwarded_For=client).response.status, status, client)

    def test_a_client_that_does_not_read_loses_its_connection_and_no_message(self) -> None:
        gateway = self.start("--max-message", "1000000")
        stream = self.events(gateway)
        last = stream.next_message()["id"]
        cursors = []
        for _ in range(12):  # more than the kernel and the gateway keep for one client
            cursors += self.publish(gateway, "x" * 900_000)
        got, connections = [], 0
        while len(got) < len(cursors):
            connections += 1
            while len(got) < len(cursors) and (event := stream.next()) is not None:
                if len(event.get("data", "")) == 900_000:
                    got.append(event["id"])
                    last = event["id"]
            stream = self.events(gateway, Last_Event_ID=last)
        self.assertEqual(got, cursors)
        self.assertGreater(connections, 1)


class Failures(GatewayTest):
    def test_redis_stopped_holds_what_is_held_and_goes_on(self) -> None:
        gateway = self.start()
        stream = self.events(gateway)
        stream.next_message()
        self.redis.signal(signal.SIGSTOP)
        wait_until(lambda: not gateway.is_ready(), "/ready says that Redis is lost")
        self.assertEqual(gateway.publish("lost").status, 503)
        self.redis.signal(signal.SIGCONT)
        wait_until(gateway.is_ready, "Redis is back")
        self.publish(gateway, "a")
        self.assertEqual(stream.next_message()["data"], "a")

    def test_redis_killed_loses_nothing(self) -> None:
        gateway = self.start()
        stream = self.events(gateway)
        stream.next_message()
        self.publish(gateway, "a")
        self.redis.kill()
        wait_until(lambda: not gateway.is_ready(), "/ready says that Redis is lost")
        self.redis.start()
        wait_until(gateway.is_ready, "Redis is back")
        self.publish(gateway, "b")
        self.assertEqual([stream.next_message()["data"] for _ in range(2)], ["a", "b"])

    def test_a_flushed_redis_is_told_once(self) -> None:
        gateway = self.start()
        stream = self.events(gateway)
        stream.next_message()
        self.publish(gateway, "a")
        self.assertEqual(stream.next_message()["data"], "a")
        self.assertEqual(self.redis.command("FLUSHALL"), "+OK")
        self.publish(gateway, "b")
        self.assertEqual(stream.next_message().get("event"), "missed")
        self.assertEqual(stream.next_message()["data"], "b")

    def test_without_redis_it_is_alive_and_not_ready(self) -> None:
        self.redis.kill()
        gateway = Gateway(PROGRAMS, self.redis)
        self.addCleanup(gateway.kill)
        gateway.spawn()
        wait_until(lambda: status_of(gateway.port, "/healthz") == 200, "it is alive")
        self.assertEqual(status_of(gateway.port, "/ready"), 503)
        self.assertEqual(status_of(gateway.port, "/events"), 503)


if __name__ == "__main__":
    cluster.skip_without("redis-server")
    unittest.main(argv=sys.argv[:1] + sys.argv[2:], verbosity=2)
