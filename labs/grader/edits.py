"""Wrong solutions: a solution with a few blocks of text replaced.

    @@@ replace
    OLD
    @@@ with
    NEW
    @@@ end

Text outside of the blocks says what the fault is. Each OLD stands in the solution exactly once.
"""
import re

from .labfile import Problem

MARKS = ["@@@ replace", "@@@ with", "@@@ end"]


def parse(text, name):
    blocks, expected, old, new = [], 0, [], []
    for number, line in enumerate(text.splitlines(), 1):
        if line.rstrip() in MARKS:
            if line.rstrip() != MARKS[expected]:
                raise Problem(f"{name}:{number}: '{line}' where '{MARKS[expected]}' should come next")
            if expected == 2:
                blocks.append(("\n".join(old) + "\n", "".join(part + "\n" for part in new)))
                old, new = [], []
            expected = (expected + 1) % 3
        elif line.startswith("@@@"):
            raise Problem(f"{name}:{number}: '{line}' is none of {', '.join(MARKS)}")
        elif expected == 1:
            old.append(line)
        elif expected == 2:
            new.append(line)
    if expected:
        raise Problem(f"{name}: '{MARKS[expected]}' is missing at the end")
    if not blocks:
        raise Problem(f"{name}: replaces nothing: write '{MARKS[0]}'")
    return blocks


def apply(solution, text, name):
    """The wrong solution's text."""
    for old, new in parse(text, name):
        pattern = re.compile("^" + re.escape(old), re.MULTILINE)  # whole lines
        count = len(pattern.findall(solution))
        if count != 1:
            raise Problem(f"{name}: these lines stand {count} times in the solution, not once: {old.strip()[:60]!r}")
        solution = pattern.sub(lambda _, new=new: new, solution)
    return solution
