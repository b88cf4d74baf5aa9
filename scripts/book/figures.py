"""Figures as text: one inside a sentence, and tables of them."""
import members
from marks import Problem


# A column of a table that is no figure: the packages that an entry is made of.
VERSIONS = members.Member("versions", "", "", "versions", "text")


def digits_of(value):
    """Digits behind the point: as many as say something."""
    size = abs(value)
    if size == 0 or size >= 100 or (size >= 10 and value == int(value)):
        return 0
    return 1 if size >= 1 else 2 if size >= 0.1 else 3 if size >= 0.01 else 4


def number(value, digits):
    return f"{value:,.{digits}f}"


def as_text(figure, unit, with_range=True):
    """As in: 9.3 us (9.1..9.5)."""
    if all(value == int(value) for value in (figure.median, figure.low, figure.high)):
        digits = 0
    else:
        digits = digits_of(figure.median)
    low, middle, high = (number(value, digits) for value in (figure.low, figure.median, figure.high))
    text = middle + (unit if unit.startswith("/") else f" {unit}" if unit else "")
    return text if low == high or not with_range else f"{text} ({low}..{high})"


def one_figure(results, own, argument):
    """`argument` is SCENARIO ENTRY MEMBER. `own` are the reader's results, or None."""
    words = argument.split()
    if len(words) != 3:
        raise Problem(f"figure {argument}: write figure SCENARIO ENTRY MEMBER")
    scenario, entry, name = words
    member = members.member_of(name)
    text = as_text(results.figure(scenario, entry, member), member.unit)
    mine = cell(own, scenario, entry, member, member.unit) if own else None
    return f"{text} [yours: {mine}]" if mine else text


def cell(results, scenario, entry, member, unit=""):
    """None if it was not measured there."""
    if member is VERSIONS:
        return members.packages_of(results.result(scenario, entry)) if results else None
    try:
        return as_text(results.figure(scenario, entry, member), unit)
    except Problem:
        return None


def parse_table(argument):
    """SCENARIO, ...: MEMBER, ...; ENTRY, ... as three lists."""
    scenarios, colon, rest = argument.partition(":")
    names, semicolon, entries = rest.partition(";")
    lists = [[word.strip() for word in part.split(",") if word.strip()] for part in (scenarios, names, entries)]
    if not all(lists):
        raise Problem(f"figures {argument}: write figures SCENARIO: MEMBER, MEMBER; ENTRY, ENTRY")
    return lists[0], [VERSIONS if name == "versions" else members.member_of(name) for name in lists[1]], lists[2]


def table(results, own, argument):
    """A row for each entry and scenario, and below it one for the reader's own figures, if there are any."""
    scenarios, columns, entries = parse_table(argument)
    heads = ["entry"] + (["scenario"] if len(scenarios) > 1 else [])
    heads += [f"{member.head}, {member.unit}" if member.unit else member.head for member in columns]
    lines = ["| " + " | ".join(heads) + " |", "| --- |" + " ---: |" * (len(heads) - 1)]
    for scenario in scenarios:
        for entry in entries:
            results.result(scenario, entry)  # a name that is not there is a mistake, a figure that is not there is not
            scenario_cell = [scenario] if len(scenarios) > 1 else []
            rows = [(entry, results)] + ([(f"{entry}, **yours**", own)] if own else [])
            for title, source in rows:
                cells = [cell(source, scenario, entry, member) for member in columns]
                if source is results or any(cells):
                    lines.append("| " + " | ".join([title] + scenario_cell + [text or "-" for text in cells]) + " |")
    result = results.result(scenarios[0], entries[0])
    lines += ["", f"Reference run of {members.date_of(result)} at commit {members.commit_of(result)}, "
                  f"{members.machine_of(result)}: median of {len(result['repeats'])} repeats (smallest..largest)."]
    return "\n".join(lines)
