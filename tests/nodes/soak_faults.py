"""What the soak does to its programs. A fault is a function that does it, waits for what must come of it, and undoes
it; that everything works again is seen to by its caller."""
import contextlib
import os
import random
import signal
import time
from collections.abc import Callable, Iterator

from cluster import Program, wait_until
from redis_faults import REFUSALS, OlderCopy

OVERRUN = 350  # messages: more than the stream keeps, and Redis forgets a hundred at a time


class Faults:
    def __init__(self, soak, chance: random.Random, longest_s: float):
        self.soak, self.chance, self.longest_s = soak, chance, longest_s
        groups = {"Redis": [soak.redis], "a relay": soak.relays, "a gateway": soak.gateways, "HAProxy": [soak.haproxy]}
        self.all: dict[str, Callable[[], None]] = {}
        for name, programs in groups.items():
            self.all[f"{name} is killed"] = lambda programs=programs: self.kill(self.chance.choice(programs))
            self.all[f"{name} is stopped"] = lambda programs=programs: self.stop(self.chance.choice(programs))
        for refuses in REFUSALS:
            self.all[f"Redis is {refuses.__name__.replace('_', ' ')}"] = lambda refuses=refuses: self.refuse(refuses)
        self.all |= {"a node is killed": lambda: self.wound_node(signal.SIGKILL),
                     "a node is stopped": lambda: self.wound_node(signal.SIGSTOP),
                     "a relay drains": self.drain_relay,
                     "HAProxy is reloaded": self.soak.haproxy.reload,
                     "an answer is lost": self.lose_answer,
                     "Redis is flushed": self.flush,
                     "Redis goes back": self.go_back,
                     "a relay is slower than the stream forgets": self.overrun}

    def wait(self) -> None:
        time.sleep(self.chance.uniform(0.1, self.longest_s))  # how long it lasts; nothing depends on it

    def kill(self, program: Program) -> None:
        program.kill()
        self.wait()
        program.start()

    def stop(self, program: Program) -> None:
        program.signal(signal.SIGSTOP)
        self.wait()
        program.signal(signal.SIGCONT)

    def refuse(self, refuses) -> None:
        with refuses(self.soak.redis):
            self.wait()

    def wound_node(self, wound: signal.Signals) -> None:
        relay = self.chance.choice(self.soak.relays)
        process = relay.node_process()
        assert process > 0, "it works: the fault before has ended"
        publisher = self.soak.publisher
        most_behind = publisher.most_behind
        publisher.most_behind *= 2  # a relay notices a stopped node by the next message, whoever waits at that node
        os.kill(process, wound)
        wait_until(lambda: relay.node_process() not in (0, process), "its relay has started another one")
        publisher.most_behind = most_behind

    def drain_relay(self) -> None:
        relay = self.chance.choice(self.soak.relays)
        relay.stop()
        self.wait()
        relay.start()

    def lose_answer(self) -> None:
        self.soak.between.arm()
        wait_until(lambda: not self.soak.between.is_armed, "a publish has come by")

    def flush(self) -> None:
        with self.new_nodes(), self.soak.at_rest():
            self.soak.redis.command("FLUSHALL")

    def go_back(self) -> None:
        with self.soak.at_rest():
            older = OlderCopy(self.soak.redis)
        count = self.soak.publisher.count()
        wait_until(lambda: self.soak.publisher.count() > count + 5, "messages follow that the copy does not have")
        with self.new_nodes(), self.soak.at_rest():
            older.take_over()

    @contextlib.contextmanager
    def new_nodes(self) -> Iterator[None]:
        """Each node must begin anew. (After a flush they do when the next message comes.)"""
        before = [relay.node_process() for relay in self.soak.relays]
        yield
        wait_until(lambda: not {relay.node_process() for relay in self.soak.relays} & {0, *before}, "all begin anew")

    def overrun(self) -> None:
        relay = self.chance.choice(self.soak.relays)
        process, count = relay.node_process(), self.soak.publisher.count()
        relay.signal(signal.SIGSTOP)
        self.soak.wait_long_until(lambda: self.soak.publisher.count() > count + OVERRUN)
        relay.signal(signal.SIGCONT)
        wait_until(lambda: relay.node_process() not in (0, process), "its node begins anew")
