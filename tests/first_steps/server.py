#!/usr/bin/env python3
"""A server as one begins it: one thread for each connection, /subscribe and /publish, and nothing else. It has no
/stats, no /healthz and no drain, and SIGTERM simply ends it. The conformance suite must let it pass."""
import argparse
import os
import queue
import socketserver
import threading

lock = threading.Lock()
subscribers = []  # a queue for each held request


class Connection(socketserver.StreamRequestHandler):
    def handle(self):
        method, target, _ = self.rfile.readline().decode().split(" ")
        length = 0
        while (line := self.rfile.readline()) not in (b"\r\n", b""):
            name, value = line.decode().split(":", 1)
            if name.lower() == "content-length":
                length = int(value)
        if (method, target) == ("GET", "/subscribe"):
            self.answer("200 OK", self.subscribe())
        elif (method, target) == ("POST", "/publish"):
            self.publish(self.rfile.read(length))
            self.answer("200 OK", b"ok")
        else:
            self.answer("404 Not Found", b"no such page\n")

    def subscribe(self):
        own = queue.Queue()
        with lock:
            subscribers.append(own)
        return own.get()

    def publish(self, message):
        with lock:
            woken = subscribers[:]
            subscribers.clear()
        for subscriber in woken:
            subscriber.put(message)

    def answer(self, status, body):
        head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain;charset=utf-8\r\nContent-Length: {len(body)}\r\n\r\n"
        self.wfile.write(head.encode() + body)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128


parser = argparse.ArgumentParser()
parser.add_argument("--address", default="127.0.0.1")
parser.add_argument("--port", type=int, default=8000)
options = parser.parse_args()
with Server((options.address, options.port), Connection) as server:
    print(f"READY port={server.server_address[1]} pid={os.getpid()}", flush=True)
    server.serve_forever()
