"""Three nodes of different patterns and two gateways behind HAProxy: clients that poll any node, and those that read
events from any gateway, get every message once, in one order, whatever is killed or stopped meanwhile."""
import http.client
import os
import pathlib
import signal
import sys
import threading
import time
import unittest

import cluster
from cluster import Haproxy, Relay, ask, wait_until
from gateway import EventStream, Gateway

PROGRAMS = pathlib.Path(sys.argv[1])
PATTERNS = ("async", "threaded", "fibers")
MESSAGES = 150
CLIENTS = 4
HISTORY = ["--history", str(MESSAGES)]
RETRY_S = 0.02


class Subscriber(threading.Thread):
    """Polls HAProxy again and again with its last cursor, until it has `wanted` messages."""

    def __init__(self, port: int, wanted: int):
        super().__init__(daemon=True)
        self.port, self.wanted = port, wanted
        self.messages: list[str] = []
        self.nodes: set[str | None] = set()
        self.told_of_a_gap = 0
        self.start()

    def run(self) -> None:
        since = "0"
        until = time.monotonic() + 3 * cluster.PATIENCE_S
        while len(self.messages) < self.wanted and time.monotonic() < until:
            try:
                answer = ask(self.port, f"/subscribe?since={since}&timeout=2")
            except (OSError, http.client.HTTPException):  # nothing came: the same poll once more
                time.sleep(RETRY_S)
                continue
            if answer.status not in (200, 204):  # no node is there, or it has just gone
                time.sleep(RETRY_S)
            if answer.status == 200:
                self.messages.append(answer.body)
                self.nodes.add(answer.node)
                self.told_of_a_gap += answer.missed
            if answer.cursor is not None:
                since = answer.cursor


class EventReader(Subscriber):
    """Reads server-sent events at HAProxy, and comes back behind the last one."""

    def run(self) -> None:
        since = "0"
        until = time.monotonic() + 3 * cluster.PATIENCE_S
        while len(self.messages) < self.wanted and time.monotonic() < until:
            try:
                with EventStream(self.port, f"/events?since={since}") as stream:
                    while len(self.messages) < self.wanted and (event := stream.next()) is not None:
                        since = event.get("id", since)
                        self.told_of_a_gap += event.get("event") == "missed"
                        if "data" in event and "event" not in event:
                            self.messages.append(event["data"])
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(RETRY_S)


