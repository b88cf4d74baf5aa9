"""RFC 6455 as a table: what a client sends to /ws/ann, and what must come of it.

A case is a name, the section that decides it, frames, and what follows: the action that the server says it does not
know, a pong's payload, or the code (or one of the codes) with which the server closes."""
import json
import os
import struct
import sys
import unittest

import cluster
from gateway import WebSocket, WebSocketRefused
from users_test import SocketTest

TEXT, BINARY, CLOSE, PING, PONG = WebSocket.TEXT, WebSocket.BINARY, WebSocket.CLOSE, WebSocket.PING, WebSocket.PONG
MOST = 4096  # --max-message


def text(action: str) -> bytes:
    return json.dumps({"action": action}, ensure_ascii=False).encode()


def filler(size: int) -> str:
    """The action of a text that has so many bytes as a whole."""
    return "x" * (size - len(text("")))


def raw(content: bytes) -> bytes:
    before, after = text("|").split(b"|")
    return before + content + after


def whole(payload: bytes, opcode: int = TEXT, **form) -> list:
    return [(opcode, payload, form)]


def split(payload: bytes, *places: int, between: list = []) -> list:
    """The payload in fragments that begin at these places, with frames between each two."""
    frames, begins = [], [0, *places]
    for i, begin in enumerate(begins):
        end = begins[i + 1] if i + 1 < len(begins) else len(payload)
        frames.append((0 if i else TEXT, payload[begin:end], {"end": i + 1 == len(begins)}))
        if i + 1 < len(begins):
            frames += between
    return frames


def close(code: int, reason: bytes = b"") -> bytes:
    return struct.pack(">H", code) + reason


