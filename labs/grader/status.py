"""What passed so far, in labs/status.json: the best grade of each lab and the last one. What is graded from another place than
the lab's folder is kept apart, under the number of the lab and that place."""
import datetime
import json
import os

from .labfile import ROOT, Problem

FILE = ROOT / "labs/status.json"


def load(file=FILE):
    if not file.exists():
        return {}
    try:
        return json.loads(file.read_text())
    except ValueError:
        raise Problem(f"{file}: cannot be read: move it away, and the next grade begins a new one") from None


def remember(grade, digest, file=FILE, place=""):
    kept = load(file)
    last = {"points": grade.points, "of": grade.asked, "seed": grade.seed, "file": digest, "failed": grade.failed,
            "when": datetime.datetime.now().isoformat(" ", "minutes")}
    lab = kept.setdefault(f"{grade.lab.lab} {place}".strip(), {"passed": {}})
    lab["last"] = last
    if "best" not in lab or last["points"] > lab["best"]["points"]:
        lab["best"] = last
    for one in grade.outcomes:
        if one.passed:
            lab["passed"].setdefault(one.test.name, last["when"])
    new = file.with_suffix(".new")  # whole or not at all, whenever this is interrupted
    new.write_text(json.dumps(kept, indent=1))
    os.replace(new, file)


def text(labs, file=FILE):
    kept = load(file)
    lines = []
    for lab in labs:
        number, line = str(lab.lab), f"{lab.lab:>2}  {lab.title:34}"
        if number in kept:
            lines.append(line + grades(kept[number]))
        else:
            lines.append(f"{line} not graded yet; {lab.points} points, about {lab.minutes} minutes")
        for name in sorted(kept):
            if name.startswith(number + " "):
                lines.append(f"    {name.partition(' ')[2]}:{grades(kept[name])}")
    return "\n".join(lines)


def grades(known):
    best, last = known["best"], known["last"]
    text = f" best {best['points']} of {best['of']} ({best['when']})"
    if last["when"] != best["when"] or last["points"] != best["points"]:
        text += f", last {last['points']} ({last['when']})"
    if last["failed"]:
        text += f"; failed: {', '.join(last['failed'])}"
    return text
