"""comet-gateway's Bayeux: message by message, and with the real clients of Faye and CometD, if scripts/deps bayeux has
installed them."""
import http.client
import json
import pathlib
import shutil
import sys
import threading
import unittest

import cluster
from cluster import PATIENCE_S, wait_until
from gateway import Gateway, Lines, WebSocket
from gateway_test import GatewayTest

CLIENTS = pathlib.Path(__file__).parent / "bayeux_clients"


def post(gateway: Gateway, *messages: dict, headers: dict[str, str] | None = None) -> list[dict]:
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=PATIENCE_S)
    try:
        connection.request("POST", "/live", json.dumps(messages),
                           {"Content-Type": "application/json", **(headers or {})})
        response = connection.getresponse()
        body = response.read()
        assert response.status == 200, (response.status, body)
        return json.loads(body)
    finally:
        connection.close()


class Session:
    """A client by long polling, as simple as can be."""

    def __init__(self, gateway: Gateway):
        self.gateway = gateway
        answer, = post(gateway, {"channel": "/meta/handshake", "version": "1.0",
                                 "supportedConnectionTypes": ["long-polling"]})
        assert answer["successful"], answer
        self.id = answer["clientId"]

    def send(self, *messages: dict) -> list[dict]:
        return post(self.gateway, *({"clientId": self.id, **message} for message in messages))

    def subscribe(self, name: str, **more: object) -> dict:
        return self.send({"channel": "/meta/subscribe", "subscription": name, **more})[0]

    def publish(self, channel: str, data: object) -> dict:
        return self.send({"channel": channel, "data": data, "id": "7"})[0]

    def connect(self, timeout_ms: int = 10_000) -> list[dict]:
        return self.send({"channel": "/meta/connect", "connectionType": "long-polling",
                          "advice": {"timeout": timeout_ms}})

    def next_data(self, count: int) -> list[object]:
        got: list[object] = []
        while len(got) < count:
            got += [message["data"] for message in self.connect() if "data" in message]
        return got


