"""Finds a chapter by its number, and starts what its marks say."""
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

from marks import Problem, find_marks

# A chapter may show these though not everybody has them: package by command.
TOOLS = {"curl": "curl", "strace": "strace", "wrk": "wrk", "ab": "apache2-utils", "perf": "linux-perf", "ss": "iproute2",
         "node": "nodejs", "redis-cli": "redis-tools"}


def chapter_of(root, number):
    """The file of a chapter, given 7, 07 or a path."""
    if number.endswith(".md"):
        return pathlib.Path(number)
    found = sorted(pathlib.Path(root, "docs/book").glob(f"{number.zfill(2)}-*.md")) if number.isdigit() else []
    if not found:
        raise Problem(f"no chapter {number}: there is no docs/book/{number.zfill(2)}-*.md")
    return found[0]


def marks_of(chapter, kind):
    return [mark for mark in find_marks(chapter.read_text())[0] if mark.kind == kind]


def missing_tools(script):
    words = set(script.replace(";", " ").replace("|", " ").replace("(", " ").split())
    return [package for tool, package in TOOLS.items() if tool in words and shutil.which(tool) is None]


class Chapter:
    """Runs a chapter's commands in order. What they leave running ends with the chapter."""

    def __init__(self, root, timeout_s=300):
        self.root, self.timeout_s, self.groups = root, timeout_s, []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for group in self.groups:
            try:
                os.killpg(group, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def run(self, script):
        """Raises Problem with the end of the output if a command fails or the time is over."""
        with tempfile.TemporaryFile("w+") as output:  # a file, because a server in the background keeps a pipe open
            bash = subprocess.Popen(["bash", "-e", "-c", script], cwd=self.root, stdin=subprocess.DEVNULL,
                                    stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
            self.groups.append(bash.pid)
            try:
                status = bash.wait(self.timeout_s)
            except subprocess.TimeoutExpired:
                status = f"not ended after {self.timeout_s} s"
            if status != 0:
                output.seek(0)
                raise Problem(f"status {status} of: {script.strip()}\n{output.read()[-2000:]}")
