"""lab.json: what a lab asks for. A teacher edits it, so a mistake in it is told in one line."""
import dataclasses
import json
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Problem(Exception):
    """What a person can do something about, in one line."""


@dataclasses.dataclass
class Test:
    name: str
    points: int
    question: str = ""
    command: list | None = None  # instead of a GoogleTest test: a program, whose status 0 is a pass
    seconds: float = 30  # the longest that it may take


@dataclasses.dataclass
class Bar:
    figure: str
    at_most: float
    points: int
    says: str
    reference: str = ""  # an entry; the bar is then on the ratio to its figure. Without: on the figure itself
    scenario: str = "broadcast"
    held: int = 200
    seconds: float = 0.5
    options: list = dataclasses.field(default_factory=list)  # of both servers


@dataclasses.dataclass
class Wrong:
    fails: str
    because: str
    teaches: str
    exchange_varies: bool = False  # which exchange fails first is chance


@dataclasses.dataclass
class Lab:
    folder: pathlib.Path
    lab: int
    title: str
    points: int
    files: list
    minutes: int = 90
    chapter: str = ""
    program: str = ""  # what `files` are compiled to; without it they are not
    options: list = dataclasses.field(default_factory=list)
    capacity: list = dataclasses.field(default_factory=list)  # options with {capacity}: how many clients at once
    keeps: list | str = dataclasses.field(default_factory=list)
    sanitizer: str = "address,undefined"  # of the teaching build; "" for a lab that switches stacks
    libraries: list = dataclasses.field(default_factory=list)  # the linker's, beside the kit's own
    builds: list = dataclasses.field(default_factory=list)  # targets that its commands need
    tests: list = dataclasses.field(default_factory=list)
    bars: list = dataclasses.field(default_factory=list)
    starter_fails: list = dataclasses.field(default_factory=list)
    wrong: dict = dataclasses.field(default_factory=dict)

    @property
    def name(self):
        return self.folder.name

    def test(self, name):
        return next((test for test in self.tests if test.name == name), None)

    def bar(self, figure):
        return next((bar for bar in self.bars if bar.figure == figure), None)


def build(kind, members, where):
    """An object of a dataclass from a JSON object."""
    if not isinstance(members, dict):
        raise Problem(f"{where}: is no object: start from another lab's")
    fields = {field.name: field for field in dataclasses.fields(kind)}
    unknown = sorted(set(members) - set(fields))
    if unknown:
        raise Problem(f"{where}: unknown key '{unknown[0]}': use some of {', '.join(fields)}")
    try:
        return kind(**members)
    except TypeError as error:
        names = re.findall(r"'(\w+)'", str(error))
        raise Problem(f"{where}: lacks {', '.join(names)}") from None


def load(folder):
    path = folder / "lab.json"
    try:
        members = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise Problem(f"{path}: cannot be read: {error}") from None
    lab = build(Lab, {"folder": folder, **members}, path)
    lab.tests = [build(Test, test, f"{path}: a test") for test in lab.tests]
    lab.bars = [build(Bar, bar, f"{path}: a bar") for bar in lab.bars]
    lab.wrong = {name: build(Wrong, wrong, f"{path}: wrong solution {name}") for name, wrong in lab.wrong.items()}
    check(lab, path)
    return lab


def check(lab, path):
    total = sum(test.points for test in lab.tests) + sum(bar.points for bar in lab.bars)
    if total != lab.points:
        raise Problem(f"{path}: its tests and bars give {total} points, and 'points' says {lab.points}: make them equal")
    for name in lab.starter_fails:
        if not lab.test(name):
            raise Problem(f"{path}: starter_fails names {name}, which is none of its tests")
    for name, wrong in lab.wrong.items():
        if not lab.test(wrong.fails) and not lab.bar(wrong.fails):
            raise Problem(f"{path}: wrong solution {name} is to fail {wrong.fails}, which is none of its tests and bars")
        try:
            re.compile(wrong.because)
        except re.error as error:
            raise Problem(f"{path}: 'because' of {name} is no regular expression: {error}") from None
    for name in lab.files:
        if pathlib.PurePath(name).name != name:
            raise Problem(f"{path}: '{name}' in 'files' is no plain file name")


def find_labs(root=ROOT):
    """All labs, by number."""
    labs = [load(path.parent) for path in sorted((root / "labs").glob("[0-9][0-9]-*/lab.json"))]
    if not labs:
        raise Problem(f"no lab under {root}/labs: a lab is a folder as 01-name with a lab.json")
    return sorted(labs, key=lambda lab: lab.lab)


def find_lab(number, root=ROOT):
    for lab in find_labs(root):
        if str(lab.lab) == str(number).lstrip("0") or lab.name == number:
            return lab
    raise Problem(f"there is no lab {number}: use one of {' '.join(str(lab.lab) for lab in find_labs(root))}")
