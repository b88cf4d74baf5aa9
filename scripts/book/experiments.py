"""What a chapter's `measure` marks measure, so that a table without a reader's figures is noticed when it is written."""
import json
import pathlib
import shlex

from marks import Problem


def arguments_of(mark):
    """What the load generator's `bench` is given."""
    words = shlex.split(mark.argument)
    return words[words.index("bench") + 1:] if "bench" in words else words


def option(arguments, name):
    return arguments[arguments.index(name) + 1] if name in arguments[:-1] else None


def scenarios_of(root, mark):
    """Names such as broadcast-4000 or steady-cursors-1000-at-40: one for each size and rate."""
    arguments = arguments_of(mark)
    name = option(arguments, "--scenario") or "broadcast"
    file = pathlib.Path(root, name if name.endswith(".json") else f"loadgen/scenarios/{name}.json")
    if not file.is_file():
        raise Problem(f"measure: no scenario {name}")
    scenario = json.loads(file.read_text())
    held = option(arguments, "--held")
    sizes = held.split(",") if held else [str(size) for size in scenario["held"]]
    rates = scenario.get("publishes_per_second")
    ends = [f"-at-{rate:g}" for rate in rates] if isinstance(rates, list) else [""]
    return [f"{file.stem}-{size}{end}" for size in sizes for end in ends]


def check(root, mark, marks):
    """Raises Problem if no table of the chapter has a figure that this mark measures."""
    named = {word for other in marks if other.kind in ("figure", "figures")
             for word in other.argument.replace(",", " ").replace(":", " ").split()}
    measured = scenarios_of(root, mark)
    if not named & set(measured):
        raise Problem(f"measure: no table or figure of this chapter has {' or '.join(measured)}")
