"""Each row of the failure table in docs/nodes.md that relay_test does not have: what a stream that was trimmed, taken
back or refused does, and a connection that dies behind a publish."""
import pathlib
import signal
import sys
import threading
import unittest

import cluster
from between import AnswersLost
from cluster import Relay, ask, wait_until
from redis_faults import REFUSALS, OlderCopy

PROGRAMS = pathlib.Path(sys.argv[1])
STREAM, META = "{comet}:bus", "{comet}:meta"


def position(cursor: str) -> list[int]:
    return [int(part) for part in cursor.split("-")]


class Failures(cluster.ProgramTest):
    def start(self, pattern: str = "async", *options: str) -> Relay:
        return self.begin(Relay(PROGRAMS, self.redis, pattern, list(options)))

    def publish(self, relay: Relay, message: str) -> str:
        answer = relay.publish(message)
        self.assertEqual(answer.status, 200, answer.body)
        assert answer.cursor is not None
        return answer.cursor

    def expect_told_once(self, relays: list[Relay], since: str, messages: list[str]) -> None:
        """A client that polls these one after the other, from a cursor that is not continued."""
        for number, message in enumerate(messages):
            answer = relays[number % len(relays)].poll(since, timeout_s=10)
            self.assertEqual((answer.status, answer.body, answer.missed), (200, message, number == 0))
            assert answer.cursor is not None
            since = answer.cursor

    def test_a_held_poll_outlives_redis_and_gets_the_next_message(self) -> None:
        for wound in (signal.SIGKILL, signal.SIGSTOP):
            relay = self.start("threaded")
            since = self.publish(relay, "a")
            answers = []
            poll = threading.Thread(target=lambda: answers.append(relay.poll(since, timeout_s=20)))
            poll.start()
            wait_until(lambda: relay.held() == 1, "the poll is held")
            self.redis.signal(wound)
            wait_until(lambda: cluster.status_of(relay.port, "/ready") == 503, "/ready says 503")
            self.assertEqual(relay.held(), 1)
            if wound == signal.SIGSTOP:
                self.redis.signal(signal.SIGCONT)
            else:
                self.redis.kill()
                self.redis.start()
            relay.wait_until_ready()
            self.publish(relay, "b")
            poll.join()
            self.assertEqual([(answer.body, answer.missed) for answer in answers], [("b", False)])
            relay.stop()

    def test_a_flush_is_told_once_whichever_nodes_a_client_polls(self) -> None:
        relays = [self.start("async"), self.start("fibers")]
        since = self.publish(relays[0], "a")
        before = [relay.node_process() for relay in relays]
        self.assertEqual(self.redis.command("FLUSHALL"), "+OK")
        for message in ("b", "c", "d", "e"):
            self.publish(relays[1], message)
        wait_until(lambda: not {relay.node_process() for relay in relays} & {0, *before}, "new nodes")
        for relay in relays:
            relay.wait_until_ready()
        self.expect_told_once(relays, since, ["b", "c", "d", "e"])

    def test_a_reader_slower_than_the_stream_forgets_tells_of_the_gap(self) -> None:
        retain = ["--retain", "1"]
        fast, slow = self.start("async", *retain), self.start("async", *retain)
        since = self.publish(fast, "a")
        wait_until(lambda: slow.read_from("0") == ["a"], "the slow one has it")
        before = slow.node_process()
        slow.signal(signal.SIGSTOP)
        self.addCleanup(slow.signal, signal.SIGCONT)
        numbers = [str(number) for number in range(350)]  # Redis forgets a hundred at a time
        for number in numbers:
            self.publish(fast, number)
        slow.signal(signal.SIGCONT)
        wait_until(lambda: slow.node_process() not in (0, before), "its node begins anew")
        slow.wait_until_ready()
        first = slow.poll(since, timeout_s=10)
        self.assertTrue(first.missed)
        self.assertIn(first.body, numbers)
        assert first.cursor is not None
        self.assertEqual([first.body, *slow.read_from(first.cursor)], numbers[numbers.index(first.body):])

    def test_a_stream_that_went_back_begins_anew_above_all_that_was_seen(self) -> None:
        relay = self.start()
        self.publish(relay, "a")
        for key in (STREAM, META):  # what a replica had when it was cut off
            self.assertEqual(self.redis.command("COPY", key, key + ":old"), ":1")
        vanished = self.publish(relay, "b")
        before = relay.node_process()
        for key in (STREAM, META):
            self.assertEqual(self.redis.command("COPY", key + ":old", key, "REPLACE"), ":1")
        after = self.publish(relay, "c")
        self.assertGreater(position(after), position(vanished))
        wait_until(lambda: relay.node_process() not in (0, before) and relay.works(), "the node begins anew")
        self.expect_told_once([relay], vanished, ["c"])

    def test_a_redis_that_goes_on_from_an_older_copy_of_its_data_begins_anew_and_tells_it(self) -> None:
        relays = [self.start("async"), self.start("threaded")]
        self.publish(relays[0], "a")
        older = OlderCopy(self.redis)
        vanished = self.publish(relays[0], "b")
        wait_until(lambda: relays[1].read_from("0") == ["a", "b"], "both nodes have it")
        before = [relay.node_process() for relay in relays]
        older.take_over()
        wait_until(lambda: not {relay.node_process() for relay in relays} & {0, *before}, "new nodes")
        for relay in relays:
            relay.wait_until_ready()
        after = self.publish(relays[0], "c")
        self.assertGreater(position(after), position(vanished))
        wait_until(lambda: relays[1].read_from("0") == ["c"], "both nodes have it")
        self.expect_told_once(relays, vanished, ["c"])

    def test_a_redis_that_refuses_to_write_is_503_and_loses_nothing(self) -> None:
        relay = self.start()
        for refuses in REFUSALS:
            with self.subTest(refuses.__doc__):
                since = self.publish(relay, "a")
                with refuses(self.redis):
                    wait_until(lambda: self.is_refused(relay.publish("no")), "Redis itself refuses it")
                wait_until(lambda: relay.publish("b").status == 200, "Redis takes it again")
                relay.wait_until_ready()
                self.assertEqual(relay.read_from(since), ["b"])

    def is_refused(self, answer: cluster.Answer) -> bool:
        """False: the relay has not reached Redis yet."""
        self.assertEqual(answer.status, 503, answer.body)
        self.assertIsNotNone(answer.retry_after)
        self.assertIn("not published", answer.body)
        return "out of memory" in answer.body or "refused" in answer.body

    def test_a_publish_whose_answer_is_lost_is_found_in_the_stream(self) -> None:
        between = AnswersLost(self.redis.port)
        self.addCleanup(between.close)
        relay = self.begin(Relay(PROGRAMS, between, "async"))
        since = self.publish(relay, "a")
        between.arm()
        cursor = self.publish(relay, "lost answer")
        relay.wait_until_ready()
        self.publish(relay, "b")
        self.assertEqual(relay.read_from(since), ["lost answer", "b"])
        self.assertEqual(relay.poll(since).cursor, cursor)

    def test_a_node_that_does_not_start_is_said_and_tried_again(self) -> None:
        relay = Relay(PROGRAMS, self.redis, "async", node_options=["--no-such-option"])
        self.addCleanup(relay.kill)
        relay.spawn()
        wait_until(lambda: cluster.status_of(relay.port, "/ready") == 503, "/ready says 503")
        self.assertEqual(ask(relay.port, "/healthz").status, 200)
        self.assertEqual(relay.stop(), 0)


if __name__ == "__main__":
    cluster.skip_without("redis-server")
    unittest.main(argv=sys.argv[:1] + sys.argv[2:], verbosity=2)