class Cluster(cluster.ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.relays = [self.begin(Relay(PROGRAMS, self.redis, pattern, node_options=HISTORY)) for pattern in PATTERNS]
        self.gateways = [self.begin(Gateway(PROGRAMS, self.redis, *HISTORY, heartbeat="5")) for _ in range(2)]
        self.haproxy = self.begin(Haproxy(self.relays, self.gateways, None))
        self.publish_port = self.haproxy.port
        wait_until(lambda: len({ask(self.haproxy.port, "/healthz").node for _ in PATTERNS}) == 3, "all serve")

    def publish_until_taken(self, message: str) -> None:
        """As a publisher does: what is said not to be published is sent again."""
        def is_taken() -> bool:
            try:
                answer = ask(self.publish_port, "/publish", message)
            except OSError:
                self.fail(f"it is not known whether {message} was published")
            self.assertNotIn("not known", answer.body)
            return answer.status == 200
        wait_until(is_taken, f"{message} is published")

    def expect_all_once_in_order(self, disturb) -> None:
        """`disturb` is called with the number of each message before it is published."""
        subscribers = [kind(self.haproxy.port, MESSAGES) for kind in (Subscriber, EventReader) for _ in range(CLIENTS)]
        sent = [str(number) for number in range(MESSAGES)]
        for number, message in enumerate(sent):
            disturb(number)
            self.publish_until_taken(message)
        for subscriber in subscribers:
            subscriber.join(3 * cluster.PATIENCE_S)
            self.assertEqual(subscriber.messages, sent)
            self.assertEqual(subscriber.told_of_a_gap, 0)

    def test_clients_get_every_message_once_from_all_nodes_in_turn(self) -> None:
        self.expect_all_once_in_order(lambda number: None)

    def test_polls_round_robin_over_the_nodes_get_one_order_of_three_publishers(self) -> None:
        def publish(relay: Relay) -> None:
            for number in range(MESSAGES // 3):
                self.assertEqual(relay.publish(f"{relay.port} {number}").status, 200)
        publishers = [threading.Thread(target=publish, args=[relay]) for relay in self.relays]
        for publisher in publishers:
            publisher.start()
        orders = []
        for first in range(3):
            since, got = "0", []
            while len(got) < MESSAGES:
                answer = self.relays[(first + len(got)) % 3].poll(since, timeout_s=10)
                self.assertEqual((answer.status, answer.missed), (200, False))
                assert answer.cursor is not None
                got.append(answer.body)
                since = answer.cursor
            orders.append(got)
        for publisher in publishers:
            publisher.join()
        self.assertEqual(orders[0], orders[1])
        self.assertEqual(orders[0], orders[2])
        self.assertEqual(len(set(orders[0])), MESSAGES)

    def test_killed_nodes_lose_and_repeat_nothing(self) -> None:
        def kill_one(number: int) -> None:
            if number in (30, 60, 90):
                process = self.relays[number // 30 - 1].node_process()
                if process:
                    os.kill(process, signal.SIGKILL)
        self.expect_all_once_in_order(kill_one)

    def test_a_killed_relay_loses_and_repeats_nothing(self) -> None:
        """Its publishes in flight would be of unknown outcome; here there are none when it is killed."""
        def kill_and_start(number: int) -> None:
            if number == 40:
                self.relays[0].kill()
                self.wait_until_left_out()
            if number == 80:
                self.relays[0].start()
        self.expect_all_once_in_order(kill_and_start)

    def test_a_killed_redis_loses_and_repeats_nothing(self) -> None:
        def kill_and_start(number: int) -> None:
            if number == 50:
                self.redis.kill()
                self.redis.start()
        self.expect_all_once_in_order(kill_and_start)

    def test_a_stopped_haproxy_passes_on_everything_when_it_goes_on(self) -> None:
        def stop_and_continue(number: int) -> None:
            if number == 50:
                self.haproxy.signal(signal.SIGSTOP)
                self.publish_port = self.relays[0].port
            if number == 100:
                self.haproxy.signal(signal.SIGCONT)
                self.publish_port = self.haproxy.port
        self.expect_all_once_in_order(stop_and_continue)

    def test_a_stopped_node_is_replaced_and_loses_and_repeats_nothing(self) -> None:
        process = self.relays[0].node_process()

        def stop_one(number: int) -> None:
            if number == 50:
                os.kill(process, signal.SIGSTOP)
            if number == 100:
                wait_until(lambda: not pathlib.Path(f"/proc/{process}").exists(), "its relay has ended it")
        self.expect_all_once_in_order(stop_one)

    def test_a_killed_gateway_loses_and_repeats_nothing(self) -> None:
        def kill_and_start(number: int) -> None:
            if number == 50:
                self.gateways[0].kill()
            if number == 100:
                self.gateways[0].start()
        self.expect_all_once_in_order(kill_and_start)

    def test_a_stopped_gateway_loses_and_repeats_nothing(self) -> None:
        def stop_and_continue(number: int) -> None:
            if number == 50:
                self.gateways[0].signal(signal.SIGSTOP)
            if number == 100:
                self.gateways[0].signal(signal.SIGCONT)
        self.expect_all_once_in_order(stop_and_continue)

    def test_a_stopped_relay_gets_no_polls_and_reads_on(self) -> None:
        relay = self.relays[1]
        relay.signal(signal.SIGSTOP)
        self.wait_until_left_out()
        sent = [str(number) for number in range(20)]
        for message in sent:
            self.publish_until_taken(message)
        relay.signal(signal.SIGCONT)
        wait_until(lambda: len(relay.read_from("0")) == len(sent), "its node has all messages")
        self.assertEqual(relay.read_from("0"), sent)

    def test_a_killed_haproxy_loses_and_repeats_nothing(self) -> None:
        def kill_and_start(number: int) -> None:
            if number == 50:
                self.haproxy.kill()
                self.haproxy.start()
        self.expect_all_once_in_order(kill_and_start)

    def wait_until_left_out(self) -> None:
        """HAProxy asks two of the three nodes only: each of a few polls goes to one of these."""
        wait_until(lambda: len({ask(self.haproxy.port, "/subscribe?timeout=0").node for _ in range(6)}) == 2,
                   "one node gets no polls any more")


if __name__ == "__main__":
    cluster.skip_without("redis-server", "haproxy")
    unittest.main(argv=sys.argv[:1] + sys.argv[2:], verbosity=2)
