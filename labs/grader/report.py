"""A grade as text."""
from . import stories
from .testing import Result


def stories_of(grade):
    """One for each failure, with its name above it. A crash at the same place of the student's file is told once."""
    source = grade.lab.files[0] if grade.lab.files else ""
    alike = {}
    for outcome in grade.outcomes:
        if outcome.result is Result.FAILED:
            crash = stories.normal(stories.crash(outcome.output, source))
            is_placed = crash.count("\n") > 1
            alike.setdefault(crash if is_placed else outcome.test.name, []).append(outcome)
    for one, *others in alike.values():
        text = f"---- {one.test.name} ----\n{stories.story(one, source)}\n"
        if others:
            names = ", ".join(other.test.name for other in others)
            text += f"\nThe same crash in {len(others)} more test{'s' if len(others) > 1 else ''}: {names}\n"
        yield text


def summary(grade, replay):
    lab = grade.lab
    if not grade.works:
        return (f"{grade.said.strip()}\n\nIt does not compile: 0 of {lab.points} points. "
                "The first error above is the one to mend.")
    lines = [f"Lab {lab.lab}, {lab.title}: {grade.points} of {grade.asked} points "
             f"(seed {grade.seed}; {replay} does the same again)"]
    for outcome in grade.outcomes:
        points = "-" if outcome.result is Result.NOT_ASKED else outcome.test.points if outcome.passed else 0
        last_line = (stories.trim(outcome.output).splitlines() or [""])[-1]
        why = f": {last_line}" if outcome.result is Result.NOT_ASKED else ""
        lines.append(f"  {points:>2} of {outcome.test.points}  {outcome.result.value:9}  {outcome.test.name}{why}")
    for one in grade.measured:
        lines.append(f"  {one.bar.points if one.kept else 0:>2} of {one.bar.points}  {one.text()}")
    if grade.asked < lab.points:
        lines.append(f"{lab.points - grade.asked} more points are for what was not asked.")
    lines.append(advice(grade))
    return "\n".join(lines)


def advice(grade):
    """What is missing, and what to read next."""
    lab = grade.lab
    failures = [one for one in grade.outcomes if one.result is Result.FAILED]
    # The lab's own tests look at one thing each; those of the conformance suite come after them.
    failed = min(failures, key=lambda one: not one.test.name.startswith("Lab"), default=None)
    missed = next((one for one in grade.measured if not one.kept), None)
    read = f" Then read {lab.chapter} again." if lab.chapter else ""
    if failed:
        return f"Next: the story of {failed.test.name} above, from its first line to the wrong one.{read}"
    if missed:
        return f"Next: {missed.bar.says}.{read}"
    if grade.points == lab.points:
        return "All points." + (f" Next: lab {lab.lab + 1}, and how the five do it: patterns/." if lab.lab < 10 else "")
    return "All that was asked."


def as_json(grade, version):
    return {
        "lab": grade.lab.lab, "points": grade.points, "of": grade.asked, "seed": grade.seed, "kit": version,
        "compiles": grade.works, "failed": grade.failed,
        "tests": {one.test.name: one.result.value for one in grade.outcomes},
        "figures": {one.bar.figure: {"values": one.values, "at_most": one.bar.at_most, "reference": one.bar.reference,
                                     "says": one.bar.says, "kept": one.kept, "problem": one.problem}
                    for one in grade.measured}}
