"""What the book has: the list of its chapters, and the index of its terms."""
import pathlib
import re

from links import without_code
from marks import Problem


def titles_of(root):
    """Number, title and text of each chapter, by file name and in order."""
    titles = {}
    for chapter in sorted(pathlib.Path(root, "docs/book").glob("[0-9][0-9]-*.md")):
        text = chapter.read_text()
        title = re.match(r"# (\d+)\. (.+)", text)
        if not title or int(title[1]) != int(chapter.name[:2]):
            raise Problem(f"{chapter.name} does not begin with # {int(chapter.name[:2])}. and its title")
        titles[chapter.name] = (title[1], title[2], text)
    return titles


def chapters(root):
    return "\n".join(f"{number}. [{title}]({name})" for name, (number, title, _) in titles_of(root).items())


def terms(root, argument):
    """A row for each term, with the first chapter that has it in bold or italics: there it is explained."""
    emphasized = {name: [" ".join(words.split()).lower() for words in
                         re.findall(r"(?<![\w*])\*{1,2}([^*\s][^*]*)\*{1,2}(?![\w*])", without_code(text))]
                  for name, (_, _, text) in titles_of(root).items()}
    lines = ["| term | chapter |", "| --- | --- |"]
    for term in sorted((" ".join(term.split()) for term in argument.split(",")), key=str.lower):
        name = next((name for name, words in emphasized.items() if term.lower() in words), None)
        if name is None:
            raise Problem(f"no chapter explains *{term}*: none has these words in bold or italics")
        number, title, _ = titles_of(root)[name]
        lines.append(f"| {term} | [{number}. {title}]({name}) |")
    return "\n".join(lines)
