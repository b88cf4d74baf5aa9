"""Claims: sentences that compare figures, evaluated.

    SCENARIO MEMBER: A / B in LOW..HIGH     the ratio, with the range of its repeats, lies within the bounds
    SCENARIO MEMBER: A in LOW..HIGH         the same for a figure, if it is not one of speed
    SCENARIO MEMBER: A < B < C              each range lies below the next

An operand is an entry. A scenario, a member or both in front of it replace those of the claim: `hold-15000 async`.
"""
import re

import members
from figures import number
from marks import Problem
from results import Figure


class DoesNotHold(Problem):
    pass


def check(results, argument):
    """Raises Problem if the claim does not hold, or is none."""
    head, colon, rest = argument.partition(":")
    words = head.split()
    if not colon or len(words) != 2:
        raise Problem(f"claim {argument}: write claim SCENARIO MEMBER: A / B in LOW..HIGH, or A < B")
    scenario, name = words
    default = (scenario, members.member_of(name))
    if "<" in rest:
        return check_order(results, default, rest.split("<"))
    match = re.fullmatch(r"(.+?)(?: / (.+?))? in ([\d.]+?)\.\.([\d.]+)", rest.strip())
    if not match:
        raise Problem(f"claim {argument}: after the colon write A / B in LOW..HIGH, or A < B")
    above, below, low, high = match.groups()
    figure, member = operand(results, default, above)
    if below:
        figure = ratio(figure, operand(results, default, below)[0])
    elif member.kind == "speed":
        raise Problem(f"{member.name} changes with the machine: claim a ratio or an order instead")
    if not float(low) <= figure.low <= figure.high <= float(high):
        raise DoesNotHold(f"{rest.strip()} does not hold: {text(figure)}")


def check_order(results, default, parts):
    figures = [operand(results, default, part)[0] for part in parts]
    for i in range(len(parts) - 1):
        if figures[i].high >= figures[i + 1].low:
            raise DoesNotHold(f"{parts[i].strip()} < {parts[i + 1].strip()} does not hold: "
                              f"{text(figures[i])} and {text(figures[i + 1])}")


def operand(results, default, words):
    scenario, member = default
    *before, entry = words.split()
    for word in before:
        if word in members.MEMBERS:
            member = members.MEMBERS[word]
        else:
            scenario = word
    return results.figure(scenario, entry, member), member


def ratio(above, below):
    """Repeat by repeat within one run, where the machine's speed at that moment cancels out; else all that can be."""
    if below.low <= 0:
        raise Problem("this ratio divides by 0")
    both = above.repeats.keys() & below.repeats.keys() if above.run == below.run else ()
    ratios = [above.repeats[number] / below.repeats[number] for number in both]
    ratios = ratios or [above.low / below.high, above.high / below.low]
    return Figure(above.median / below.median, min(ratios), max(ratios), above.run, {})


def text(figure):
    low, middle, high = (number(value, 2 if value < 100 else 0) for value in (figure.low, figure.median, figure.high))
    return f"{middle} ({low}..{high})"
