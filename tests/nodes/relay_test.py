"""comet-relay with real nodes and a real Redis: one order everywhere, and what a failure of any of them does."""
import os
import pathlib
import signal
import sys
import threading
import unittest

import cluster
from cluster import Relay, ask, wait_until

PROGRAMS = pathlib.Path(sys.argv[1])

# Of docs/nodes.md.
ALLOWED = "~{comet}:* +eval +time +xread +xrange +xadd +hmget +hset +hincrby +exists +del".split()


def open_files(process: int) -> set[str]:
    names = set()
    for descriptor in pathlib.Path(f"/proc/{process}/fd").iterdir():
        try:
            names.add(os.readlink(descriptor))
        except FileNotFoundError:  # closed meanwhile
            pass
    return names


class RelayTest(cluster.ProgramTest):
    def start(self, pattern: str = "async", *options: str, user: str = "") -> Relay:
        return self.begin(Relay(PROGRAMS, self.redis, pattern, list(options), user=user))

    def publish(self, relay: Relay, *messages: str) -> list[str]:
        """Their cursors."""
        cursors = []
        for message in messages:
            answer = relay.publish(message)
            self.assertEqual(answer.status, 200, answer.body)
            assert answer.cursor is not None
            cursors.append(answer.cursor)
        return cursors


class Ordinary(RelayTest):
    def test_all_nodes_have_the_same_messages_with_the_same_cursors(self) -> None:
        relays = [self.start(pattern) for pattern in ("async", "threaded", "prefork", "continuations", "fibers")]
        cursors = self.publish(relays[0], "a") + self.publish(relays[1], "b") + self.publish(relays[4], "c")
        for relay in relays:
            wait_until(lambda: relay.poll("0").status == 200 and len(relay.read_from("0")) == 3, "all are there")
            self.assertEqual(relay.read_from("0"), ["a", "b", "c"])
            self.assertEqual([relay.poll(since).cursor for since in ["0", *cursors[:2]]], cursors)

    def test_a_client_goes_from_node_to_node_and_gets_each_message_once(self) -> None:
        relays = [self.start("async"), self.start("threaded")]
        sent = [str(i) for i in range(40)]
        publisher = threading.Thread(target=lambda: self.publish(relays[0], *sent))
        publisher.start()
        since, got = "0", []
        while len(got) < len(sent):
            answer = relays[len(got) % 2].poll(since, timeout_s=10)
            self.assertEqual(answer.status, 200, f"after {got}")
            self.assertFalse(answer.missed)
            assert answer.cursor is not None
            got.append(answer.body)
            since = answer.cursor
        publisher.join()
        self.assertEqual(got, sent)

    def test_a_late_node_has_everything_before_it_is_ready(self) -> None:
        sent = [str(i) for i in range(100)]
        self.publish(self.start(), *sent)
        self.assertEqual(self.start("fibers").read_from("0"), sent)

    def test_polls_at_the_relay_and_publishes_at_the_node_are_told_where_to_go(self) -> None:
        relay = self.start()
        at_relay = ask(relay.port, "/subscribe")
        self.assertEqual(at_relay.status, 421)
        self.assertIn("node", at_relay.body)
        at_node = ask(relay.node_port, "/publish", "m")
        self.assertEqual(at_node.status, 401)
        self.assertIn("relay", at_node.body)

    def test_it_ends_its_node_when_it_is_told_to_end_and_when_it_is_killed(self) -> None:
        relay = self.start()
        self.assertEqual(relay.stop(), 0)
        wait_until(lambda: cluster.status_of(relay.node_port, "/healthz") == 0, "the node has ended")
        relay = self.start()
        relay.kill()
        wait_until(lambda: cluster.status_of(relay.node_port, "/healthz") == 0, "the node has ended")


    def test_its_node_inherits_no_descriptor_but_the_token(self) -> None:
        relay = self.start()
        of_relay, of_node = open_files(relay.process.pid), open_files(relay.node_process())
        self.assertEqual([name for name in of_relay & of_node if name.startswith("socket:")], [])
        self.assertEqual(len([name for name in of_node if "memfd:token" in name]), 1)


