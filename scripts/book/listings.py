"""Listings: definitions out of a source file, found by name, with the comment directly above them.

A name is a function's (`hold`, `Server::hold`), a type's (`struct Connection`), a step's (`Step 6`) or a section's of
HAProxy's file (`backend nodes`). Braces end a definition in C++, Java, JavaScript and Go; indentation ends it in Python,
a full stop in Erlang. A blank line ends a section, and a step of a script in Lua, which stands in a string of C++.
"""
import bisect
import pathlib
import re
import textwrap

from marks import Problem

LANGUAGES = {".cpp": "cpp", ".hpp": "cpp", ".c": "c", ".java": "java", ".js": "js", ".go": "go", ".py": "python",
             ".erl": "erlang", ".json": "json", ".conf": "nginx", ".cfg": "text", ".html": "html", ".sh": "sh", "": "sh"}
# What can hide a brace. A number is here as 1'000 would begin a character.
HIDDEN = re.compile(r"""//[^\n]*|/\*.*?\*/|R"(?P<raw>\w*)\(.*?\)(?P=raw)"|"(?:\\.|[^"\\\n])*"|(?P<keep>\b\d[\w'.]*)"""
                    r"""|'(?:\\.|[^'\\\n])*'|`[^`]*`|^[ \t]*\#(?:\\\n|[^\n])*""", re.DOTALL | re.MULTILINE)
ACCESS = re.compile(r"\b(?:public|private|protected)\s*:(?!:)")


def listing(root, argument):
    """The fenced text for a mark's argument: PATH, or PATH: NAME, NAME."""
    path, _, names = argument.partition(": ")
    file = pathlib.Path(root, path)
    if not file.is_file():
        raise Problem(f"no file {path}")
    text = file.read_text()
    if names:
        find = {".py": find_python, ".erl": find_erlang, ".cfg": find_section}.get(file.suffix, find_braced)
        text = "\n\n".join(find(text, name.strip(), path) for name in names.split(","))
    language = "lua" if text.startswith("-- Step ") else LANGUAGES.get(file.suffix, "")
    return f"```{language}\n{text.strip()}\n```"


def masked(text):
    """The same text with blanks for comments, strings and preprocessor lines; each character keeps its place."""
    def blank(match):
        return match[0] if match["keep"] else re.sub(r"[^\n]", " ", match[0])
    return HIDDEN.sub(blank, text)


def find_braced(text, name, path):
    code = masked(text)
    if re.fullmatch(r"Step \d+", name):
        in_lua = re.search(rf"^-- {name}:.*(?:\n.+)*?(?=\n\n|\n\)lua\")", text, re.MULTILINE)
        if in_lua:
            return in_lua[0]
        comment = re.search(rf"^[ \t]*// {name}:.*\n(?:[ \t]*//.*\n)*", text, re.MULTILINE)
        if not comment:
            raise Problem(f"{path} has no comment {name}")
        if re.match(r"[ \t]*\n", text[comment.end():]):
            raise Problem(f"{path}: no definition stands below {name}")
        brace = code.find("{", comment.end())
        return cut(text, comment.start(), closing(code, brace))
    kind = re.fullmatch(r"(struct|class|enum|enum class|union) (\w+)", name)
    found = list(types(code, kind[1], kind[2]) if kind else functions(code, name))
    if not found:
        raise Problem(f"{path} has no definition of {name}")
    if len(found) > 1:
        lines = ", ".join(str(text.count("\n", 0, start) + 1) for start, _ in found)
        raise Problem(f"{path} defines {name} in lines {lines}: say which, as in Class::{name}")
    return cut(text, *found[0])


def types(code, kind, name):
    for match in re.finditer(rf"\b{kind}\s+{name}\b(?=[^;{{}}()]*\{{)", code):
        yield beginning(code, match.start()), closing(code, code.find("{", match.end()))


