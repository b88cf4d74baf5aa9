"""The scenario language: a file's text becomes scenarios, each a list of statements, or refused with a reason.

A scenario drives one server. It can wait for events only (an answer, a counter of /stats, the end of the process), and
a statement whose effect depends on another connection must not come before that connection is known to be settled."""
import re
import shlex
from dataclasses import dataclass, field

MOST_STATEMENTS = 12
OPTIONS = ("--hold-timeout", "--history", "--max-message", "--max-held", "--header-timeout", "--idle-timeout",
           "--publish-work", "--publish-work-threads", "--publish-token-file")
COUNTERS = ("held", "published", "delivered", "timeouts", "disconnects", "rejected", "channels")
SIGNALS = ("TERM", "INT", "HUP")
FORMS = {
    "server": "server OPTION VALUE ...",
    "subscribe": "subscribe NAME [channel=NAME] [since=CURSOR] [timeout=SECONDS]",
    "publish": "publish TEXT [channel=NAME] [HEADER:VALUE ...]",
    "request": "request NAME METHOD TARGET [HEADER:VALUE ...] [BODY]",
    "send": 'send NAME "BYTES"',
    "expect": "expect NAME STATUS [BODY] [HEADER:VALUE ...] [before NAME], expect NAME closed, or expect exit STATUS",
    "wait": "wait COUNTER NUMBER",
    "close": "close NAME",
    "reset": "reset NAME",
    "signal": "signal TERM, INT or HUP",
}


class Refused(Exception):
    """What is wrong with a scenario: one line that says what to write."""


@dataclass
class Statement:
    line: int
    text: str
    verb: str
    name: str = ""                               # of the connection, the counter or the signal
    words: list = field(default_factory=list)    # what is not in the members below
    options: dict = field(default_factory=dict)  # channel, since, timeout
    headers: list = field(default_factory=list)  # pairs of name and value
    body: str | None = None
    before: str = ""

    def refuse(self, reason):
        raise Refused(f"line {self.line}, '{self.text}': {reason}")


def parse(text):
    """Name to statements, and name to the reason of each scenario that is refused. A line that begins with // says
    something to the reader."""
    scenarios, refused = {}, {}
    for name, lines in divide(text).items():
        try:
            scenarios[name] = parse_scenario(lines)
        except Refused as reason:
            refused[name] = str(reason)
    return scenarios, refused


def divide(text):
    """Name to its lines with their numbers."""
    divided, name = {}, None
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("//"):
            continue
        if line.split()[0] == "scenario":
            name = line.partition(" ")[2].strip()
            if not re.fullmatch(r"\w+", name) or name in divided:
                raise Refused(f"line {number}, '{line}': write 'scenario NAME', with another name for each")
            divided[name] = []
        elif name is None:
            raise Refused(f"line {number}, '{line}': the first statement is 'scenario NAME'")
        else:
            divided[name].append((number, line))
    return divided


def parse_scenario(lines):
    statements = []
    for number, line in lines:
        try:
            words = [unescaped(word) for word in shlex.split(line)]
        except ValueError:
            raise Refused(f"line {number}, '{line}': a quotation mark is not closed") from None
        statements.append(read_statement(Statement(number, line, words[0]), words[1:]))
    if not statements:
        raise Refused("it has no statement")
    if len(statements) > MOST_STATEMENTS:
        raise Refused(f"it has {len(statements)} statements, and may have {MOST_STATEMENTS}: test one thing")
    check_names(statements)
    check_order(statements)
    return statements


def unescaped(word):
    return word.replace("\\r", "\r").replace("\\n", "\n")


def read_statement(statement, words):
    verb = statement.verb
    if verb in ("sleep", "pause") or (verb == "wait" and words and re.match(r"[\d.]", words[0])):
        statement.refuse("time is no event. Wait for what the time was for: 'wait held 1', or 'expect a 204'")
    if verb not in FORMS:
        statement.refuse(f"'{verb}' is no statement. There are {', '.join(FORMS)}")
    if verb == "server":
        statement.words = words
        return read_server(statement)
    if not words:
        statement.refuse(f"write {FORMS[verb]}")
    if verb == "publish":
        statement.body, rest = words[0], words[1:]
    else:
        statement.name, rest = words[0], words[1:]
    if verb == "subscribe" or verb == "publish":
        rest = read_options(statement, rest)
    needed = {"request": 2, "send": 1, "expect": 1, "wait": 1}.get(verb, 0)
    if len(rest) < needed or (len(rest) > needed and verb not in ("request", "expect", "publish")):
        statement.refuse(f"write {FORMS[verb]}")
    statement.words = rest[:needed]
    read_rest(statement, rest[needed:])
    check_values(statement)
    return statement


def read_server(statement):
    words = statement.words
    if len(words) % 2:
        statement.refuse("each option needs a value")
    for option in words[::2]:
        if option not in OPTIONS:
            statement.refuse(f"'{option}' cannot be used here. There are {', '.join(OPTIONS)}")
    return statement


def read_options(statement, words):
    known = ("channel", "since", "timeout") if statement.verb == "subscribe" else ("channel",)
    rest = []
    for word in words:
        key, separator, value = word.partition("=")
        if separator and key in known:
            statement.options[key] = value
        else:
            rest.append(word)
    return rest


# Headers, a body and "before NAME", in any order.
def read_rest(statement, words):
    words = list(words)
    while words:
        word = words.pop(0)
        if word == "before" and statement.verb == "expect" and words:
            statement.before = words.pop(0)
        elif re.match(r"[A-Z][A-Za-z-]*:", word):
            name, _, value = word.partition(":")
            statement.headers.append((name, value))
        elif statement.body is None:
            statement.body = word
        else:
            statement.refuse(f"'{word}' is one word too many: put a text with spaces between quotation marks")


