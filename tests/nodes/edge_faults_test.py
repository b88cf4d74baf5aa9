"""A thousand held polls at HAProxy, which is reloaded under them; a node that drains, and one that is killed. Nothing
is lost, nothing is repeated, and those who are sent away do not come back at the same time."""
import os
import pathlib
import resource
import signal
import sys
import unittest

import cluster
from cluster import Haproxy, Relay, ask, wait_until
from crowd import Crowd, Poller, SentAway, largest_herd

PROGRAMS = pathlib.Path(sys.argv[1])
PATTERNS = ("async", "threaded", "fibers")
POLLS = 1000
FILES = 4 * POLLS  # a poll takes one of this program's, two of HAProxy's, one of a node's


class UnderAThousandPolls(cluster.ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        self.relays = [self.begin(Relay(PROGRAMS, self.redis, pattern)) for pattern in PATTERNS]
        self.haproxy = self.begin(Haproxy(self.relays, [], None))
        wait_until(lambda: len({ask(self.haproxy.port, "/healthz").node for _ in PATTERNS}) == 3, "all serve")
        pollers = [Poller(self.haproxy.port) for _ in range(POLLS)]
        for poller in pollers[::2]:
            poller.keeps_connection = False  # as curl's polls are
        self.crowd = Crowd(pollers)
        self.addCleanup(self.crowd.stop)
        self.sent: list[str] = []
        self.wait_until_all_are_held()

    def held(self) -> list[int]:
        return [relay.held() for relay in self.relays]

    def wait_until_all_are_held(self) -> None:
        wait_until(lambda: sum(self.held()) == POLLS, f"{POLLS} polls are held")

    def publish(self) -> None:
        self.sent.append(str(len(self.sent)))
        self.assertEqual(ask(self.haproxy.port, "/publish", self.sent[-1]).status, 200)

    def expect_each_message_once(self) -> None:
        wait_until(lambda: self.crowd.have(len(self.sent)), "everybody has all messages")
        self.wait_until_all_are_held()  # and nothing more comes
        self.crowd.stop()
        for client in self.crowd.clients:
            self.assertEqual((client.messages, client.told_of_a_gap), (self.sent, 0))

    def sent_away(self) -> list[SentAway]:
        return [told for client in self.crowd.clients for told in client.sent_away]

    def expect_spread(self, count: int) -> set[int]:
        """`count` polls have been sent away, and no more than a third of them come back at once. Their statuses."""
        wait_until(lambda: len(self.sent_away()) >= count, "its polls are sent away")
        told = self.sent_away()
        self.assertEqual(len(told), count)
        self.assertLess(largest_herd(told), count / 3)
        return {one.status for one in told}

    def test_a_reload_of_haproxy_ends_no_poll(self) -> None:
        self.publish()
        self.wait_until_all_are_held()
        old = self.haproxy.workers()
        self.haproxy.reload()
        for _ in range(100):  # no connection is lost on the way from one to the other
            self.assertEqual(ask(self.haproxy.port, "/healthz").status, 200)
        self.assertEqual((sum(self.held()), self.sent_away()), (POLLS, []))
        self.assertLess(old, self.haproxy.workers())
        for _ in range(3):
            self.publish()
        wait_until(lambda: not old & self.haproxy.workers(), "the old one has passed on its last poll")
        self.publish()
        self.expect_each_message_once()

    def test_a_node_that_drains_spreads_its_polls(self) -> None:
        self.publish()
        self.wait_until_all_are_held()
        held = self.held()[0]
        self.relays[0].stop()
        self.assertEqual(self.expect_spread(held), {503})
        for _ in range(3):
            self.publish()
        self.relays[0].start()
        self.publish()
        self.expect_each_message_once()

    def test_a_killed_node_s_polls_are_spread(self) -> None:
        self.publish()
        self.wait_until_all_are_held()
        held = self.held()[0]
        os.kill(self.relays[0].node_process(), signal.SIGKILL)
        # HAProxy tells those who come with their connection's first request, and closes the others' connections.
        self.assertEqual(self.expect_spread(held), {502, 0})
        for _ in range(4):
            self.publish()
        self.expect_each_message_once()


if __name__ == "__main__":
    cluster.skip_without("redis-server", "haproxy")
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if most < FILES:
        print(f"skipped: a process may open {most} files here; this needs {FILES}")
        sys.exit(cluster.SKIPPED)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    unittest.main(argv=sys.argv[:1] + sys.argv[2:], verbosity=2)
