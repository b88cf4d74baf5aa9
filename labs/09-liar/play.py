"""Plays a scenario against a server that it starts, and ends in any case."""
import http.client
import io
import json
import os
import selectors
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field

READY_PATIENCE_S = 10
LOOK_AGAIN_S = 0.005  # between two looks at /stats
# Inherited by the servers: under nohup they would ignore the hang-up that a scenario sends.
signal.signal(signal.SIGHUP, signal.SIG_DFL)


class Failed(Exception):
    """The server did not do what a statement expects."""


class Stopped(Exception):
    """Whoever runs the scenarios has given up."""


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: str
    seen: int  # in which look at all connections: what is seen in the same look has no order


@dataclass
class Connection:
    socket: socket.socket
    methods: list = field(default_factory=list)  # of the requests that are not answered; others are taken for GET
    input: bytes = b""
    answers: list = field(default_factory=list)  # that are not expected yet
    seen: list = field(default_factory=list)     # of all answers: when
    cursor: str = ""                             # of the last answer that was expected
    closed: bool = False


class Play:
    def __init__(self, command, patience_s, stop=None):
        self.command = command
        self.patience_s = patience_s
        self.stop = stop or threading.Event()
        self.longest_wait_s = 0.0
        self.connections = {}
        self.looks = 0
        self.story = []
        self.began = time.monotonic()
        self.process = None
        self.port = 0
        self.publish_cursor = ""

    def run(self, statements):
        """None if the server does all that is expected; else a text that says what it did not do."""
        with tempfile.TemporaryDirectory(prefix="scenario-") as folder, selectors.DefaultSelector() as self.selector:
            try:
                self.start(statements, folder)
                for statement in statements:
                    self.tell(f"line {statement.line}: {statement.text}")
                    getattr(self, statement.verb)(statement)
                return None
            except (Failed, ConnectionError, TimeoutError) as failure:
                self.tell(f"*** {failure}")
                return str(failure)
            finally:
                self.end()

    def start(self, statements, folder):
        options = statements[0].words if statements[0].verb == "server" else []
        with open(os.path.join(folder, "token"), "w", encoding="ascii") as file:
            file.write("secret\n")
        self.process = subprocess.Popen([*self.command, "--address", "127.0.0.1", "--port", "0", *options],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=folder,
                                        start_new_session=True)
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            ready = self.process.stdout.readline().decode() if selector.select(READY_PATIENCE_S) else ""
        if not ready.startswith("READY port="):
            raise Failed("the server does not say READY")
        self.port = int(ready.split()[1].partition("=")[2])

    def end(self):
        for connection in self.connections.values():
            connection.socket.close()
        if self.process is None:
            return
        try:
            os.killpg(self.process.pid, signal.SIGKILL)  # its children too
        except ProcessLookupError:
            pass  # all have ended
        self.process.wait()
        self.process.stdout.close()

    def tell(self, text):
        self.story.append((time.monotonic() - self.began, text))

    # --- waiting ---

    def wait_until(self, is_so, what):
        began = time.monotonic()
        while not is_so():
            if self.stop.is_set():
                raise Stopped
            left = began + self.patience_s - time.monotonic()
            if left <= 0:
                raise Failed(what())
            self.look(min(left, 0.05))
        self.longest_wait_s = max(self.longest_wait_s, time.monotonic() - began)

    def look(self, at_most_s):
        """Reads what has come on all connections."""
        self.looks += 1
        if not self.selector.get_map():
            time.sleep(min(at_most_s, LOOK_AGAIN_S))  # only the process or /stats can bring the event
            return
        for key, _ in self.selector.select(at_most_s):
            connection = key.data
            try:
                came = connection.socket.recv(65536)
            except OSError:  # reset by the server
                came = b""
            connection.input += came
            while (answer := take_answer(connection, self.looks)) is not None:
                connection.answers.append(answer)
                connection.seen.append(self.looks)
            if not came:
                connection.closed = True
                self.selector.unregister(connection.socket)

    # --- statements ---

    def server(self, statement):
        pass  # its options were given at the start

    def subscribe(self, statement):
        options = [f"{key}={self.cursor_of(value) if key == 'since' else value}"
                   for key, value in statement.options.items()]
        self.write(statement.name, "GET", "/subscribe" + ("?" if options else "") + "&".join(options), [], None)

    def publish(self, statement):
        channel = statement.options.get("channel")
        name = f"publish {statement.line}"
        self.write(name, "POST", "/publish" + (f"?channel={channel}" if channel else ""), [], statement.body)
        answer = self.next_answer(name)
        self.compare(answer, 200, "ok", statement.headers)
        self.publish_cursor = answer.headers.get("Comet-Cursor", "")

    def request(self, statement):
        self.write(statement.name, *statement.words, statement.headers, statement.body)

    def send(self, statement):
        method = "HEAD" if statement.words[0].startswith("HEAD") else "GET"
        self.write_bytes(statement.name, method, statement.words[0].encode())

    def expect(self, statement):
        wanted = statement.words[0]
        if statement.name == "exit":
            self.wait_until(lambda: self.process.poll() is not None, lambda: "the server has not ended")
            if self.process.returncode != int(wanted):
                raise Failed(f"the server has ended with {self.process.returncode}")
            return
        connection = self.connections[statement.name]
        if wanted == "closed":
            self.wait_until(lambda: connection.closed or connection.answers,
                            lambda: f"the server has not closed '{statement.name}'")
            if connection.answers:
                raise Failed(f"'{statement.name}' is not closed but answered {connection.answers[0].status}")
            return
        answer = self.next_answer(statement.name)
        self.compare(answer, int(wanted), statement.body, statement.headers)
        connection.cursor = answer.headers.get("Comet-Cursor", "")
        other = self.connections.get(statement.before)
        if other and other.seen and other.seen[-1] <= answer.seen:
            raise Failed(f"'{statement.before}' was answered first")

    def wait(self, statement):
        counter, wanted = statement.name, int(statement.words[0])
        said = None

        def is_so():
            nonlocal said
            said = self.stats().get(counter)
            if said != wanted:
                self.look(LOOK_AGAIN_S)
            return said == wanted

        self.wait_until(is_so, lambda: f"/stats says {counter} {said}")

    def close(self, statement):
        self.leave(statement.name)

    def reset(self, statement):
        linger = struct.pack("ii", 1, 0)  # no time to linger: close() sends a reset
        self.connections[statement.name].socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.leave(statement.name)

    def signal(self, statement):
        self.process.send_signal(getattr(signal, "SIG" + statement.name))

    # --- what statements share ---

    def cursor_of(self, value):
        name, dot, member = value.rpartition(".")
        if not dot or member != "cursor":
            return value
        if name == "publish":
            return self.publish_cursor
        return self.connections[name].cursor if name in self.connections else ""

    def write(self, name, method, target, headers, body):
        given = {key.lower() for key, _ in headers}
        if "host" not in given:
            headers = [("Host", "localhost"), *headers]
        if body is not None and "content-type" not in given:
            headers = [*headers, ("Content-Type", "text/plain")]
        if body is not None and "content-length" not in given:
            headers = [*headers, ("Content-Length", str(len(body.encode())))]
        head = "".join(f"{key}: {value}\r\n" for key, value in headers)
        self.write_bytes(name, method, f"{method} {target} HTTP/1.1\r\n{head}\r\n{body or ''}".encode())

    def write_bytes(self, name, method, text):
        connection = self.connections.get(name)
        if connection is None:
            made = socket.create_connection(("127.0.0.1", self.port), timeout=self.patience_s)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = self.connections[name] = Connection(made)
            self.selector.register(made, selectors.EVENT_READ, connection)
        connection.methods.append(method)
        try:
            connection.socket.sendall(text)
        except OSError:
            raise Failed(f"'{name}' is closed") from None

    def next_answer(self, name):
        connection = self.connections[name]
        self.wait_until(lambda: connection.answers or connection.closed, lambda: f"'{name}' has no answer")
        if not connection.answers:
            raise Failed(f"'{name}' was closed without an answer")
        answer = connection.answers.pop(0)
        self.tell(f"{name} has {answer.status} {answer.body[:60]!r}")
        return answer

    def compare(self, answer, status, body, headers):
        if answer.status != status:
            raise Failed(f"the status is {answer.status}, not {status}")
        if body is not None and answer.body != body:
            raise Failed(f"the body is {answer.body[:60]!r}, not {body!r}")
        for name, value in headers:
            came = answer.headers.get(name)
            if came is None or value not in ("*", came):
                raise Failed(f"{name} is {came!r}, not {value!r}" if came is not None else f"{name} is missing")

    def stats(self):
        asked = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.patience_s)
        try:
            asked.request("GET", "/stats", headers={"Host": "localhost", "Connection": "close"})
            return json.loads(asked.getresponse().read())
        except (http.client.HTTPException, ValueError):
            raise Failed("/stats gives no JSON") from None
        finally:
            asked.close()

    def leave(self, name):
        connection = self.connections.pop(name)
        if not connection.closed:
            self.selector.unregister(connection.socket)
        connection.socket.close()


def take_answer(connection, seen):
    """The first whole answer of the input, or None."""
    head, end, rest = connection.input.partition(b"\r\n\r\n")
    if not end:
        return None
    first, _, fields = head.partition(b"\r\n")
    words = first.split(b" ", 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
        raise Failed(f"what came is no answer: {first[:60]!r}")
    headers = http.client.parse_headers(io.BytesIO(fields + b"\r\n\r\n"))
    status = int(words[1])
    method = connection.methods[0] if connection.methods else "GET"
    length = headers.get("Content-Length", "0")
    length = 0 if method == "HEAD" or status < 200 or status == 204 or not length.isdigit() else int(length)
    if len(rest) < length:
        return None
    if status >= 200 and connection.methods:
        connection.methods.pop(0)
    connection.input = rest[length:]
    return Answer(status, headers, rest[:length].decode(errors="replace"), seen)
