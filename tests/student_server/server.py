#!/usr/bin/env python3
"""A server as a student writes it in a language of choice: one asyncio loop, with channels, cursors and /stats. It shows that
a manifest is all that the suite and the bench need."""
import argparse
import asyncio
import collections
import json
import os
import re
import signal
import time
import urllib.parse

STARTED = int(time.time() * 1000)


class Channel:
    def __init__(self, history):
        self.log = collections.deque(maxlen=history)  # pairs of cursor and message
        self.last = (STARTED, 0)
        self.forgotten = (0, 0)  # cursor of the newest message that is no longer retained
        self.waiting = set()     # a future for each held request

    def publish(self, message):
        if len(self.log) == self.log.maxlen:
            self.forgotten = self.log[0][0]
        self.last = (STARTED, self.last[1] + 1)
        self.log.append((self.last, message))
        woken, self.waiting = self.waiting, set()
        for future in woken:
            future.set_result(self.log[-1])
        return len(woken)

    def after(self, since):
        """(the next message or None, whether some may be missing before it)."""
        missed = since > self.last or since < self.forgotten or (0, 0) < since < (STARTED, 0)
        return next((entry for entry in self.log if missed or entry[0] > since), None), missed


class Connection:
    def __init__(self, server, reader, writer):
        self.server, self.reader, self.writer = server, reader, writer
        self.bytes = b""

    async def run(self):
        try:
            while await self.serve_one():
                pass
        except ConnectionError:
            pass  # the client has left
        finally:
            self.writer.close()

    async def more(self):
        came = await self.reader.read(65536)
        self.bytes += came
        return bool(came)

    async def serve_one(self):
        while b"\r\n\r\n" not in self.bytes:
            if not await self.more():
                return False
        head, _, self.bytes = self.bytes.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        while len(self.bytes) < int(headers.get("content-length", 0)):
            if not await self.more():
                return False
        body, self.bytes = (self.bytes[:int(headers.get("content-length", 0))],
                            self.bytes[int(headers.get("content-length", 0)):])
        method, target, _ = first.split(" ")
        path, _, query = target.partition("?")
        values = fields(query)
        if path == "/subscribe":
            return await self.subscribe(values)
        if path == "/publish":
            form = "urlencoded" in headers.get("content-type", "")
            self.publish(values, fields(body.decode("latin-1")) if form else values, None if form or method == "GET" else body)
        elif path == "/stats":
            said = {"pattern": "student-in-python", "pid": os.getpid(), "held": self.server.held}
            self.answer("200 OK", json.dumps(said).encode())
        else:
            self.answer("404 Not Found", b"no such page\n")
        await self.writer.drain()
        return headers.get("connection", "").lower() != "close"

    async def subscribe(self, values):
        channel = self.server.channels[values.get("channel", "all")]
        entry, missed = channel.after(cursor(values["since"])) if "since" in values else (None, False)
        hold = min(float(values.get("timeout", self.server.hold)), self.server.hold)
        if entry is None and hold > 0:
            entry = await self.hold(channel, hold)
        if entry == "left":
            return False
        if entry is None:
            self.answer("204 No Content", None, channel.last)
        else:
            self.answer("200 OK", entry[1], entry[0], "Comet-Missed: true\r\n" if missed else "")
        await self.writer.drain()
        return True

    async def hold(self, channel, seconds):
        """The message, None if the time is over, or "left"."""
        future = asyncio.get_running_loop().create_future()
        channel.waiting.add(future)
        self.server.held += 1
        left = asyncio.create_task(self.watch())
        try:
            await asyncio.wait({future, left}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            return future.result() if future.done() else "left" if left.done() else None
        finally:
            self.server.held -= 1
            channel.waiting.discard(future)
            left.cancel()
            await asyncio.wait({left})  # it must have stopped reading before the next read

    async def watch(self):
        """Returns when the client has left; what it sends meanwhile waits its turn."""
        try:
            while await self.more():
                pass
        except ConnectionError:
            pass  # that is leaving, too

    def publish(self, values, form, body):
        message = body if body is not None else form.get("message", "").encode("latin-1")
        channel = self.server.channels[values.get("channel", form.get("channel", "all"))]
        woken = channel.publish(message)
        self.answer("200 OK", b"ok", channel.last, f"Comet-Receivers: {woken}\r\n")

    def answer(self, status, body, at=None, more=""):
        head = f"HTTP/1.1 {status}\r\nConnection: keep-alive\r\nCache-Control: no-store\r\n{more}"
        if at:
            head += f"Comet-Cursor: {at[0]}-{at[1]}\r\n"
        if body is not None:
            head += f"Content-Type: text/plain;charset=utf-8\r\nContent-Length: {len(body)}\r\n"
        self.writer.write(head.encode() + b"\r\n" + (body or b""))


def fields(text):
    return dict(urllib.parse.parse_qsl(text, keep_blank_values=True, encoding="latin-1"))


def cursor(text):
    return tuple(map(int, re.fullmatch(r"(\d+)-(\d+)", text).groups())) if "-" in text else (int(text), 0)


class Server:
    def __init__(self, options):
        self.hold, self.held = options.hold_timeout, 0
        self.channels = collections.defaultdict(lambda: Channel(options.history))

    async def run(self, address, port):
        listening = await asyncio.start_server(lambda *streams: Connection(self, *streams).run(), address, port, backlog=4096)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, os._exit, 0)  # a drain would be lab 3
        print(f"READY port={listening.sockets[0].getsockname()[1]} pid={os.getpid()}", flush=True)
        await listening.serve_forever()


parser = argparse.ArgumentParser()
parser.add_argument("--address", default="127.0.0.1")
parser.add_argument("--port", type=int, default=8000)
parser.add_argument("--hold-timeout", type=float, default=30)
parser.add_argument("--history", type=int, default=128)
options = parser.parse_args()
asyncio.run(Server(options).run(options.address, options.port))
