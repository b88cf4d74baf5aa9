"""What Redis may answer instead of taking a publish, and how it goes back in time. A real one does it, by settings."""
import contextlib
import shutil
from collections.abc import Iterator

from cluster import Redis, wait_until

# In a database of its own.
FILL = "redis.call('SELECT', 1) for i = 1, 3000 do redis.call('SET', i, string.rep('x', 1000)) end"
EMPTY = "redis.call('SELECT', 1) redis.call('FLUSHDB')"


def set_to(redis: Redis, name: str, value: str) -> None:
    reply = redis.command("CONFIG", "SET", name, value)
    assert reply == "+OK", reply


@contextlib.contextmanager
def out_of_memory(redis: Redis) -> Iterator[None]:
    """-OOM"""
    set_to(redis, "maxmemory", "1")
    yield
    set_to(redis, "maxmemory", "0")


@contextlib.contextmanager
def a_replica(redis: Redis) -> Iterator[None]:
    """-READONLY, of a master that nobody reaches."""
    redis.command("REPLICAOF", "127.0.0.1", "1")
    yield
    redis.command("REPLICAOF", "NO", "ONE")


@contextlib.contextmanager
def unable_to_save(redis: Redis) -> Iterator[None]:
    """-MISCONF, because a folder has the name of the file that Redis is to write."""
    in_the_way = redis.folder / "dump.rdb"
    in_the_way.mkdir()
    set_to(redis, "save", "3600 1000000")
    redis.command("BGSAVE")
    wait_until(lambda: "rdb_last_bgsave_status:err" in redis.command("INFO", "persistence"), "Redis cannot save")
    yield
    set_to(redis, "save", "")
    in_the_way.rmdir()


@contextlib.contextmanager
def loading(redis: Redis) -> Iterator[None]:
    """-LOADING: it is killed, and reads its data for as long as this lasts (30 s at most)."""
    set_to(redis, "rdbcompression", "no")
    redis.command("EVAL", FILL, "0")
    redis.command("BGREWRITEAOF")
    wait_until(lambda: not {"aof_rewrite_in_progress:1", "aof_rewrite_scheduled:1"} &
               set(redis.command("INFO", "persistence").split()), "Redis has written its data anew")
    redis.kill()
    words = redis.words
    # It answers after each KiB that it has read, and waits 10 ms after each key.
    redis.words = [*words, "--loading-process-events-interval-bytes", "1024", "--key-load-delay", "10000"]
    redis.spawn()
    redis.words = words
    wait_until(lambda: is_loading(redis), "Redis reads its data")
    yield
    set_to(redis, "key-load-delay", "0")
    wait_until(redis.works, "Redis has read its data")
    redis.command("EVAL", EMPTY, "0")


def is_loading(redis: Redis) -> bool:
    try:
        return redis.command("PING").startswith("-LOADING")
    except OSError:
        return False


REFUSALS = (out_of_memory, a_replica, unable_to_save, loading)


class OlderCopy:
    """Of Redis' data: what a replica has that lacks the end."""

    def __init__(self, redis: Redis):
        self.redis = redis
        self.data, self.copy = redis.folder / "appendonlydir", redis.folder / "older"
        shutil.copytree(self.data, self.copy)

    def take_over(self) -> None:
        self.redis.kill()
        shutil.rmtree(self.data)
        self.copy.rename(self.data)
        self.redis.start()
