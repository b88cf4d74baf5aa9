"""A gateway, and its clients: server-sent events and WebSocket, byte by byte."""
import base64
import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import queue
import socket
import struct
import subprocess
import threading

import programs
from cluster import PATIENCE_S, Answer, Redis, ask, stats, status_of, wait_until


class Gateway(programs.Gateway):
    """Its heartbeat is short, so that a test of what happens after three of them need not wait long."""

    def __init__(self, folder: pathlib.Path, redis: Redis, *options: str, heartbeat: str = "0.3"):
        super().__init__(folder, redis)
        if "--redis" in options:  # it may be given once
            begin = self.words.index("--redis")
            del self.words[begin:begin + 2]
        self.words += ["--heartbeat", heartbeat, *options]

    def wait(self) -> int:
        """Its exit status, once it has ended by itself."""
        assert self.process is not None
        status = self.process.wait(timeout=PATIENCE_S)
        self.process = None
        return status

    def is_ready(self) -> bool:
        return status_of(self.port, "/ready") == 200

    def publish(self, message: str, channel: str = "all") -> Answer:
        return ask(self.port, f"/publish?channel={channel}", message)

    def stats(self) -> dict:
        return stats(self.port)

    def wait_until_held(self, number: int) -> None:
        wait_until(lambda: self.stats()["held"] == number, f"{number} clients wait")


class Event(dict):
    """Its fields: event, id, data, retry; comment if it is one."""


class EventStream:
    """GET /events, read event by event."""

    def __init__(self, port: int, target: str = "/events", headers: dict[str, str] | None = None):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        self.connection.request("GET", target, headers=headers or {})
        self.response = self.connection.getresponse()

    def __enter__(self) -> "EventStream":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.response.close()
        self.connection.close()

    def next(self) -> Event | None:
        """None: the stream has ended."""
        event = Event()
        while (line := self.response.readline()) not in (b"\n", b""):
            name, _, value = line.decode().rstrip("\n").partition(":")
            value = value.removeprefix(" ")
            name = name or "comment"
            event[name] = f"{event[name]}\n{value}" if name in event else value
        return event if event else None

    def next_message(self) -> Event:
        """The next event that is no comment."""
        while True:
            event = self.next()
            assert event is not None, "the stream has ended"
            if "data" in event:
                return event


class WebSocketRefused(Exception):
    def __init__(self, status: int, body: str):
        super().__init__(f"{status} {body}")
        self.status = status


class WebSocket:
    """RFC 6455's client, as far as the tests need it; it sends exactly the frames it is told to."""

    TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10

    def __init__(self, port: int, target: str, headers: dict[str, str] | None = None):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = {"Host": f"127.0.0.1:{port}", "Upgrade": "websocket", "Connection": "Upgrade",
                 "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key, **(headers or {})}
        head = f"GET {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self.socket.sendall(head.encode() + b"\r\n")
        self.file = self.socket.makefile("rb")
        status = int(self.file.readline().split()[1])
        answer = http.client.parse_headers(self.file)
        if status != 101:
            body = self.file.read(int(answer.get("Content-Length", 0))).decode()
            self.close()
            raise WebSocketRefused(status, body)
        expected = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
        assert answer["Sec-WebSocket-Accept"] == base64.b64encode(expected).decode()

    def __enter__(self) -> "WebSocket":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.file.close() if hasattr(self, "file") else None
        self.socket.close()

    def send_frame(self, opcode: int, payload: bytes = b"", *, end: bool = True, mask: bool = True,
                   reserved: int = 0) -> None:
        head = bytes([(0x80 if end else 0) | reserved << 4 | opcode])
        masked = 0x80 if mask else 0
        if len(payload) < 126:
            head += bytes([masked | len(payload)])
        elif len(payload) < 65536:
            head += bytes([masked | 126]) + struct.pack(">H", len(payload))
        else:
            head += bytes([masked | 127]) + struct.pack(">Q", len(payload))
        if mask:
            key = os.urandom(4)
            payload = bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))
            head += key
        self.socket.sendall(head + payload)

    def send(self, value: object) -> None:
        self.send_frame(self.TEXT, json.dumps(value).encode())

    def next_frame(self) -> tuple[int, bytes]:
        """CLOSE without payload if the connection ends without a frame."""
        head = self.file.read(2)
        if len(head) < 2:
            return self.CLOSE, b""
        size = head[1] & 127
        if size == 126:
            size, = struct.unpack(">H", self.file.read(2))
        elif size == 127:
            size, = struct.unpack(">Q", self.file.read(8))
        return head[0] & 15, self.file.read(size)

    def next(self) -> object:
        """The next text as JSON. Pings are answered; None: the server has closed."""
        while True:
            opcode, payload = self.next_frame()
            if opcode == self.PING:
                self.send_frame(self.PONG, payload)
            elif opcode == self.TEXT:
                return json.loads(payload)
            elif opcode == self.CLOSE:
                return None

    def read_on(self) -> None:
        """Reads, and so answers pings, until the connection ends."""
        def read() -> None:
            with contextlib.suppress(OSError, ValueError):
                while self.next() is not None:
                    pass
        threading.Thread(target=read, daemon=True).start()

    def close_code(self) -> int:
        """Reads on to the close frame; 1006: the connection ends without one."""
        while True:
            opcode, payload = self.next_frame()
            if opcode == self.CLOSE:
                return struct.unpack(">H", payload[:2])[0] if payload else 1006


class Lines:
    """A process of its own that takes commands and says what happens, as lines of JSON."""

    def __init__(self, command: list):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.lines: queue.Queue[list] = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self) -> None:
        for line in self.process.stdout:
            self.lines.put(json.loads(line))

    def next(self) -> list:
        return self.lines.get(timeout=PATIENCE_S)

    def send(self, *words: object) -> None:
        self.process.stdin.write(json.dumps(words) + "\n")
        self.process.stdin.flush()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