HELLO = text("hello")
EURO = text("\u20ac")
CASES = [
    # Data, 5.6, and its size in the three forms of 5.2.
    ("a text", "5.6", whole(HELLO), "hello"),
    ("a text of 125 bytes", "5.2", whole(text(filler(125))), filler(125)),
    ("a text of 126 bytes", "5.2", whole(text(filler(126))), filler(126)),
    ("a text of 127 bytes", "5.2", whole(text(filler(127))), filler(127)),
    ("a text of 128 bytes", "5.2", whole(text(filler(128))), filler(128)),
    ("a text as large as may be", "10.4", whole(text(filler(MOST))), filler(MOST)),
    ("a text one byte larger", "10.4", whole(text(filler(MOST + 1))), 1009),
    ("a text of 64 KiB", "10.4", whole(text(filler(65536))), 1009),
    ("fragments that are too large together", "10.4", split(text(filler(MOST + 1)), 2000, 4000), 1009),
    ("fragments that are as large as may be together", "10.4", split(text(filler(MOST)), 2000, 4000), filler(MOST)),
    ("two texts one behind the other", "5.4", whole(HELLO) + whole(EURO), "hello"),
    ("bytes", "7.4.1", whole(b"\x00\x01", BINARY), 1003),
    ("no bytes", "7.4.1", whole(b"", BINARY), 1003),
    ("bytes in fragments", "7.4.1", [(BINARY, b"a", {"end": False}), (0, b"b", {})], 1003),
    # Fragments, 5.4.
    ("two fragments", "5.4", split(HELLO, 5), "hello"),
    ("three fragments", "5.4", split(HELLO, 5, 9), "hello"),
    ("a fragment for each byte", "5.4", split(HELLO, *range(1, len(HELLO))), "hello"),
    ("an empty first fragment", "5.4", split(HELLO, 0), "hello"),
    ("an empty last fragment", "5.4", split(HELLO, len(HELLO)), "hello"),
    ("empty fragments in the middle", "5.4", split(HELLO, 5, 5, 5), "hello"),
    ("a fragment within a character", "5.6", split(EURO, EURO.index(b"\xe2") + 1), "\u20ac"),
    ("fragments within a character twice", "5.6", split(EURO, EURO.index(b"\xe2") + 1, EURO.index(b"\xe2") + 2),
     "\u20ac"),
    ("a continuation of nothing", "5.4", [(0, b"x", {})], 1002),
    ("a continuation of nothing that does not end", "5.4", [(0, b"x", {"end": False})], 1002),
    ("a continuation of a whole text", "5.4", whole(HELLO) + [(0, b"x", {})], "hello"),
    ("a text within a text", "5.4", [(TEXT, b"a", {"end": False}), (TEXT, b"b", {})], 1002),
    ("bytes within a text", "5.4", [(TEXT, b"a", {"end": False}), (BINARY, b"b", {})], 1002),
    # Control frames, 5.5.
    ("a ping", "5.5.2", whole(b"p", PING), b"p"),
    ("a ping without payload", "5.5.2", whole(b"", PING), b""),
    ("a ping of 125 bytes", "5.5", whole(b"p" * 125, PING), b"p" * 125),
    ("a ping of 126 bytes", "5.5", whole(b"p" * 126, PING), 1002),
    ("a ping of bytes that are no UTF-8", "5.5.2", whole(b"\xff\xfe", PING), b"\xff\xfe"),
    ("a ping in fragments", "5.5", [(PING, b"p", {"end": False})], 1002),
    ("a ping between fragments", "5.4", split(HELLO, 5, between=whole(b"p", PING)), b"p"),
    ("a pong between fragments", "5.4", split(HELLO, 5, between=whole(b"p", PONG)), "hello"),
    ("pongs between many fragments", "5.4", split(HELLO, 2, 4, 6, 8, between=whole(b"p", PONG)), "hello"),
    ("a pong that nobody asked for", "5.5.3", whole(b"p", PONG) + whole(HELLO), "hello"),
    ("a pong of 126 bytes", "5.5", whole(b"p" * 126, PONG), 1002),
    ("a pong in fragments", "5.5", [(PONG, b"p", {"end": False})], 1002),
    # Closing, 5.5.1 and 7.4.
    ("a close without a code", "5.5.1", whole(b"", CLOSE), (1006, 1000, 1005)),
    ("a close with half a code", "5.5.1", whole(b"\x03", CLOSE), 1002),
    ("a normal close", "7.4.1", whole(close(1000), CLOSE), 1000),
    ("a close with a reason", "5.5.1", whole(close(1000, b"bye"), CLOSE), 1000),
    ("a close with the longest reason", "5.5", whole(close(1000, b"x" * 123), CLOSE), 1000),
    ("a close with a longer reason", "5.5", whole(close(1000, b"x" * 124), CLOSE), 1002),
    ("a close whose reason is no UTF-8", "8.1", whole(close(1000, b"\xff"), CLOSE), (1002, 1007)),
    ("a close in fragments", "5.5", [(CLOSE, close(1000), {"end": False})], 1002),
    ("a close between fragments", "5.4", split(HELLO, 5, between=whole(close(1000), CLOSE)), 1000),
    ("text behind a close", "5.5.1", whole(close(1000), CLOSE) + whole(HELLO), 1000),
    *[(f"close code {code}", "7.4", whole(close(code), CLOSE), code)
      for code in (1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)],
    *[(f"close code {code}, which nobody may send", "7.4", whole(close(code), CLOSE), 1002)
      for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999)],
    *[(f"close code {code}, which means nothing", "7.4", whole(close(code), CLOSE), (code, 1002)) for code in (5000, 65535)],
    # UTF-8, 8.1.
    *[(f"a text with {name}", "8.1", whole(raw(content)), content.decode())
      for name, content in (("two bytes a character", b"\xc3\xa4"), ("three", b"\xe2\x82\xac"),
                            ("four", b"\xf0\x9f\x98\x80"), ("the last code point", b"\xf4\x8f\xbf\xbf"),
                            ("U+FFFF", b"\xef\xbf\xbf"), ("a byte order mark", b"\xef\xbb\xbf"))],
    *[(f"a text with {name}", "8.1", whole(raw(content)), 1007)
      for name, content in (("FF", b"\xff"), ("FE", b"\xfe"), ("a lone continuation", b"\x80"),
                            ("a character that is cut", b"\xe2\x82"), ("an overlong slash", b"\xc0\xaf"),
                            ("an overlong slash of three", b"\xe0\x80\xaf"), ("a surrogate", b"\xed\xa0\x80"),
                            ("more than U+10FFFF", b"\xf4\x90\x80\x80"), ("five bytes a character", b"\xf8\x88\x80\x80\x80"))],
    ("a character that is cut at the end of all", "8.1", split(b"\xe2\x82", 1), 1007),
    # Bits, masks and operations, 5.1 and 5.2.
    *[(f"reserved bit {bit}", "5.2", whole(HELLO, reserved=bit), 1002) for bit in (1, 2, 4, 7)],
    ("a reserved bit on a ping", "5.2", whole(b"p", PING, reserved=4), 1002),
    *[(f"operation {code}, which there is not", "5.2", whole(b"", code), 1002) for code in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)],
    ("a text without a mask", "5.1", whole(HELLO, mask=False), 1002),
    ("a ping without a mask", "5.1", whole(b"p", PING, mask=False), 1002),
    ("a close without a mask", "5.1", whole(close(1000), CLOSE, mask=False), 1002),
    ("a continuation without a mask", "5.1", [(TEXT, b"a", {"end": False}), (0, b"b", {"mask": False})], 1002),
]

