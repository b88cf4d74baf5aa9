"""Starters: a solution without the parts that the student writes.

Between these lines of a solution stands such a part; the lines from "<<< starter" to "=== solution" are what the starter
has in its place, as comments.

    // >>> student: look, register, sleep
    // <<< starter
    //= respond(connection, kit::not_written());
    // === solution
    ... the solution's own lines
    // <<< end
"""
import json
import re
import subprocess

from .labfile import Problem

BEGIN, STARTER, SOLUTION, END = range(4)
MARKS = [re.compile(pattern) for pattern in (
    r"\s*// >>> student: (?P<task>.+)", r"\s*// <<< starter\s*", r"\s*// === solution\s*", r"\s*// <<< end\s*")]
MARK_TEXTS = ["// >>> student: ...", "// <<< starter", "// === solution", "// <<< end"]
KEPT = re.compile(r"(?P<indent>\s*)//=(?: (?P<line>.*))?")


def starter_of(solution, name="solution.cpp"):
    """The starter's text. The four marks come in order; everything outside stays."""
    lines, expected, begun = [], BEGIN, 0
    for number, line in enumerate(solution.splitlines(), 1):
        found = next((mark for mark in range(4) if MARKS[mark].fullmatch(line)), None)
        if found is not None:
            if found != expected:
                raise Problem(f"{name}:{number}: '{line.strip()}' where '{MARK_TEXTS[expected]}' should come next")
            if found == BEGIN:
                begun = number
                indent = line[:len(line) - len(line.lstrip())]
                lines.append(f"{indent}// TO WRITE: {MARKS[BEGIN].fullmatch(line)['task']}")
            expected = (expected + 1) % 4
        elif expected == BEGIN:
            lines.append(line)
        elif expected == SOLUTION:
            kept = KEPT.fullmatch(line)
            if not kept:
                raise Problem(f"{name}:{number}: a line of the starter begins with '//= '")
            lines.append((kept["indent"] + (kept["line"] or "")).rstrip())
        elif expected == STARTER:
            lines.append(line)  # comments under the task, as they stand
    if expected != BEGIN:
        raise Problem(f"{name}:{begun}: this part does not end: '{MARK_TEXTS[expected]}' is missing")
    return "\n".join(lines) + "\n"


def pairs(lab):
    """(solution, starter) of each file that has a solution here: solution.cpp for the first, solution-NAME for others."""
    for index, name in enumerate(lab.files):
        suffix = name[name.rfind("."):] if "." in name else ""
        solution = lab.folder / (f"solution{suffix}" if index == 0 else f"solution-{name}")
        if solution.exists():
            yield solution, lab.folder / name


def drifted(lab):
    """A line for each starter that is not what its solution makes."""
    return [f"{starter}: is not what {solution.name} makes: labs/lab generate"
            for solution, starter in pairs(lab)
            if not starter.exists() or starter.read_text() != starter_of(solution.read_text(), solution)]


def generate(lab, record):
    """Writes the starters. A file that was edited by hand is left alone, and told: it may be somebody's work. `record` is
    the file that remembers what was generated before."""
    written, edited = [], []
    generated = json.loads(record.read_text()) if record.exists() else {}
    for solution, starter in pairs(lab):
        text = starter_of(solution.read_text(), solution)
        if starter.exists():
            present = starter.read_text()
            if present == text:
                continue
            if present != generated.get(str(starter)) and present != committed(starter):
                edited.append(f"{starter}: was edited by hand, so it is left alone: move it away, then generate again")
                continue
        starter.write_text(text)
        written.append(starter)
        generated[str(starter)] = text
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text(json.dumps(generated))
    return written, edited


def committed(path):
    """The file as the last commit has it, or None."""
    shown = subprocess.run(["git", "show", f"HEAD:./{path.name}"], cwd=path.parent, capture_output=True, text=True)
    return shown.stdout if shown.returncode == 0 else None
