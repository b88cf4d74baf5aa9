"""The reader's figures beside the reference's, as text."""
import statistics

import claims
from figures import cell, parse_table
from marks import Problem, find_marks

ADVICE = {
    "speed": "Speed: this machine takes {low:.2f} to {high:.2f} times as long, in half of the rows more than {middle:.2f}. One "
             "factor for all is another machine. Latency that grew much more than CPU: something else ran; measure again.",
    "bytes": "Memory: {low:.2f} to {high:.2f} times the reference's. It does not depend on speed: where it differs, kernel or "
             "libraries do.",
    "count": "Counts: {low:.2f} to {high:.2f} times the reference's. The program makes them; the number of cores changes who "
             "waits for whom.",
}


def beside(chapter, reference, own):
    """For all tables of a chapter: a row for each figure that both have, then what to make of it, then the claims."""
    marks = find_marks(chapter.read_text())[0]
    parts = [table(mark.argument, reference, own) for mark in marks if mark.kind == "figures"]
    parts += ["\n".join(filter(None, (claim(chapter, mark, own) for mark in marks if mark.kind == "claim")))]
    return "\n\n".join(part for part in parts if part) or "nothing that was measured stands in a table of this chapter"


def table(argument, reference, own):
    scenarios, columns, entries = parse_table(argument)
    rows, factors = [("", "reference", "yours", "yours / reference")], {}
    for scenario in scenarios:
        for member in columns:
            section = []
            for entry in entries:
                theirs, mine = (cell(results, scenario, entry, member) for results in (reference, own))
                if theirs is None or mine is None:
                    continue
                ratio = ""
                base = reference.figure(scenario, entry, member).median
                if base:
                    factor = own.figure(scenario, entry, member).median / base
                    if factor:
                        factors.setdefault(member.kind, []).append(1 / factor if member.unit == "/s" else factor)
                    ratio = f"{factor:.2f}"
                section.append((f"  {entry}", theirs, mine, ratio))
            if section:
                rows += [(f"{scenario}: {member.head}" + (f", {member.unit}" if member.unit else ""), "", "", "")] + section
    if len(rows) == 1:
        return ""
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    lines = ["  ".join([row[0].ljust(widths[0])] + [row[i].rjust(widths[i]) for i in (1, 2, 3)]).rstrip() for row in rows]
    for kind, values in factors.items():
        lines.append(ADVICE[kind].format(low=min(values), high=max(values), middle=statistics.median(values)))
    return "\n".join(lines)


def claim(chapter, mark, own):
    """Whether a sentence of the chapter holds here too; "" if it is about something that was not measured."""
    try:
        claims.check(own, mark.argument)
        return f"{chapter.name}:{mark.line}: holds here too: {mark.argument}"
    except claims.DoesNotHold as problem:
        return f"{chapter.name}:{mark.line}: not here: {problem}"
    except Problem:
        return ""