HANDSHAKES = [
    ("as it should be", {}, 101),
    ("Upgrade in other letters", {"Upgrade": "WebSocket"}, 101),
    ("Connection with more", {"Connection": "keep-alive, Upgrade"}, 101),
    ("no Upgrade", {"Upgrade": "h2c"}, 400),
    ("no Connection: Upgrade", {"Connection": "keep-alive"}, 400),
    ("no key", {"Sec-WebSocket-Key": ""}, 400),
    ("a key that is no key", {"Sec-WebSocket-Key": "x"}, 400),
    ("another version", {"Sec-WebSocket-Version": "8"}, 426),
    ("no version", {"Sec-WebSocket-Version": ""}, (400, 426)),
]


class Table(SocketTest):
    def test_frames(self) -> None:
        self.assertGreaterEqual(len(CASES), 80)
        gateway = self.start("--max-message", str(MOST), "--rate", "1000000")
        for i, (name, section, frames, expected) in enumerate(CASES):
            with self.subTest(name, section=section):
                self.check(self.connect(gateway, f"/ws/user{i}"), frames, expected)
        self.connect(gateway, "/ws/ann")  # it still serves

    def check(self, user: WebSocket, frames: list, expected: object) -> None:
        for opcode, payload, form in frames:
            user.send_frame(opcode, payload, **form)
        if isinstance(expected, str):
            self.assertEqual(self.error(user), f"unknown action '{expected}'")
        elif isinstance(expected, bytes):
            opcode, payload = user.next_frame()
            while opcode == PING:
                opcode, payload = user.next_frame()
            self.assertEqual((opcode, payload), (PONG, expected))
        else:
            self.assertIn(user.close_code(), (expected,) if isinstance(expected, int) else expected)

    def test_handshakes(self) -> None:
        gateway = self.start()
        for name, headers, expected in HANDSHAKES:
            with self.subTest(name):
                statuses = (expected,) if isinstance(expected, int) else expected
                try:
                    WebSocket(gateway.port, "/ws", headers).close()
                    status = 101
                except WebSocketRefused as refused:
                    status = refused.status
                self.assertIn(status, statuses)


if __name__ == "__main__":
    cluster.skip_without("redis-server")
    unittest.main(argv=sys.argv[:1] + sys.argv[2:], verbosity=2)