class Protocol(GatewayTest):
    def test_a_publish_reaches_those_who_subscribe_to_the_channel_or_its_patterns_once(self) -> None:
        gateway = self.start()
        patterns = {"/a/b/c": True, "/a/b/*": True, "/a/b/**": True, "/a/**": True, "/**": True, "/a/*": False,
                    "/*": False, "/a/b": False, "/a/b/c/**": False, "/a/b/d": False}
        sessions = {pattern: Session(gateway) for pattern in patterns}
        for pattern, session in sessions.items():
            self.assertTrue(session.subscribe(pattern)["successful"], pattern)
        sessions["/a/b/c"].subscribe("/a/**")
        answer = sessions["/*"].publish("/a/b/c", {"text": "hello"})
        self.assertEqual((answer["successful"], answer["id"], answer["channel"]), (True, "7", "/a/b/c"))
        for pattern, reached in patterns.items():
            messages = sessions[pattern].connect(0 if not reached else 10_000)
            self.assertEqual([message["data"] for message in messages if "data" in message],
                             [{"text": "hello"}] if reached else [], pattern)
            self.assertEqual(messages[-1]["channel"], "/meta/connect")
            self.assertEqual(messages[-1]["advice"]["reconnect"], "retry")

    def test_bayeux_and_the_other_ways_have_the_same_channels(self) -> None:
        gateway = self.start()
        session = Session(gateway)
        session.subscribe("/rooms/lobby")
        self.publish(gateway, "plain text", '{"a": 1}', channel="rooms.lobby")
        self.assertEqual(session.next_data(2), ["plain text", {"a": 1}])
        with self.events(gateway, "/events?channel=rooms.lobby") as stream:
            stream.next_message()
            session.publish("/rooms/lobby", "from Bayeux")
            self.assertEqual(json.loads(stream.next_message()["data"]), "from Bayeux")

    def test_a_held_connect_is_answered_by_a_message_from_another_gateway(self) -> None:
        first, second = self.start(), self.start()
        session = Session(first)
        session.subscribe("/a")
        poll = threading.Thread(target=lambda: got.extend(session.connect()))
        got: list[dict] = []
        poll.start()
        first.wait_until_held(1)
        self.publish(second, "x", channel="a")
        poll.join()
        self.assertEqual([message["channel"] for message in got], ["/a", "/meta/connect"])

    def test_what_is_unsubscribed_comes_no_more(self) -> None:
        session = Session(self.start())
        session.subscribe("/a")
        session.subscribe("/b")
        session.send({"channel": "/meta/unsubscribe", "subscription": "/a"})
        session.publish("/a", 1)
        session.publish("/b", 2)
        self.assertEqual(session.next_data(1), [2])

    def test_a_session_that_is_not_known_must_shake_hands(self) -> None:
        gateway = self.start()
        session = Session(gateway)
        self.assertTrue(session.send({"channel": "/meta/disconnect"})[0]["successful"])
        for messages in (session.connect(), [session.subscribe("/a")], [session.publish("/a", 1)]):
            self.assertFalse(messages[0]["successful"])
            self.assertTrue(messages[0]["error"].startswith("402:"), messages)
            self.assertEqual(messages[0]["advice"]["reconnect"], "handshake")

    def test_a_session_without_connects_ends_after_three_heartbeats(self) -> None:
        gateway = self.start()
        session = Session(gateway)
        post(gateway)  # somebody else is heard of meanwhile
        wait_until(lambda: not post(gateway, {"channel": "/meta/connect", "clientId": "other"})[0]["successful"] and
                   gateway.stats()["bayeux"] == 0, "the session has ended")
        self.assertTrue(session.connect(0)[0]["error"].startswith("402:"))

    def test_mistakes_are_answered(self) -> None:
        session = Session(self.start("--rate", "1000", "--max-message", "100"))
        for channel, code in (("/a.b", "405"), ("a", "405"), ("/a//b", "405"), ("/a/", "405"), ("/", "405"),
                              ("/a/*", "405"), ("/meta/other", "405"), ("/" + "x" * 65, "405")):
            self.assertTrue(session.publish(channel, 1)["error"].startswith(code), channel)
        self.assertTrue(session.send({"channel": "/a"})[0]["error"].startswith("400"))
        self.assertTrue(session.publish("/a", "x" * 101)["error"].startswith("413"))
        for name in ("/a.b", "/a/*/b", "/***", "a", "", None, 5):
            self.assertTrue(session.subscribe(name)["error"].startswith("405"), name)
        self.assertTrue(session.publish("/service/x", 1)["successful"])

    def test_too_many_messages_and_subscriptions_are_refused(self) -> None:
        session = Session(self.start("--rate", "1"))
        self.assertTrue(any("429" in session.publish("/a", i).get("error", "") for i in range(3)))
        answers = [session.subscribe(f"/a/{i}") for i in range(101)]
        self.assertEqual([answer["successful"] for answer in answers], [True] * 100 + [False])

    def test_a_new_connect_ends_the_one_before(self) -> None:
        gateway = self.start()
        session = Session(gateway)
        first = threading.Thread(target=session.connect)
        first.start()
        gateway.wait_until_held(1)
        second = threading.Thread(target=session.connect)
        second.start()
        first.join()
        session.subscribe("/a")
        session.publish("/a", 1)
        second.join()

    def test_messages_wait_for_a_client_whose_poll_was_cut(self) -> None:
        gateway = self.start(heartbeat="5")
        session = Session(gateway)
        session.subscribe("/a")
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port)
        connection.request("POST", "/live", json.dumps([{"channel": "/meta/connect", "clientId": session.id}]))
        gateway.wait_until_held(1)
        connection.close()
        gateway.wait_until_held(0)
        self.publish(gateway, "x", channel="a")
        self.assertEqual(session.next_data(1), ["x"])

    def test_a_subscription_may_begin_behind_a_cursor(self) -> None:
        gateway = self.start()
        cursors = self.publish(gateway, "a", "b", "c", channel="r")
        session = Session(gateway)
        session.subscribe("/r", ext={"since": cursors[0]})
        self.assertEqual(session.next_data(2), ["b", "c"])

    def test_a_form_is_taken_and_no_json_is_refused(self) -> None:
        gateway = self.start()
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=PATIENCE_S)
        self.addCleanup(connection.close)
        for body, kind, status in (("message=%5B%7B%22channel%22%3A%22%2Fmeta%2Fhandshake%22%7D%5D",
                                    "application/x-www-form-urlencoded", 200), ("{", "application/json", 400)):
            connection.request("POST", "/live", body, {"Content-Type": kind})
            response = connection.getresponse()
            response.read()
            self.assertEqual(response.status, status)

    def test_pages_of_other_sites_are_refused_unless_they_are_in_the_list(self) -> None:
        gateway = self.start("--allow-origin", "http://a.example")
        post(gateway, headers={"Origin": "http://a.example", "Sec-Fetch-Site": "cross-site"})
        for headers in ({"Origin": "http://b.example"}, {"Sec-Fetch-Site": "cross-site"}):
            with self.assertRaisesRegex(AssertionError, "403"):
                post(gateway, headers=headers)
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=PATIENCE_S)
        self.addCleanup(connection.close)
        connection.request("OPTIONS", "/live", headers={"Origin": "http://a.example",
                                                        "Access-Control-Request-Method": "POST"})
        response = connection.getresponse()
        self.assertEqual((response.status, response.headers["Access-Control-Allow-Origin"]), (204, "http://a.example"))

    def test_over_websocket(self) -> None:
        gateway = self.start()
        with WebSocket(gateway.port, "/live") as client:
            client.send([])
            self.assertEqual(client.next(), [])
            client.send([{"channel": "/meta/handshake"}])
            name = client.next()[0]["clientId"]
            client.send([{"channel": "/meta/subscribe", "clientId": name, "subscription": "/a"},
                         {"channel": "/meta/connect", "clientId": name}])
            self.assertTrue(client.next()[0]["successful"])
            client.send([{"channel": "/a", "clientId": name, "data": 5}])
            answers = client.next() + client.next()
            self.assertEqual(sorted(answer["channel"] for answer in answers), ["/a", "/a", "/meta/connect"])
            self.assertEqual([answer["data"] for answer in answers if "data" in answer], [5])