def check_values(statement):
    verb, name, words = statement.verb, statement.name, statement.words
    if verb == "wait" and (name not in COUNTERS or not words[0].isdigit()):
        statement.refuse(f"write 'wait COUNTER NUMBER' with a counter of /stats: {', '.join(COUNTERS)}")
    if verb == "signal" and name not in SIGNALS:
        statement.refuse(f"there are the signals {', '.join(SIGNALS)}")
    if verb == "expect" and not (words[0].isdigit() or (words[0] == "closed" and name != "exit")):
        statement.refuse("expect a status such as 200, or 'closed'")


def check_names(statements):
    known = {"exit"}
    for position, statement in enumerate(statements):
        if statement.verb == "server" and position > 0:
            statement.refuse("'server' is the first statement or is left out")
        if statement.verb in ("subscribe", "request", "send"):
            if not re.fullmatch(r"[a-z][a-z0-9]*", statement.name) or statement.name in ("exit", "publish"):
                statement.refuse(f"'{statement.name}' is no name of a connection: take small letters, such as a or tab1")
            known.add(statement.name)
        if statement.verb in ("expect", "close", "reset"):
            for name in filter(None, (statement.name, statement.before)):
                if name not in known:
                    statement.refuse(f"'{name}' has sent nothing yet")
    if not any(statement.verb in ("expect", "wait", "publish") for statement in statements):
        raise Refused("it expects nothing: add a line such as 'expect a 200 hello'")


def check_order(statements):
    """Refuses what would depend on who is faster: bytes of two connections reach the server in any order."""
    order = Order(statements)
    for statement in statements:
        order.next(statement)


class Order:
    def __init__(self, statements):
        self.capped = statements[0].verb == "server" and "--max-held" in statements[0].words
        self.subscribing = {}  # name to statement: sent, and not known to be held or answered
        self.requesting = {}   # the same of other requests
        self.leaving = {}      # has left, and the server is not known to have noticed
        self.held = set()
        self.left = 0          # how many left while they were held
        self.published = 0     # how many publishes have been served
        self.ended = None      # the signal
        self.passed_time = None  # an answer that only the clock brings

    def next(self, statement):
        if statement.verb == "expect":
            return self.expect(statement)
        if self.ended and statement.verb != "wait":
            statement.refuse("after a signal only answers and the exit can be expected")
        if statement.verb == "wait":
            return self.wait(statement)
        if statement.verb == "subscribe":
            self.need_settled(statement, self.requesting, self.leaving, self.subscribing if self.capped else {})
            self.subscribing[statement.name] = statement
        elif statement.verb in ("request", "send"):
            self.need_settled(statement, self.subscribing, self.leaving)
            self.requesting[statement.name] = statement
        elif statement.verb in ("close", "reset"):
            self.leave(statement)
        elif statement.verb in ("publish", "signal"):
            self.need_settled(statement, self.subscribing, self.requesting, self.leaving)
            self.held.clear()
            self.published += statement.verb == "publish"
            if statement.verb == "signal":
                self.ended = statement
        return None

    def leave(self, statement):
        others = {name: sent for name, sent in self.requesting.items() if name != statement.name}
        self.need_settled(statement, self.subscribing, others)
        if statement.name in self.held or statement.name in self.requesting:
            self.leaving[statement.name] = statement
            self.left += statement.name in self.held
        self.held.discard(statement.name)
        self.requesting.pop(statement.name, None)

    def expect(self, statement):
        if statement.words[0] in ("204", "408"):
            self.passed_time = statement
        if statement.name in self.requesting and statement.words[0] == "200":
            self.published += self.requesting[statement.name].text.count("/publish")
        for place in (self.subscribing, self.requesting):
            place.pop(statement.name, None)
        self.held.discard(statement.name)

    def wait(self, statement):
        """Settles what this counter counts, if its number has room for all of that; and nothing else."""
        number = int(statement.words[0])
        if statement.name == "held":
            waiting = self.held | set(self.subscribing)
            if number < len(waiting):
                statement.refuse(f"{', '.join(sorted(waiting))} may be held here, so this does not say that all are")
            self.subscribing.clear()
            if number == len(waiting) + self.count_of("/subscribe"):
                waiting |= self.settle("/subscribe")
                self.leaving.clear()
            self.held = waiting
        elif statement.name == "disconnects" and number >= self.left:
            self.leaving.clear()
        elif statement.name == "published" and number >= self.published + self.count_of("/publish"):
            self.published += self.count_of("/publish")
            self.settle("/publish")

    def count_of(self, target):
        return sum(sent.text.count(target) for sent in self.requesting.values())

    def settle(self, target):
        settled = {name for name, sent in self.requesting.items() if target in sent.text}
        for name in settled:
            del self.requesting[name]
        return settled

    def need_settled(self, statement, *places):
        for place in places:
            for name, sent in place.items():
                if place is self.leaving:
                    reason = f"nothing says that the server has noticed that '{name}' left (line {sent.line}): " \
                             "write 'wait held N' or 'wait disconnects N' before"
                elif sent.verb == "subscribe":
                    reason = f"nothing says that '{name}' (line {sent.line}) is held by now: " \
                             "write 'wait held N', or expect its answer, before"
                else:
                    reason = f"nothing says that '{name}' (line {sent.line}) has been served: expect its answer before"
                if self.passed_time and self.passed_time.line > sent.line:
                    reason += f". Line {self.passed_time.line} only lets time pass, and time is no event"
                statement.refuse(reason)
