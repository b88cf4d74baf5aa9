#!/usr/bin/env python3
"""Lab 10: stamps a prediction, measures, and checks an explanation."""
import argparse
import datetime
import pathlib
import sys

sys.dont_write_bytecode = True
import form as forms
import measuring
import rules

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def read(file):
    try:
        text = file.read_text(encoding="utf-8")
        return text, forms.sections(text)
    except (OSError, UnicodeDecodeError) as error:
        raise forms.Problem(f"{file}: cannot be read: {error}") from None


def write(file, text):
    new = file.with_suffix(".new")  # whole or not at all, whenever this is interrupted
    new.write_text(text, encoding="utf-8")
    new.replace(file)


def predict(file):
    text, form = read(file)
    count = len(forms.predictions(form))
    lines = [f"stamped: {now()}", f"prediction: {forms.prediction_digest(form)}"]
    write(file, forms.with_section(text, "stamp", lines))
    print(f"{count} predictions are stamped at {lines[0].partition(': ')[2]}. Next: labs/lab measure")


def measure(file, entry, out):
    _, form = read(file)
    forms.predictions(form)
    _, stamped = forms.stamp(form)
    if stamped != forms.prediction_digest(form):
        raise forms.Problem("the prediction was changed after its stamp: labs/lab predict first")
    folder = measuring.run(ROOT, entry, out)
    measured, facts = measuring.read(folder, entry, stamped)
    text, _ = read(file)  # the student may have written meanwhile
    lines = forms.measured_lines(measured, facts)
    write(file, forms.with_section(text, "measured", lines))
    print("\n".join(lines))
    print(f"\nThey are in {file}, too. Your server beside the others as a page: make report RUNS='{folder}'")


def check(file, rule):
    """Whether the form keeps the rule."""
    _, form = read(file)
    problems = list(rules.RULES[rule](form))
    for problem in problems:
        print(problem)
    return not problems


def teacher(files):
    """What a person has to judge: each explanation beside its prediction and the figures."""
    for file in files:
        print(f"==== {file}")
        try:
            _, form = read(file)
            predicted = forms.statements(form.get("prediction", []))
            run = forms.measured(form)
            for one in forms.explanations(form):
                print(f"\n{one.figure} ({forms.FIGURES[one.figure]})")
                for line in predicted:
                    if line.startswith(f"{one.figure} ") and f"times {one.reference}," in line:
                        print(f"  predicted  {line}")
                for name in ("mine", one.reference, f"mine / {one.reference}"):
                    median, least, most = run.values.get((one.figure, name), (0, 0, 0))
                    print(f"  measured   {name}: {median:g} ({least:g}..{most:g})")
                print(f"  explained  {one.verdict}. {one.text}")
        except forms.Problem as problem:
            print(f"  {problem}")
        print()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, about in (("predict", "stamp the predictions"), ("measure", "measure, and write the figures into the form")):
        one = commands.add_parser(name, help=about)
        one.add_argument("--file", type=pathlib.Path, default=HERE / "form.txt")
        if name == "measure":
            one.add_argument("--entry", default="mine", help="your server, by the name in its manifest (%(default)s)")
            one.add_argument("--out", type=pathlib.Path, default=ROOT / "results/runs")
    one = commands.add_parser("check", help="check one rule")
    one.add_argument("rule", choices=list(rules.RULES))
    one.add_argument("file", type=pathlib.Path)
    one = commands.add_parser("teacher", help="what is for the teacher to judge, of many forms")
    one.add_argument("files", type=pathlib.Path, nargs="+")
    given = parser.parse_args()
    if given.command == "predict":
        return predict(given.file)
    if given.command == "measure":
        return measure(given.file, given.entry, given.out)
    if given.command == "teacher":
        return teacher(given.files)
    return 0 if check(given.file, given.rule) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except forms.Problem as problem:
        print(problem)  # the reader of a grade sees it, too
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