class Client(Lines):
    """One of the real clients of Bayeux."""

    def __init__(self, library: str, transport: str, gateway: Gateway):
        super().__init__(["node", CLIENTS / "client.js", library, transport, f"http://127.0.0.1:{gateway.port}/live"])
        self.messages: list[list] = []

    def do(self, *words: object) -> list:
        """The answer; messages that come before it are kept."""
        self.send(*words)
        while (line := self.next())[0] == "message":
            self.messages.append(line)
        return line

    def next_message(self) -> list:
        return self.messages.pop(0) if self.messages else self.next()


@unittest.skipUnless(shutil.which("node") and (CLIENTS / "node_modules").is_dir(),
                     "scripts/deps bayeux installs the clients")
class RealClients(GatewayTest):
    KINDS = [(library, transport) for library in ("faye", "cometd") for transport in ("long-polling", "websocket")]

    def client(self, library: str, transport: str, gateway: Gateway) -> Client:
        client = Client(library, transport, gateway)
        self.addCleanup(client.end)
        return client

    def test_they_subscribe_publish_and_leave(self) -> None:
        gateway = self.start(heartbeat="2")
        for kind in self.KINDS:
            with self.subTest(kind):
                reader, writer = self.client(*kind, gateway), self.client(*kind, gateway)
                for pattern in ("/chat/*", "/deep/**", "/messages"):
                    self.assertEqual(reader.do("subscribe", pattern), ["subscribe", "done"])
                for channel, data in (("/messages", {"text": "Hello world"}), ("/chat/a", 1), ("/deep/a/b", "\u20ac"),
                                      ("/chat/a/b", "not subscribed"), ("/messages", [1, None])):
                    self.assertEqual(writer.do("publish", channel, data), ["publish", "done"])
                    if data != "not subscribed":
                        self.assertEqual(reader.next_message(), ["message", channel, data])
                self.assertEqual(reader.do("unsubscribe", "/chat/*"), ["unsubscribe", "done"])
                writer.do("publish", "/chat/a", 2)
                writer.do("publish", "/messages", 3)
                self.assertEqual(reader.next_message(), ["message", "/messages", 3])
                self.assertEqual(writer.do("publish", "/no good", 1)[1], "failed")
                self.assertEqual(reader.do("disconnect"), ["disconnect", "done"])

    def test_a_lost_session_shakes_hands_again_and_keeps_its_subscriptions(self) -> None:
        for kind in self.KINDS:
            with self.subTest(kind):
                gateway = self.start(heartbeat="2")
                reader = self.client(*kind, gateway)
                self.assertEqual(reader.do("subscribe", "/a"), ["subscribe", "done"])
                gateway.kill()
                gateway.start()  # it knows no session

                def is_reached() -> bool:
                    self.publish(gateway, "again", channel="a")
                    return not reader.lines.empty()
                wait_until(is_reached, "the client is back")
                self.assertEqual(reader.next_message(), ["message", "/a", "again"])


if __name__ == "__main__":
    cluster.skip_without("redis-server")
    unittest.main(argv=sys.argv[:1] + sys.argv[2:], verbosity=2)
