"""What passed so far, in labs/status.json: the best grade of each lab and the last one."""
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


def remember(grade, digest, file=FILE):
    kept = load(file)
    last = {"points": grade.points, "of": grade.asked, "seed": grade.seed, "file": digest, "failed": grade.failed,
            "when": datetime.datetime.now().isoformat(" ", "minutes")}
    lab = kept.setdefault(str(grade.lab.lab), {"passed": {}})
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
        known = kept.get(str(lab.lab))
        line = f"{lab.lab:>2}  {lab.title:34}"
        if not known:
            lines.append(f"{line} not graded yet; {lab.points} points, about {lab.minutes} minutes")
            continue
        best, last = known["best"], known["last"]
        line += f" best {best['points']} of {best['of']} ({best['when']})"
        if last["when"] != best["when"] or last["points"] != best["points"]:
            line += f", last {last['points']} ({last['when']})"
        if last["failed"]:
            line += f"; failed: {', '.join(last['failed'])}"
        lines.append(line)
    return "\n".join(lines)
