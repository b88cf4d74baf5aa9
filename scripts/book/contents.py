"""What the book has: the list of its chapters, and the index of its terms."""
import pathlib
import re

from marks import Problem


def titles_of(root):
    """Number and title of each chapter, by file name and in order."""
    titles = {}
    for chapter in sorted(pathlib.Path(root, "docs/book").glob("[0-9][0-9]-*.md")):
        title = re.match(r"# (\d+)\. (.+)", chapter.read_text())
        if not title or int(title[1]) != int(chapter.name[:2]):
            raise Problem(f"{chapter.name} does not begin with # {int(chapter.name[:2])}. and its title")
        titles[chapter.name] = (title[1], title[2])
    return titles


def chapters(root):
    return "\n".join(f"{number}. [{title}]({name})" for name, (number, title) in titles_of(root).items())


def unexplained_terms(page):
    """Rows of the index of terms whose chapter does not have the term, as pairs of line and text."""
    missing = []
    for line, row in enumerate(page.read_text().splitlines(), 1):
        match = re.match(r"\| (.+?) \| .+\]\((.+)\) \|$", row)
        chapter = page.parent / match[2] if match else None
        if chapter and chapter.exists() and match[1].lower() not in words_of(chapter.read_text()):
            missing.append((line, f"{chapter.name} does not have the term {match[1]}"))
    return missing


def words_of(text):
    """In small letters, without marks of emphasis and ends of lines."""
    return " ".join(re.sub(r"[*`]", "", text).split()).lower()
