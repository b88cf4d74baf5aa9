"""What a client costs that waits at the gateway, by server-sent events or WebSocket, and one that waits at a server."""
import base64
import contextlib
import os
import pathlib
import resource
import socket

from load import Failed, LoadGenerator
from memory import app_bytes, kernel_bytes
from programs import PATIENCE_S, Gateway, Redis, running

MESSAGE = "x" * 64
SPARE_FILES = 100
REQUESTS = {
    "sse": "GET /events?channel=all HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "websocket": "GET /ws?channel=all HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n\r\n",
}


def measure_gateway(way: str, held: int, programs: pathlib.Path, folder: pathlib.Path) -> dict[str, float]:
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and held + SPARE_FILES > most:
        raise Failed(f"{held:,} clients need more open files than the {most:,} that a process may have here")
    redis = Redis(folder)
    gateway = Gateway(programs, redis)
    with running(redis, gateway), contextlib.ExitStack() as clients:
        assert gateway.process is not None
        app, kernel = app_bytes(gateway.process.pid), kernel_bytes()
        waiting = [clients.enter_context(wait_at(gateway.port, way)) for _ in range(held)]
        publish(gateway.port)
        for client in waiting:
            read_until(client, MESSAGE.encode())
        return {"app": (app_bytes(gateway.process.pid) - app) / held, "kernel": (kernel_bytes() - kernel) / held}


def wait_at(port: int, way: str) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
    client.sendall(REQUESTS[way].encode())
    read_until(client, b"welcome")
    return client


def read_until(client: socket.socket, text: bytes) -> None:
    came = b""
    while text not in came:
        if not (more := client.recv(4096)):
            raise Failed(f"the gateway closed a connection after {came[-200:]!r}")
        came += more


def publish(port: int) -> None:
    body = f"POST /publish HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: {len(MESSAGE)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as publisher:
        publisher.sendall((body + MESSAGE).encode())
        read_until(publisher, b"200 OK")


def measure_model(model: str, held: int, load: LoadGenerator) -> dict[str, float]:
    repeat = load.hold(model, held)["repeats"][0]
    return {"app": repeat["user_memory"]["per_held_bytes"], "kernel": repeat["kernel_memory"]["per_held_bytes"]}