def functions(code, name):
    """Begin and end of each definition of a function whose qualified name ends with `name`."""
    *scopes, last = name.split("::")
    for match in re.finditer(rf"(?P<scopes>(?:\w+\s*::\s*)*)(?<![\w~]){re.escape(last)}\s*(?=\()", code):
        brace = body(code, closing(code, match.end(), "()"))
        if brace is None:
            continue
        own = [word for word in re.split(r"\s*::\s*", match["scopes"]) if word]
        around = enclosing(code, match.start()) + own
        if around[len(around) - len(scopes):] == scopes:
            yield beginning(code, match.start()), closing(code, brace)


def body(code, position):
    """Where the body of a function begins whose parameters end before `position`; None if this is no definition."""
    head = re.compile(r"\s*(?:const|noexcept|override|final|mutable|&&?|->\s*[\w:<>,*& ]+?|throws\s+[\w, ]+"
                      r"|(?:[\w.*\[\]]+|\([\w., *\[\]]+\))(?=\s*\{))?")  # the last: Go's results
    while True:
        match = head.match(code, position)
        if not match[0].strip():
            break
        position = match.end()
    position = match.end()
    if code[position:position + 1] == ":" and code[position:position + 2] != "::":
        member = re.compile(r"\s*[:,]\s*[\w:<>]+\s*(?=[({])")
        while match := member.match(code, position):
            opening = code[match.end()]
            position = closing(code, match.end(), "()" if opening == "(" else "{}")
        position = re.compile(r"\s*").match(code, position).end()
    return position if code[position:position + 1] == "{" else None


def closing(code, position, pair="{}"):
    """Behind the bracket that closes the one at `position`."""
    depth = 0
    for match in re.compile("[" + re.escape(pair) + "]").finditer(code, position):
        depth += 1 if match[0] == pair[0] else -1
        if depth == 0:
            return match.end()
    raise Problem(f"a {pair[0]} is never closed")


def beginning(code, position):
    """Where the declaration begins that has its name at `position`."""
    start = max(code.rfind(mark, 0, position) for mark in ";{}") + 1
    for label in ACCESS.finditer(code, start, position):
        start = label.end()
    return re.compile(r"\s*").match(code, start).end()


def enclosing(code, position):
    """Names of the namespaces and types around `position`, outermost first."""
    names = []
    for match in re.finditer(r"[{}]", code[:position]):
        if match[0] == "}":
            if names:
                names.pop()
            continue
        head = code[beginning(code, match.start()):match.start()]
        name = re.match(r"(?:template\s*<.*?>\s*)?(?:namespace|struct|class|union)\s+([\w:]+)", head, re.DOTALL)
        names.append(name[1].split("::") if name else [])
    return [part for name in names for part in name]


def cut(text, start, end):
    """The whole lines from the comment above `start` to `end`, moved to the left."""
    lines = text.split("\n")
    offsets = [0]
    for line in lines:
        offsets.append(offsets[-1] + len(line) + 1)
    first = bisect.bisect_right(offsets, start) - 1
    last = bisect.bisect_right(offsets, end - 1) - 1
    while first > 0 and re.match(r"[ \t]*(//|#|%|/?\*)", lines[first - 1]) and not lines[first - 1].startswith("#inc"):
        first -= 1
    return textwrap.dedent("\n".join(lines[first:last + 1]))


def find_python(text, name, path):
    last = name.split(".")[-1]
    match = re.search(rf"^([ \t]*)(?:async )?(?:def|class) {re.escape(last)}\b.*\n(?:\1[ \t]+.*\n|[ \t]*\n)*", text + "\n",
                      re.MULTILINE)
    if not match:
        raise Problem(f"{path} has no definition of {name}")
    return cut(text, match.start(), match.start() + len(match[0].rstrip()))


def find_section(text, name, path):
    match = re.search(rf"^{re.escape(name)}$(?:\n.+)*", text, re.MULTILINE)
    if not match:
        raise Problem(f"{path} has no section {name}")
    return cut(text, match.start(), match.end())


def find_erlang(text, name, path):
    match = re.search(rf"^{re.escape(name)}\(.*?\.(?=[ \t]*(?:%.*)?$)", text, re.MULTILINE | re.DOTALL)
    if not match:
        raise Problem(f"{path} has no definition of {name}")
    return cut(text, match.start(), match.end())
