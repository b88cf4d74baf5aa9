"""Figures out of result files: of the reference run, or of the reader's own."""
import dataclasses
import json
import pathlib
import re
import statistics

import members
from marks import Problem


@dataclasses.dataclass
class Figure:
    """The median of the repeats, with the smallest and the largest of them."""
    median: float
    low: float
    high: float
    run: str
    repeats: dict  # repeat's number: its value


# broadcast-4000, steady-cursors-1000-at-40, blocking-inline-120-percent-100
NAME_AND_SIZE = re.compile(r"(.+?)-(\d+(?:-at-[\d.]+)?)")


class Results:
    """A folder with a folder for each run. A scenario's figures all come from the newest run that has it."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.runs = sorted((path for path in self.folder.glob("*") if path.is_dir()), reverse=True)
        self.read = {}
        self.run_of = {}

    def files(self, run, scenario):
        """The files of `scenario`, such as broadcast-4000, in one run."""
        name, size = NAME_AND_SIZE.fullmatch(scenario).groups()
        return [path for path in sorted(run.glob(f"*-{size}.json"))
                if members.scenario_of(self.content(path)) == name]

    def content(self, path):
        if path not in self.read:
            self.read[path] = json.loads(path.read_text())
        return self.read[path]

    def of_scenario(self, scenario):
        """The contents of all files of a scenario, by entry; empty if no run has it."""
        if not NAME_AND_SIZE.fullmatch(scenario):
            raise Problem(f"{scenario} is not a scenario with its size, as broadcast-4000")
        if scenario not in self.run_of:
            found = next(filter(None, (self.files(run, scenario) for run in self.runs)), [])
            self.run_of[scenario] = {self.content(path)["entry"]: self.content(path) for path in found}
        return self.run_of[scenario]

    def result(self, scenario, entry):
        results = self.of_scenario(scenario)
        if not results:
            raise Problem(f"no file of {scenario} in {self.folder}")
        if entry not in results:
            raise Problem(f"{scenario} has no entry {entry}; it has {', '.join(sorted(results))}")
        return results[entry]

    def to_floor(self, scenario, member, result, values):
        floors = self.result(scenario, members.floor_of(result))
        floor = {repeat["repeat"]: member.value(repeat) for repeat in members.repeats_of(floors)}
        return {number: value / floor[number] for number, value in values.items() if floor.get(number)}

    def figure(self, scenario, entry, member):
        result = self.result(scenario, entry)
        values = {repeat["repeat"]: member.value(repeat) for repeat in members.repeats_of(result)}
        values = {number: value for number, value in values.items() if value is not None}
        if member.kind == "ratio":
            values = self.to_floor(scenario, member, result, values)
        if not values:
            raise Problem(f"{entry} has no {member.name} in {scenario}")
        return Figure(statistics.median(values.values()), min(values.values()), max(values.values()), members.run_of(result), values)
