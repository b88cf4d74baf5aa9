#!/usr/bin/python3
"""Long-poll server on Twisted: one process, one thread, one reactor. A held request is a Request object in the set of
its channel (render_GET returned NOT_DONE_YET); a publish finishes them one after another."""
import argparse
import json
import os
import resource as limits
import sys
from collections import defaultdict

from twisted.internet import error, reactor
from twisted.web import resource, server


class ClientManager:
    """The requests that wait for the next message, by channel."""

    def __init__(self):
        self.channels = defaultdict(set)

    def register_client(self, channel, request):
        waiting = self.channels[channel]
        waiting.add(request)
        request.notifyFinish().addErrback(lambda _: waiting.discard(request))  # the client left

    def broadcast_message(self, channel, message):
        for request in self.channels.pop(channel, ()):
            request.setHeader(b"content-type", b"text/plain;charset=utf-8")
            request.setHeader(b"content-length", b"%d" % len(message))
            request.write(message)
            request.finish()

    def held_requests(self):
        return sum(map(len, self.channels.values()))


clients = ClientManager()


def argument(request, name, default):
    return request.args.get(name, [default])[0]


class Subscribe(resource.Resource):
    isLeaf = True

    def render_GET(self, request):
        clients.register_client(argument(request, b"channel", b"all"), request)
        return server.NOT_DONE_YET


class Publish(resource.Resource):
    isLeaf = True

    def render_GET(self, request):
        return self.publish(request, argument(request, b"message", b""))

    def render_POST(self, request):
        raw = (request.getHeader(b"content-type") or b"").startswith(b"text/plain")
        return self.publish(request, request.content.read() if raw else argument(request, b"message", b""))

    def publish(self, request, message):
        clients.broadcast_message(argument(request, b"channel", b"all"), message)
        request.setHeader(b"content-type", b"text/plain;charset=utf-8")
        return b"ok"


class Stats(resource.Resource):
    isLeaf = True

    def render_GET(self, request):
        request.setHeader(b"content-type", b"application/json")
        return json.dumps({"pattern": "twisted", "pid": os.getpid(), "held": clients.held_requests()}).encode()


class QuietSite(server.Site):
    """Writes no line for each answer: the other servers do not either."""

    def log(self, request):
        pass


class Usage(argparse.ArgumentParser):
    def error(self, message):
        self.exit(64, f"twisted: {message}; use --address A --port N\n")


def main():
    parser = Usage()
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args()
    hard = limits.getrlimit(limits.RLIMIT_NOFILE)[1]
    limits.setrlimit(limits.RLIMIT_NOFILE, (hard, hard))

    root = resource.Resource()
    for name, page in {b"subscribe": Subscribe(), b"publish": Publish(), b"stats": Stats()}.items():
        root.putChild(name, page)
    try:
        listener = reactor.listenTCP(options.port, QuietSite(root), backlog=1024, interface=options.address)
    except (error.CannotListenError, OverflowError) as problem:
        sys.exit(f"twisted: {problem}")
    print(f"READY port={listener.getHost().port} pid={os.getpid()}", flush=True)
    reactor.run()


main()
