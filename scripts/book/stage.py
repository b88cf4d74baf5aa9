"""Prepares what Sphinx renders: the chapters, and every page and file of the project that they lead to.

Everything keeps its place below the project's folder, so that links between pages stay as they are. A link to a source
file leads to a page that shows it, as a code host does; a link to a picture or a web page to the file itself.
"""
import os
import pathlib
import re
import shutil

import listings
from links import links_of, resolve
from results import Results
from weaving import weave

RAW = (".html", ".svg", ".png")
BOOK = "docs/book"


class Stage:
    def __init__(self, root, folder, results, measured=None):
        self.root, self.folder = pathlib.Path(root), pathlib.Path(folder)
        self.source, self.raw = self.folder / "source", self.folder / "raw"
        self.results, self.measured = results, measured
        self.pages = []  # Markdown pages of the project, in the order in which they are found

    def write(self):
        for folder in (self.source, self.raw):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        self.add_page(f"{BOOK}/README.md")
        for chapter in sorted(self.root.glob(f"{BOOK}/*.md")):
            self.add_page(os.path.relpath(chapter, self.root))
        for page in self.pages:  # grows meanwhile
            self.write_page(page)
        with open(self.source / f"{BOOK}/README.md", "a") as first:
            first.write(self.contents())

    def add_page(self, page):
        if page not in self.pages:
            self.pages.append(page)

    def write_page(self, page):
        text = (self.root / page).read_text()
        if page.startswith(BOOK):
            text = weave(text, self.root, self.results, self.own_of(page))[0]
        parts, done = [], 0
        for link in sorted(links_of(text), key=lambda link: link.start):
            if link.is_external or not link.path:
                continue
            new = self.follow(page, link)
            parts += [text[done:link.start], new]
            done = link.match.end("target")
        self.put(page, "".join(parts) + text[done:])

    def own_of(self, page):
        """The reader's figures of a chapter, from where `measure` puts them; None without."""
        folder = pathlib.Path(self.measured, os.path.basename(page)[:2]) if self.measured else None
        return Results(folder) if folder and folder.is_dir() else None

    def follow(self, page, link):
        """Makes sure that what a link leads to is there, and returns its target in the rendered book."""
        target = resolve(self.root, self.root / page, link.path)
        file = self.root / target if target else None
        if file is None or not file.exists():
            return link.match["target"]  # Sphinx says so
        if file.is_dir():
            target = os.path.join(target, "README.md")
            if not (self.root / target).exists():
                self.put(target, folder_page(file, os.path.relpath(file, self.root)))
                return relative(page, target)
            file = self.root / target
        if file.suffix == ".md":
            self.add_page(target)
            return relative(page, target) + (f"#{link.anchor}" if link.anchor else "")
        if file.suffix in RAW:
            return self.follow_raw(page, link, target)
        self.put(f"{target}.md", file_page(file, target))
        return relative(page, f"{target}.md")

    def follow_raw(self, page, link, target):
        place = self.source if link.match["image"] else self.raw
        copy = place / target
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.root / target, copy)
        if link.match["image"]:
            return relative(page, target)
        # An address with a scheme is left alone by Sphinx; conf.py takes this one away again.
        return f"raw:{relative(page, target)}" + (f"#{link.anchor}" if link.anchor else "")

    def contents(self):
        """The order of the pages, for Sphinx alone: previous, next, and the list at the side."""
        book = [page for page in self.pages if page.startswith(f"{BOOK}/") and not page.endswith("README.md")]
        rest = [page for page in self.pages if not page.startswith(f"{BOOK}/")]
        return toctree("The book", book) + toctree("The project's pages", rest)

    def put(self, page, text):
        path = self.source / page
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def toctree(caption, pages):
    if not pages:
        return ""
    names = "\n".join(f"/{page.removesuffix('.md')}" for page in pages)
    return f"\n\n```{{toctree}}\n:hidden:\n:caption: {caption}\n:maxdepth: 1\n\n{names}\n```\n"


def relative(page, target):
    return os.path.relpath(target, os.path.dirname(page))


def unlisted(title, body):
    return f"---\norphan: true\nnosearch: true\n---\n# {title}\n\n{body}\n"


def file_page(file, name):
    code = file.read_text(errors="replace")
    fence = "`" * max(3, 1 + max(map(len, re.findall(r"`+", code)), default=0))
    language = listings.LANGUAGES.get(file.suffix, "text") if file.suffix else "sh"
    return unlisted(name, f"{fence}{{code-block}} {language}\n:linenos:\n:force:\n\n{code.rstrip()}\n{fence}")


def folder_page(folder, name):
    names = sorted(path.name + ("/" if path.is_dir() else "") for path in folder.iterdir())
    return unlisted(f"{name}/", "\n".join(f"- `{entry}`" for entry in names))
