"""A failover by Sentinel: what a replica had is there, what it had not yet vanishes, and which of both a publisher is
told. HAProxy gives the relay one address for whichever Redis is the master."""
import pathlib
import socket
import sys
import unittest

import cluster
from between import Cut
from cluster import Program, Redis, Relay, free_port, wait_until
from programs import FOLDER

PROGRAMS = pathlib.Path(sys.argv[1])
MESSAGES = 10


class Sentinel(Program):
    def __init__(self, folder: pathlib.Path, master: Redis):
        self.port = free_port()
        config = folder / "sentinel.conf"
        config.write_text(f"bind 127.0.0.1\nport {self.port}\nsentinel monitor comet 127.0.0.1 {master.port} 1\n"
                          "sentinel down-after-milliseconds comet 500\nsentinel failover-timeout comet 2000\n")
        super().__init__(["redis-server", str(config), "--sentinel", "--loglevel", "warning"])

    def works(self) -> bool:
        """It knows the replica."""
        try:
            return Redis.command(self, "SENTINEL", "REPLICAS", "comet") == "*1"
        except OSError:
            return False


class MasterAddress(Program):
    """Where nobody gets to a replica any more, once it has started."""

    def __init__(self, *redises: Redis):
        self.port = free_port()
        addresses = {f"COMET_REDIS_{number}": f"127.0.0.1:{redis.port}" for number, redis in enumerate(redises, 1)}
        super().__init__(["haproxy", "-db", "-f", str(FOLDER / "haproxy_redis.cfg")],
                         {"COMET_REDIS": f"127.0.0.1:{self.port}", **addresses})

    def works(self) -> bool:
        try:
            return all("role:master" in Redis.command(self, "INFO", "replication") for _ in range(4))
        except OSError:
            return False


class Failover(cluster.ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.link = Cut(self.redis.port)  # by which the replica gets what the master has
        self.addCleanup(self.link.close)
        folder = self.folder / "replica"
        folder.mkdir()
        self.replica = self.begin(Redis(folder, "--replicaof", "127.0.0.1", str(self.link.port)))
        wait_until(lambda: "master_link_status:up" in self.replica.command("INFO", "replication"), "it follows")
        self.begin(Sentinel(self.folder, self.redis))
        self.relay = self.begin(Relay(PROGRAMS, self.begin(MasterAddress(self.redis, self.replica)), "async"))

    def publish(self, message: str) -> str:
        """Its cursor."""
        answer = self.relay.publish(message)
        assert answer.status == 200 and answer.cursor is not None, answer
        return answer.cursor

    def offset(self, redis: Redis) -> str:
        lines = redis.command("INFO", "replication").split()
        return next(line for line in lines if line.startswith("master_repl_offset:"))

    def fail_over(self) -> None:
        self.redis.kill()
        wait_until(lambda: "role:master" in self.replica.command("INFO", "replication"), "the replica is the master")
        wait_until(lambda: self.relay.publish("after").status == 200, "publishes are taken again")
        self.relay.wait_until_ready()

    def test_what_the_replica_had_is_there_and_nobody_is_told_of_a_gap(self) -> None:
        sent = [str(number) for number in range(MESSAGES)]
        since = [self.publish(message) for message in sent][0]
        wait_until(lambda: self.offset(self.replica) == self.offset(self.redis), "the replica has it all")
        self.fail_over()
        self.assertEqual(self.relay.read_from("0"), [*sent, "after"])
        self.assertFalse(self.relay.poll(since).missed)

    def test_what_the_replica_had_not_vanishes_and_is_told_to_those_who_had_it(self) -> None:
        self.publish("a")
        wait_until(lambda: self.offset(self.replica) == self.offset(self.redis), "the replica has it all")
        self.link.cut()
        vanished = self.publish("accepted, and lost")
        self.fail_over()
        self.assertEqual(self.relay.read_from("0"), ["after"])
        self.assertTrue(self.relay.poll(vanished).missed)

    def test_wait_1_tells_what_may_vanish(self) -> None:
        """As a publisher would do it, for the relay does not."""
        known = self.publish_and_wait("1")
        self.link.cut()
        unknown = self.publish_and_wait("0")
        self.fail_over()
        there = self.replica.command("LRANGE", "list", "0", "-1")
        self.assertEqual((there, known, unknown), (f"*{MESSAGES}", MESSAGES, MESSAGES))

    def publish_and_wait(self, expected: str) -> int:
        """How many messages as many replicas had as expected."""
        master = socket.create_connection(("127.0.0.1", self.redis.port))
        with master, master.makefile("rwb") as lines:
            count = 0
            for _ in range(MESSAGES):
                lines.write(b"LPUSH list message\r\nWAIT 1 %d\r\n" % (100 if expected == "0" else 30_000))
                lines.flush()
                lines.readline()
                count += lines.readline() == f":{expected}\r\n".encode()
            return count


if __name__ == "__main__":
    cluster.skip_without("redis-server", "haproxy")
    unittest.main(argv=sys.argv[:1] + sys.argv[2:], verbosity=2)
