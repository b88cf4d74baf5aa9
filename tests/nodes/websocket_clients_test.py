"""The gateway's WebSocket with real clients: ws of npm, if scripts/deps bayeux has installed it, and Beast's own."""
import json
import pathlib
import sys
import unittest

import cluster
from bayeux_test import CLIENTS
from gateway import Gateway, Lines, WebSocket
from users_test import SocketTest, message

BEAST = pathlib.Path(sys.argv[1]) / "beast-socket"
MOST = 1_000_000  # --max-message


class Client(Lines):
    def __init__(self, kind: str, gateway: Gateway, target: str):
        command = {"ws": ["node", CLIENTS / "socket.js", f"ws://127.0.0.1:{gateway.port}{target}"],
                   "Beast": [BEAST, str(gateway.port), target]}[kind]
        super().__init__(command)

    def action(self) -> dict:
        """The next text, which is one of the gateway's."""
        what, text = self.next()
        assert what == "text", (what, text)
        return json.loads(text)


class RealClients(SocketTest):
    def kinds(self) -> list[str]:
        there = {"ws": (CLIENTS / "node_modules" / "ws").is_dir(), "Beast": BEAST.exists()}
        kinds = [kind for kind, is_there in there.items() if is_there]
        if not kinds:
            self.skipTest("no client is there")
        return kinds

    def client(self, kind: str, gateway: Gateway, name: str) -> Client:
        """Behind its welcome."""
        client = self.silent_client(kind, gateway, name)
        self.assertEqual(client.action()["action"], "welcome")
        return client

    def silent_client(self, kind: str, gateway: Gateway, name: str) -> Client:
        client = Client(kind, gateway, f"/ws/{name}")
        self.addCleanup(client.end)
        self.assertEqual(client.next(), ["open"])
        return client

    def expect_error(self, client: Client, error: str) -> None:
        self.assertEqual(client.action(), {"action": "error", "data": {"error": error}})

    def test_users_of_two_gateways_write_to_each_other(self) -> None:
        gateways = [self.start(), self.start()]
        for first in self.kinds():
            for second in self.kinds():
                with self.subTest(f"{first} and {second}"):
                    names = [f"{place}-{first}-{second}" for place in ("a", "b")]
                    clients = [self.client(kind, gateway, name)
                               for kind, gateway, name in zip((first, second), gateways, names)]
                    for i in (0, 1):
                        sent = message(names[1 - i], f"\u20ac from {names[i]}")
                        clients[i].send("text", json.dumps(sent))
                        got = clients[1 - i].action()
                        self.assertEqual((got["from"], got["data"]), (names[i], sent["data"]))

    def test_fragments_are_one_text(self) -> None:
        gateway = self.start()
        for kind in self.kinds():
            with self.subTest(kind):
                client = self.client(kind, gateway, f"fragments-{kind}")
                client.send("fragments", ['{"action":', '"hel', "", 'lo"}'])
                self.expect_error(client, "unknown action 'hello'")

    def test_a_big_message_comes_whole(self) -> None:
        gateway = self.start("--max-message", str(MOST))
        for kind in self.kinds():
            with self.subTest(kind):
                client = self.client(kind, gateway, f"big-{kind}")
                sent = message(f"big-{kind}", "x" * (MOST - 1000))
                client.send("text", json.dumps(sent))
                self.assertEqual(client.action()["data"], sent["data"])

    def test_a_ping_is_answered_with_what_it_brought(self) -> None:
        gateway = self.start()
        for kind in self.kinds():
            with self.subTest(kind):
                client = self.client(kind, gateway, f"ping-{kind}")
                client.send("ping", "are you there?")
                self.assertEqual(client.next(), ["pong", "are you there?"])

    def test_they_answer_the_gateway_s_pings_and_so_stay(self) -> None:
        gateway = self.start()
        for kind in self.kinds():
            with self.subTest(kind):
                client = self.client(kind, gateway, f"stays-{kind}")
                silent = WebSocket(gateway.port, f"/ws/silent-{kind}")
                self.addCleanup(silent.close)
                while silent.next_frame() != (WebSocket.CLOSE, b""):  # it answers no ping
                    pass
                client.send("text", '{"action":"still here"}')
                self.expect_error(client, "unknown action 'still here'")

    def test_their_close_is_answered_with_its_code(self) -> None:
        gateway = self.start()
        for kind in self.kinds():
            for code in (1000, 3000, 4999):
                with self.subTest(kind, code=code):
                    client = self.client(kind, gateway, f"close-{kind}-{code}")
                    client.send("close", code, "bye")
                    self.assertEqual(client.next()[:2], ["close", code])

    def test_the_gateway_says_why_it_closes(self) -> None:
        gateway = self.start("--max-message", "1000")
        for kind in self.kinds():
            with self.subTest(kind):
                client = self.client(kind, gateway, f"large-{kind}")
                client.send("text", "x" * 1001)
                self.assertEqual(client.next()[:2], ["close", 1009])
                client = self.client(kind, gateway, f"bytes-{kind}")
                client.send("bytes", "x")
                self.assertEqual(client.next()[:2], ["close", 1003])
                self.client(kind, gateway, f"name-{kind}")
                second = self.silent_client(kind, gateway, f"name-{kind}")
                self.expect_error(second, "not unique session")
                self.assertEqual(second.next()[:2], ["close", 1008])

    def test_a_gateway_that_drains_says_so(self) -> None:
        for kind in self.kinds():
            with self.subTest(kind):
                gateway = self.start()
                client = self.client(kind, gateway, "ann")
                self.assertEqual(gateway.stop(), 0)
                self.assertEqual(client.next()[:2], ["close", 1001])


if __name__ == "__main__":
    cluster.skip_without("redis-server")
    unittest.main(argv=sys.argv[:1] + sys.argv[2:], verbosity=2)
