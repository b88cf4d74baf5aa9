"""comet-gateway's WebSocket: users who write to each other over gateways, readers of a channel, and RFC 6455."""
import json
import signal
import sys
import unittest

import cluster
from cluster import ask, wait_until
from gateway import Gateway, WebSocket, WebSocketRefused
from gateway_test import GatewayTest


class SocketTest(GatewayTest):
    def connect(self, gateway: Gateway, target: str, **headers: str) -> WebSocket:
        """Behind its welcome."""
        web_socket = self.open(gateway, target, **headers)
        first = web_socket.next()
        self.assertEqual(first["action"], "welcome", first)
        return web_socket

    def open(self, gateway: Gateway, target: str, **headers: str) -> WebSocket:
        web_socket = WebSocket(gateway.port, target, headers)
        self.addCleanup(web_socket.close)
        return web_socket

    def error(self, web_socket: WebSocket) -> str:
        answer = web_socket.next()
        self.assertEqual(answer["action"], "error")
        return answer["data"]["error"]


def message(to: str, text: str) -> dict:
    return {"action": "message", "data": {"to": to, "text": text}}


class Users(SocketTest):
    def test_a_message_reaches_its_user_on_any_gateway(self) -> None:
        first, second = self.start(), self.start()
        ann, bob, eve = self.connect(first, "/ws/ann"), self.connect(second, "/ws/bob"), self.connect(first, "/ws/eve")
        for to, reader in (("bob", bob), ("eve", eve), ("ann", ann)):
            ann.send(message(to, f"for {to} \u20ac"))
            got = reader.next()
            self.assertRegex(got.pop("cursor"), r"^\d+-\d+$")
            self.assertEqual(got, {"from": "ann", **message(to, f"for {to} \u20ac")})

    def test_a_mistake_is_answered_and_the_session_goes_on(self) -> None:
        ann = self.connect(self.start(), "/ws/ann")
        for sent, error in ((message("nobody", "x"), "user 'nobody' not found"), (message("", "x"), "user '' not found"),
                            ({"action": ""}, "empty action"), ({}, "empty action"), ([], "not a JSON object"),
                            ({"action": "dance"}, "unknown action 'dance'"),
                            ({"action": "message"}, "a message needs data with 'to' and 'text'"),
                            ({"action": "message", "data": {"to": 1, "text": "x"}},
                             "a message needs data with 'to' and 'text'")):
            ann.send(sent)
            self.assertEqual(self.error(ann), error)
        ann.send_frame(WebSocket.TEXT, b"{")
        self.assertEqual(self.error(ann), "not a JSON object")
        ann.send(message("ann", "still here"))
        self.assertEqual(ann.next()["data"]["text"], "still here")

    def test_a_name_is_one_session_s_over_all_gateways(self) -> None:
        first, second = self.start(), self.start()
        ann = self.connect(first, "/ws/ann")
        for gateway in (first, second):
            other = self.open(gateway, "/ws/ann")
            self.assertEqual(self.error(other), "not unique session")
            self.assertEqual(other.close_code(), 1008)
        ann.send(message("ann", "still here"))
        self.assertEqual(ann.next()["data"]["text"], "still here")
        ann.send_frame(WebSocket.CLOSE, b"\x03\xe8")
        self.assertEqual(ann.close_code(), 1000)
        wait_until(lambda: first.stats()["active"] == 0, "the session has ended")
        self.connect(second, "/ws/ann")

    def test_what_was_sent_while_a_user_was_away_is_there_when_they_come_back(self) -> None:
        first, second = self.start(), self.start()
        ann, bob = self.connect(second, "/ws/ann"), self.connect(first, "/ws/bob")
        ann.send(message("bob", "1"))
        last = bob.next()["cursor"]
        first.kill()
        ann.send(message("bob", "2"))  # the name lives on for three heartbeats
        ann.send(message("ann", "sent"))
        self.assertEqual(ann.next()["data"]["text"], "sent")

        def come_back() -> bool:
            self.back = self.open(second, f"/ws/bob?since={last}")
            return self.back.next()["action"] == "welcome"
        wait_until(come_back, "the name of a dead gateway's user is free")
        self.assertEqual(self.back.next()["data"]["text"], "2")

    def test_sessions_users_and_nodes_are_counted(self) -> None:
        first, second = self.start(), self.start()
        self.connect(first, "/ws/ann").read_on()
        self.connect(second, "/ws/bob").read_on()
        wait_until(lambda: first.stats()["nodes"] == 2, "each gateway knows the other")
        wait_until(lambda: json.loads(ask(first.port, "/users").body) == ["ann", "bob"], "all users are known")
        self.assertEqual([first.stats()[name] for name in ("sessions", "active")], [1, 1])
        second.kill()
        wait_until(lambda: json.loads(ask(first.port, "/users").body) == ["ann"], "a dead gateway's user is gone")
        wait_until(lambda: first.stats()["nodes"] == 1, "a dead gateway is gone")

    def test_a_user_who_is_silent_is_gone(self) -> None:
        gateway = self.start()
        ann = self.connect(gateway, "/ws/ann")  # and answers no ping from now on
        wait_until(lambda: gateway.stats()["active"] == 0, "the session has ended")
        while ann.next_frame() != (WebSocket.CLOSE, b""):
            pass

    def test_a_user_who_answers_pings_stays_while_redis_is_away(self) -> None:
        gateway = self.start()
        ann = self.connect(gateway, "/ws/ann")
        self.redis.kill()
        wait_until(lambda: not gateway.is_ready(), "/ready says that Redis is lost")
        ann.send(message("bob", "x"))
        self.assertEqual(self.error(ann), "not sent: Redis is not reached")
        self.redis.start()
        wait_until(gateway.is_ready, "Redis is back")

        def reaches_herself() -> bool:
            ann.send(message("ann", "x"))
            return ann.next()["action"] == "message"
        wait_until(reaches_herself, "the session goes on")

    def test_one_who_sends_too_fast_is_told(self) -> None:
        ann = self.connect(self.start("--rate", "1"), "/ws/ann")
        for _ in range(3):
            ann.send({"action": "dance"})
        errors = [self.error(ann) for _ in range(3)]
        self.assertEqual(errors[0], "unknown action 'dance'")
        self.assertIn("not sent: too many messages in this second", errors[1:])

    def test_a_drain_closes_with_1001(self) -> None:
        gateway = self.start()
        ann = self.connect(gateway, "/ws/ann")
        gateway.signal(signal.SIGTERM)
        self.assertEqual(ann.close_code(), 1001)
        ann.send_frame(WebSocket.CLOSE, b"\x03\xe9")
        self.assertEqual(gateway.wait(), 0)

    def test_a_drained_gateway_s_users_may_be_at_another_one_at_once(self) -> None:
        first, second = self.start(heartbeat="60"), self.start(heartbeat="60")
        ann = self.connect(first, "/ws/ann")
        first.signal(signal.SIGTERM)
        self.assertEqual(ann.close_code(), 1001)
        ann.send_frame(WebSocket.CLOSE, b"\x03\xe9")
        self.assertEqual(first.wait(), 0)
        self.connect(second, "/ws/ann")

    def test_bad_names_are_refused(self) -> None:
        gateway = self.start()
        for name in ("", "a%20b", "a/b", "x" * 60, "%ff"):
            with self.assertRaises(WebSocketRefused) as refused:
                WebSocket(gateway.port, f"/ws/{name}")
            self.assertEqual(refused.exception.status, 400)


