"""What stands between Redis and those who connect to it, and passes their bytes on as long as it should."""
import socket
import threading

PUBLISH = b"*12\r\n"  # the script's command with that many words; what only opens the log has fewer


class Between:
    def __init__(self, redis_port: int):
        self.redis_port = redis_port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self) -> None:
        self.listener.close()

    def accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                redis = socket.create_connection(("127.0.0.1", self.redis_port))
            except OSError:  # it does not run
                client.close()
                continue
            threading.Thread(target=self.pass_on, args=[client, redis, True], daemon=True).start()
            threading.Thread(target=self.pass_on, args=[redis, client, False], daemon=True).start()

    def pass_on(self, source: socket.socket, target: socket.socket, to_redis: bool) -> None:
        try:
            while received := source.recv(65536):
                self.look(source, received, to_redis)
                target.sendall(received)
            target.shutdown(socket.SHUT_WR)
        except OSError:  # cut by the other direction
            pass
        finally:
            source.close()

    def look(self, source: socket.socket, received: bytes, to_redis: bool) -> None:
        """Before these bytes are passed on. An OSError cuts the connection."""


class AnswersLost(Between):
    """After arm() the connection that brings the next publish is cut once that has been passed on, so its answer comes
    to nobody."""
    is_armed = False

    def arm(self) -> None:
        self.is_armed = True

    def look(self, source: socket.socket, received: bytes, to_redis: bool) -> None:
        if to_redis and self.is_armed and PUBLISH in received:
            self.is_armed = False
            source.shutdown(socket.SHUT_WR)  # the relay hears the end before Redis hears the publish


class Cut(Between):
    """After cut() nothing of what Redis sends arrives any more."""
    is_cut = False

    def cut(self) -> None:
        self.is_cut = True

    def look(self, source: socket.socket, received: bytes, to_redis: bool) -> None:
        if self.is_cut:
            raise ConnectionResetError
