"""make lab-kit: what a student gets. All of the project that building and grading need, without solutions, wrong solutions,
their stories, the figures of the reference run, and without history."""
import fnmatch
import io
import json
import subprocess
import tarfile
import time

from . import grading, starter
from .labfile import ROOT, Problem, find_labs

NAME = "comet-labs"  # the folder that it unpacks to
LEFT_OUT = ["labs/*/solution*", "labs/*/wrong/*", "labs/*/golden/*", "labs/collect", "labs/grader/tests/*", "labs/README.md",
            "results/reference/*", "results/runs/*", "results/index.html", "docs/book/pictures/*", "docs/*.png", ".ci/*",
            "tests/fuzz/corpus/*", "README.md"]
LEFT_OUT_KEYS = ["wrong", "starter_fails"]  # of lab.json: they tell what the solutions are about


def files():
    """What is in the repository, relative to it."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode != 0:
        raise Problem("the kit is packed out of a clone: git ls-files fails here")
    names = [name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()]
    return [name for name in names if not any(fnmatch.fnmatchcase(name, pattern) for pattern in LEFT_OUT)]


def content(name):
    data = (ROOT / name).read_bytes()
    if fnmatch.fnmatchcase(name, "labs/*/lab.json"):
        members = {key: value for key, value in json.loads(data).items() if key not in LEFT_OUT_KEYS}
        data = json.dumps(members, indent=2, ensure_ascii=False).encode() + b"\n"
    return data


def pack(out):
    """Not with somebody's work in place of a starter."""
    for drifted in (line for lab in find_labs() for line in starter.drifted(lab)):
        raise Problem(drifted)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(out, "w:gz") as archive:
        for name in files():
            add(archive, "README.md" if name == "LABS.md" else name, content(name), 0o755 if (ROOT / name).stat().st_mode & 0o100 else 0o644)
        add(archive, "labs/kit-version", grading.kit_version().encode() + b"\n", 0o644)
    return f"{out}: {out.stat().st_size / (1 << 20):.1f} MiB; unpack it, then: cd {NAME} && make grade LAB=1"


def add(archive, name, data, mode):
    entry = tarfile.TarInfo(f"{NAME}/{name}")
    entry.size, entry.mode, entry.mtime = len(data), mode, int(time.time())  # newer than what an older kit built
    archive.addfile(entry, io.BytesIO(data))