class Channels(SocketTest):
    def test_a_channel_s_messages_come_as_json(self) -> None:
        gateway = self.start()
        reader = self.connect(gateway, "/ws?channel=c")
        cursor, = self.publish(gateway, 'a "quoted" text\n', channel="c")
        self.assertEqual(reader.next(), {"action": "message", "data": {"channel": "c", "cursor": cursor,
                                                                       "text": 'a "quoted" text\n'}})

    def test_a_reader_goes_on_behind_its_cursor_and_is_told_of_a_gap(self) -> None:
        gateway = self.start("--history", "2")
        cursors = self.publish(gateway, *"abc")
        reader = self.connect(gateway, f"/ws?since={cursors[1]}")
        self.assertEqual(reader.next()["data"]["text"], "c")
        reader = self.connect(gateway, "/ws?since=1-0")
        self.assertEqual([reader.next()["action"] for _ in range(3)], ["missed", "message", "message"])


class Access(SocketTest):
    def test_pages_of_other_sites_may_not_open_a_socket(self) -> None:
        gateway = self.start("--allow-origin", "https://a.example")
        own = f"http://127.0.0.1:{gateway.port}"
        for target in ("/ws", "/ws/ann"):
            for origin, taken in ((own, True), ("https://a.example", True), ("http://a.example", False),
                                  ("https://a.example.evil.example", False), ("null", False)):
                try:
                    WebSocket(gateway.port, target, {"Origin": origin}).close()
                    self.assertTrue(taken, origin)
                except WebSocketRefused as refused:
                    self.assertEqual((refused.status, taken), (403, False), origin)

    def test_users_need_the_token_if_there_is_one(self) -> None:
        (self.folder / "token").write_text("secret\n")
        gateway = self.start("--publish-token-file", str(self.folder / "token"))
        with self.assertRaises(WebSocketRefused) as refused:
            WebSocket(gateway.port, "/ws/ann?token=wrong")
        self.assertEqual(refused.exception.status, 401)
        self.connect(gateway, "/ws/ann?token=secret")
        self.connect(gateway, "/ws")

    def test_its_redis_user_may_only_what_is_needed(self) -> None:
        allowed = ("~{comet}:* +eval +time +xread +xrange +xadd +hmget +hset +hincrby +exists +del "
                   "+set +get +pexpire +scan")  # of docs/gateway.md
        self.assertEqual(self.redis.command("ACL", "SETUSER", "gateway", "on", ">secret", *allowed.split()), "+OK")
        (self.folder / "password").write_text("secret\n")
        gateway = self.start("--redis", f"redis://gateway@127.0.0.1:{self.redis.port}",
                             "--redis-password-file", str(self.folder / "password"))
        ann = self.connect(gateway, "/ws/ann")
        ann.send(message("ann", "hello"))
        self.assertEqual(ann.next()["data"]["text"], "hello")
        wait_until(lambda: gateway.stats()["nodes"] == 1, "it sees itself")


if __name__ == "__main__":
    cluster.skip_without("redis-server")
    unittest.main(argv=sys.argv[:1] + sys.argv[2:], verbosity=2)
