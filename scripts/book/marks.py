"""Finds the book's marks in a chapter: HTML comments such as <!-- figure SCENARIO ENTRY MEMBER -->."""
import dataclasses
import re

WOVEN = ("listing", "figure", "figures", "chapters")  # have a text that the weaver writes, which ends at <!-- end -->
KINDS = WOVEN + ("claim", "run", "measure")

# Fences and spans of code are skipped, so that a chapter can show a mark without having it.
TOKEN = re.compile(r"^(?P<indent>[ \t]*)(?P<fence>`{3,}|~{3,})(?P<language>[^\n]*)\n(?P<code>.*?)^[ \t]*(?P=fence)[ \t]*$"
                   r"|`[^`\n]+`|<!--(?P<comment>.*?)-->", re.DOTALL | re.MULTILINE)
INLINE_AT_START = re.compile(r"[ \t]*(?:[-*>]|\d+\.)?[ \t]*<!--\s*(figure|claim)\b")


class Problem(Exception):
    """What a writer has to mend, in one line."""


@dataclasses.dataclass
class Mark:
    kind: str
    argument: str  # as one line; of run as it stands, for it may have several commands
    line: int
    start: int  # offset of the comment
    end: int  # offset behind it
    text_end: int = None  # of woven marks: where the text ends and <!-- end --> begins
    code: str = None  # of listing, run and measure: what stands in the fence that follows


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def find_marks(text):
    """All marks in order, and the problems of form as pairs of line and text."""
    marks, problems, opened, last = [], [], None, None
    for token in TOKEN.finditer(text):
        line = line_of(text, token.start())
        if token["fence"] is not None:
            if last and not text[last.end:token.start()].strip():
                last.code = token["code"]
            last = None
        if token["comment"] is None:
            continue
        comment = " ".join(token["comment"].split())
        kind, argument = re.match(r"(\w*):?(.*)", comment).groups()
        if kind == "run":
            argument = re.match(r"\s*run:?(.*)", token["comment"], re.DOTALL)[1]
        if kind == "end" and not argument:
            if opened is None:
                problems.append((line, "<!-- end --> without a mark before it"))
            else:
                opened.text_end = token.start()
            opened = None
            continue
        if kind not in KINDS:
            problems.append((line, f"unknown mark <!-- {comment} -->; there are {', '.join(KINDS)} and end"))
            continue
        if opened is not None:
            problems.append((opened.line, f"<!-- {opened.kind} {opened.argument} --> has no <!-- end -->"))
            opened = None
        if INLINE_AT_START.match(text, text.rfind("\n", 0, token.start()) + 1, token.end()) and kind in ("figure", "claim"):
            if kind == "figure" or not re.match(r"[ \t]*(\n[ \t]*(\n|<!--)|\n?\Z)", text[token.end():]):
                problems.append((line, f"a {kind} begins this line, so Markdown ends the paragraph here; begin with a word"))
        last = Mark(kind, argument.strip(), line, token.start(), token.end())
        marks.append(last)
        if kind in WOVEN:
            opened = last
    if opened is not None:
        problems.append((opened.line, f"<!-- {opened.kind} {opened.argument} --> has no <!-- end -->"))
    return [mark for mark in marks if mark.kind not in WOVEN or mark.text_end is not None], problems
