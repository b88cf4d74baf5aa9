"""A Redis whose answer to a publish is lost."""
import socket
import threading

PUBLISH = b"*12\r\n"  # the script's command with that many words; what only opens the log has fewer


class AnswersLost:
    """Stands for Redis at a relay, and passes on. After arm() the connection that brings the next publish is cut once
    that has been passed on, so its answer comes to nobody."""

    def __init__(self, redis_port: int):
        self.redis_port = redis_port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.is_armed = False
        threading.Thread(target=self.accept, daemon=True).start()

    def arm(self) -> None:
        self.is_armed = True

    def close(self) -> None:
        self.listener.close()

    def accept(self) -> None:
        while True:
            try:
                relay, _ = self.listener.accept()
            except OSError:
                return
            try:
                redis = socket.create_connection(("127.0.0.1", self.redis_port))
            except OSError:  # it does not run
                relay.close()
                continue
            threading.Thread(target=self.pass_on, args=[relay, redis, True], daemon=True).start()
            threading.Thread(target=self.pass_on, args=[redis, relay, False], daemon=True).start()

    def pass_on(self, source: socket.socket, target: socket.socket, to_redis: bool) -> None:
        try:
            while received := source.recv(65536):
                if to_redis and self.is_armed and PUBLISH in received:
                    self.is_armed = False
                    source.shutdown(socket.SHUT_WR)  # the relay hears the end before Redis hears the publish
                target.sendall(received)
            target.shutdown(socket.SHUT_WR)
        except OSError:  # cut by the other direction
            pass
        finally:
            source.close()
