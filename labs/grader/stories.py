"""What a failure tells: the test's own story, the crash if there was one, where the threads stood, and a question."""
import collections
import re
import signal

FRAME = re.compile(r"\[(=+|-+|  PASSED  |  FAILED  |  SKIPPED | RUN      |       OK )\]|Running main|Note: |"
                   r"\s*1 FAILED TEST$")  # what GoogleTest says around one test
# A line of a stack that is in a library.
LIBRARY = re.compile(r" +#\d+ 0x[0-9a-f]+ in (std::|__gnu_cxx::|operator |_start|__libc|__interceptor|"
                     r".* \.\./(?!\S*(labs|core)/))")
STORY_LIMIT = 12000  # characters
CRASHES = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)


def story(outcome, source, with_threads=True):
    parts = [trim(outcome.output)]
    if outcome.stopped:
        parts.append(f"The test was ended after {outcome.seconds:.0f} s: it used too much {outcome.stopped}.")
    crashed = crash(outcome.output, source)
    if crashed:
        parts.append(crashed)
    if outcome.threads and with_threads:
        parts.append("Where each thread stood while the test waited:\n" + "\n".join(grouped(outcome.threads)))
    if outcome.test.question:
        parts.append(f"A question: {outcome.test.question}")
    return "\n\n".join(part for part in parts if part)


def trim(output):
    """Without GoogleTest's frame around one test, and of a sanitizer's report what the student's code did."""
    output = re.sub(r"(?m)^Shadow bytes around(.*\n)*?==\d+==ABORTING$", "", output)
    lines = [line for line in output.splitlines() if not FRAME.match(line) and not LIBRARY.match(line)]
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    if len(text) > STORY_LIMIT:
        text = text[:STORY_LIMIT // 2] + "\n... left out ...\n" + text[-STORY_LIMIT // 2:]
    return text


def crash(output, source):
    """The signal, and the first frame of the sanitizer's report that is the student's."""
    said = re.search(r"ERROR: (?:Address|Thread|Leak)Sanitizer:? (.+)|(\S{1,300}): runtime error: (.+)", output)
    ended = re.search(r"(?:the server (?:has )?ended|ended)[^\n]*status (\d+)", output)
    killed_by = next((one for one in CRASHES if ended and int(ended[1]) == 128 + one), None)
    if not said and not killed_by:
        return ""
    text = "Your server crashed"
    if killed_by:
        text += f": {killed_by.name}"
    if said:
        text += f": {said[1] or said[3]}".rstrip()
    # As "    #2 0x55cc in Server::serve(int) /home/me/labs/server.cpp:61". Bounded, for any output may come.
    frame = re.search(r"(?m)^ *#\d+ 0x[0-9a-f]+ in (.{1,300}) \S{0,300}?" + re.escape(source) + r":(\d+)",
                      output[said.start():]) if said else None
    if frame:
        text += f"\n  first in your file: {source}:{frame[2]}, in {frame[1]}"
    elif said and said[2]:
        text += f"\n  {said[2]}"
    return text


def grouped(lines):
    """Threads that stand at the same place are one line."""
    count = collections.Counter(re.sub(r"^process \d+, thread \d+: ", "", line) for line in lines)
    return [f"  {number} thread{'s' if number > 1 else ''}: {where}" for where, number in count.items()]


NORMAL = [
    (r"(?m)^ +\d+\.\d{3} .*/stats (says|is asked,) .*\n", ""),  # how often it was asked is chance
    (r"(?m)^ +\d+\.\d{3} ", "   T "),
    (r"\bafter \d{4,} bytes", "after N bytes"),  # of a long answer that was cut
    # A server that has crashed lets the test connect or not: whether the kernel was done with it is chance.
    (r"connect to the server: Connection refused", "the server closed the connection without an answer"),
    (r"\(\d+ bytes in all\)", "(N bytes in all)"),
    (r"\b127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
    (r"\bport=\d+", "port=PORT"), (r"\bpid=\d+", "pid=PID"), (r"\b(process|thread|pid) \d+", r"\1 N"),
    (r"(application/json\s+Content-Length:) \d+", r"\1 N"), (r'\{"pattern":.*', "{the counters of /stats}"),
    (r"\b\d{13}-\d+\b|\(\d{13}, \d+\)", "CURSOR"),
    (r"\b\d+(\.\d+)? ?(ms|us|s|seconds)\b", r"N \2"),
    (r"\(\w+\.cpp:\d+\)", "(TEST)"), (r"\S*/(\w+\.cpp):\d+: ", r"\1:N: "),
    (r"contract\.md, line \d+", "contract.md, line N"),
    (r"(?m)^  /\S+/(lab-tests|conformance) .*$", r"  \1 ..."),
    (r"Date: [\w, :]+ GMT", "Date: X"), (r"(?m)^( *)\S*(Comet-Random): .*$", r"\1\2: X"),
    (r"==\d+==", "==PID=="), (r"0x[0-9a-f]+", "0xN"),
    (r"[\w./+-]*/(\w[\w.-]*\.(cpp|hpp))\b", r"\1"),  # a compiler cache makes some of them relative
    (r"\b(channel|seed)([-= ])[0-9a-f]{4,}\b", r"\1\2X"),
]


def normal(text):
    """The same for every run: what varies is replaced by what it is."""
    for pattern, to in NORMAL:
        text = re.sub(pattern, to, text)
    return "\n".join(line.rstrip() for line in text.strip().splitlines()) + "\n"


def without_exchange(text):
    """Where it is chance which exchange of a test is the first to fail."""
    return re.sub(r"(?ms)^   T .*^   T [^\n]*$", "   T (the exchange)", text)