class Access(RelayTest):
    def file_with(self, content: str) -> str:
        file = self.folder / "secret"
        file.write_text(content + "\n")
        return str(file)

    def test_its_redis_user_may_only_what_is_needed(self) -> None:
        self.assertEqual(self.redis.command("ACL", "SETUSER", "relay", "on", ">secret", *ALLOWED), "+OK")
        relay = self.start("async", "--redis-password-file", self.file_with("secret"), user="relay")
        self.publish(relay, "a", "b")
        wait_until(lambda: len(relay.read_from("0")) == 2, "both are there")

    def test_publishers_need_the_token(self) -> None:
        relay = self.start("async", "--publish-token-file", self.file_with("token"))
        self.assertEqual(relay.publish("m").status, 401)
        self.assertEqual(relay.read_from("0"), [])


class Failures(RelayTest):
    def test_a_node_that_was_stopped_is_started_anew(self) -> None:
        relay = self.start()
        self.publish(relay, "a")
        before = relay.node_process()
        os.kill(before, signal.SIGSTOP)
        self.publish(relay, "b")
        wait_until(lambda: not relay.works(), "/ready says that the node does not answer")
        wait_until(lambda: relay.works() and relay.node_process() not in (0, before), "a new node is ready")
        self.assertEqual(relay.read_from("0"), ["a", "b"])

    def test_a_killed_node_comes_back_with_all_messages_and_the_same_cursors(self) -> None:
        relay = self.start()
        cursors = self.publish(relay, "a", "b")
        before = relay.node_process()
        os.kill(before, signal.SIGKILL)
        wait_until(lambda: relay.node_process() not in (0, before) and relay.works(), "a new node is ready")
        self.assertEqual(relay.poll(cursors[0]).body, "b")
        self.assertFalse(relay.poll(cursors[0]).missed)

    def test_without_redis_publishes_are_503_and_the_node_is_not_ready_but_holds(self) -> None:
        relay = self.start()
        since = self.publish(relay, "a")[0]
        self.redis.kill()
        wait_until(lambda: cluster.status_of(relay.port, "/ready") == 503, "/ready says 503")
        refused = relay.publish("lost")
        self.assertEqual(refused.status, 503)
        self.assertIsNotNone(refused.retry_after)
        self.assertEqual(relay.poll(since).status, 204)
        self.redis.start()
        relay.wait_until_ready()
        self.publish(relay, "b")
        self.assertEqual(relay.poll(since, timeout_s=10).body, "b")

    def test_a_stopped_redis_does_not_publish_later_what_was_said_to_have_failed(self) -> None:
        relay = self.start()
        since = self.publish(relay, "a")[0]
        self.redis.signal(signal.SIGSTOP)
        refused = relay.publish("too late")
        self.assertEqual(refused.status, 503)
        wait_until(lambda: cluster.status_of(relay.port, "/ready") == 503, "/ready says 503")
        self.redis.signal(signal.SIGCONT)
        relay.wait_until_ready()
        self.publish(relay, "b")
        self.assertEqual(relay.poll(since, timeout_s=10).body, "b")

    def test_a_flushed_redis_is_told_to_each_client_once(self) -> None:
        relay = self.start()
        since = self.publish(relay, "a")[0]
        self.redis.command("FLUSHALL")
        before = relay.node_process()
        self.publish(relay, "b")
        wait_until(lambda: relay.node_process() not in (0, before) and relay.works(), "the node begins anew")
        answer = relay.poll(since, timeout_s=10)
        self.assertEqual((answer.body, answer.missed), ("b", True))
        assert answer.cursor is not None
        self.publish(relay, "c")
        answer = relay.poll(answer.cursor, timeout_s=10)
        self.assertEqual((answer.body, answer.missed), ("c", False))


if __name__ == "__main__":
    cluster.skip_without("redis-server")
    unittest.main(argv=sys.argv[:1])
