"""Links of a Markdown page: find them, and say where a dead one leads."""
import dataclasses
import os
import pathlib
import re
import unicodedata

from marks import line_of

CODE = re.compile(r"^[ \t]*(?P<fence>`{3,}|~{3,})[^\n]*\n.*?^[ \t]*(?P=fence)[ \t]*$|(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`)"
                  r"|<!--.*?-->|^(?:    |\t)[^\n]*$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"(?P<image>!?)\[(?P<text>(?:[^\[\]]|!?\[[^\]]*\](?:\([^)]*\))?)*)\]\((?P<target>[^()\s]*(?:\([^()\s]*\))?[^()\s]*)\)")
EXTERNAL = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
GOOD_EXTERNAL = re.compile(r"https?://[\w-]+(\.[\w-]+)+(:\d+)?(/[^\s<>\"\\]*)?(#\S*)?|mailto:\S+@\S+")


@dataclasses.dataclass
class Link:
    match: re.Match  # in the page's text
    start: int  # offset of the target in the page
    path: str  # "" if it leads within the page
    anchor: str
    line: int

    @property
    def is_external(self):
        return bool(EXTERNAL.match(self.path))


def without_code(text):
    """The same text with blanks for code, comments and indented blocks, which have no links."""
    return CODE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def links_of(text):
    visible = without_code(text)
    found = []
    for match in LINK.finditer(visible):
        start = match.start("target")
        path, _, anchor = match["target"].partition("#")
        if EXTERNAL.match(path):
            path, anchor = match["target"], ""
        found.append(Link(match, start, path, anchor, line_of(text, start)))
        if "](" in match["text"]:  # a picture that is a link
            inner = LINK.search(visible, match.start("text"), match.end("text"))
            if inner:
                found.append(Link(inner, inner.start("target"), inner["target"], "", line_of(text, inner.start())))
    return found


def slug(heading):
    """The anchor of a heading, as code hosts and MyST make it."""
    heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    letters = "".join(letter for letter in unicodedata.normalize("NFC", heading.strip().lower())
                      if letter.isalnum() or letter in " -_")
    return letters.replace(" ", "-")


def anchors_of(text):
    anchors, seen = set(re.findall(r"<[a-z]+ (?:id|name)=\"([^\"]+)\"", text)), {}
    fenceless = re.sub(r"^[ \t]*(`{3,}|~{3,})[^\n]*\n.*?^[ \t]*\1[ \t]*$", "", text, flags=re.DOTALL | re.MULTILINE)
    for heading in re.findall(r"^#{1,6}[ \t]+(.*?)[ \t]*#*$", fenceless, re.MULTILINE):
        name = slug(heading)
        anchors.add(f"{name}-{seen[name]}" if name in seen else name)
        seen[name] = seen.get(name, 0) + 1
    return anchors


def resolve(root, page, path):
    """Where a link of `page` leads, relative to `root`; None if it leads out of it."""
    target = os.path.relpath(os.path.join(os.path.dirname(page), path), root) if path else os.path.relpath(page, root)
    return None if target.startswith("..") else target


def dead_links(root, page):
    """Pairs of line and text."""
    text = pathlib.Path(page).read_text()
    dead = []
    for link in links_of(text):
        if link.is_external:
            if not GOOD_EXTERNAL.fullmatch(link.path):
                dead.append((link.line, f"{link.path}: not the form of an address"))
            continue
        target = resolve(root, page, link.path)
        file = pathlib.Path(root, target) if target else None
        if file is None or not file.exists():
            dead.append((link.line, f"{link.path}: there is no such file"))
        elif link.anchor and file.suffix == ".md" and link.anchor not in anchors_of(file.read_text()):
            dead.append((link.line, f"{link.path}#{link.anchor}: there is no such heading"))
    return dead
