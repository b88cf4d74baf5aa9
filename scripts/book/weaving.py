"""A chapter with its listings, figures and claims woven."""
import claims
import contents
import experiments
import figures
import listings
from marks import WOVEN, Problem, find_marks


def woven(mark, root, results, own):
    """The text between a mark and its end."""
    if mark.kind == "figure":
        return figures.one_figure(results, own, mark.argument)
    if mark.kind == "figures":
        return f"\n\n{figures.table(results, own, mark.argument)}\n\n"
    if mark.kind == "chapters":
        return f"\n\n{contents.chapters(root)}\n\n"
    return f"\n{listings.listing(root, mark.argument)}\n"


def indented(text, indent):
    """A mark in a list stands further to the right; so does what belongs to it."""
    return "\n".join(indent + line if line and i > 0 else line for i, line in enumerate(text.split("\n"))) + indent


def weave(text, root, results, own=None):
    """The chapter with all marks woven, and its problems as pairs of line and text."""
    marks, problems = find_marks(text)
    parts, done = [], 0
    for mark in marks:
        try:
            if mark.kind == "claim":
                claims.check(results, mark.argument)
            if mark.kind == "measure":
                experiments.check(root, mark, marks)
            if mark.kind not in WOVEN:
                continue
            new = woven(mark, root, results, own)
        except Problem as problem:
            problems.append((mark.line, str(problem)))
            continue
        before = text[text.rfind("\n", 0, mark.start) + 1:mark.start]
        if mark.kind != "figure" and not before.strip():
            new = indented(new, before)
        parts += [text[done:mark.end], new]
        done = mark.text_end
    return "".join(parts) + text[done:], sorted(problems)


def differences(text, new):
    """Lines of the marks whose text is not what would be written."""
    old_marks, new_marks = find_marks(text)[0], find_marks(new)[0]
    return [(old.line, f"{old.kind} {old.argument}: not as it would be written; run scripts/book/weave")
            for old, fresh in zip(old_marks, new_marks)
            if old.kind in WOVEN and text[old.end:old.text_end] != new[fresh.end:fresh.text_end]]
