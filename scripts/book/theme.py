"""Mends what Debian's Furo leaves out, so that its pages open from a disk and follow the browser's choice of dark.

Debian builds it with its own tools: the style sheet asks a web server for /javascript, the script is a module, which
browsers refuse from a disk, and the compiler of Debian 12 drops the rules for browsers that prefer dark.
"""
import pathlib
import re

JAVASCRIPT = pathlib.Path("/usr/share/javascript")


def mend(pages):
    """`pages` is the folder of the rendered pages. What a newer Furo has is left as it is."""
    static = pages / "_static"
    style = static / "styles/furo.css"
    style.write_text(dark_by_choice(included(style.read_text())))
    script = static / "scripts/furo.js"
    script.write_text(re.sub(r'import (?:\* as )?Gumshoe from "\./(.+?)";',
                             lambda match: (script.parent / match[1]).read_text(), script.read_text()))
    for page in pages.rglob("*.html"):
        page.write_text(page.read_text().replace('<script type="module" src=', "<script src="))


def included(css):
    return re.sub(r"@import url\(/javascript/([^)]+)\);", lambda match: (JAVASCRIPT / match[1]).read_text(), css)


def dark_by_choice(css):
    """The rules for those who press the button are also those for browsers that prefer dark."""
    dark = re.search(r'^@media not print \{\n(  body\[data-theme="dark"\].*?)\}\n\n', css, re.DOTALL | re.MULTILINE)
    if 'body:not([data-theme="light"])' in css or not dark:
        return css
    rules = dark[1].replace('[data-theme="dark"]', ':not([data-theme="light"])')
    return css[:dark.end(1)] + f"  @media (prefers-color-scheme: dark) {{\n{rules}}} " + css[dark.end(1):]
