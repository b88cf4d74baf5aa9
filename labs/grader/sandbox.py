"""Runs a student's program so that it costs nobody else anything: in namespaces of its own (processes, network, files), as
nobody in particular, within limits. It sees the system's programs, the kit, and what is given to it; nothing else of the
project, so neither tests nor solutions nor other students' work."""
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import time

from . import processes
from .building import BUILD, tools
from .labfile import ROOT, Problem

INSIDE = pathlib.Path(__file__).with_name("inside.py")
MEASURING = [ROOT / "labs/grader" / name for name in ("__init__.py", "processes.py", "rest.py")]
PROCESSES = 1000  # threads too
OPEN_FILES = 4096
FILE_BYTES = 64 << 20
TEMPORARY_BYTES = 64 << 20
SECONDS = 240  # for all that is run of one submission


class Sandbox:
    """Of one submission. `run` takes what processes.run takes."""

    def __init__(self, lab, folder, seconds=None):
        self.folder = folder
        self.deadline = time.monotonic() + (SECONDS if seconds is None else seconds)
        bins = [BUILD / "bin" / name for name in tools(lab)]
        python = [] if sys.base_prefix.startswith("/usr") else [pathlib.Path(sys.base_prefix)]
        hidden = ("solution", "wrong", "golden")
        of_lab = [item for item in lab.folder.iterdir() if not item.name.startswith(hidden)]
        kit = [ROOT / name for name in ("core", "patterns/common", "labs/kit", "docs", "loadgen/scenarios")]
        self.visible = [path for path in (folder, *kit, *MEASURING, *bins, *python, *BUILD.glob("**/*.a"), *of_lab)
                        if path.exists()]

    def run(self, command, bounds=processes.Bounds(), watch=None, cwd=None, writable=()):
        left = self.deadline - time.monotonic()
        if left <= 0:
            return processes.Finished(-9, "no time was left for this\n", 0, "time")
        bounds = dataclasses.replace(bounds, seconds=min(bounds.seconds, left))
        for path in writable:
            path.mkdir(parents=True, exist_ok=True)
            path.chmod(0o777)  # for a user that owns nothing
        inside = [sys.executable, "-B", INSIDE, self.spec(cwd or "/", writable)]
        return processes.run([*namespaces(), *inside, *command], bounds, watch)

    def spec(self, cwd, writable):
        return json.dumps({
            "root": str(self.folder / "sandbox"), "cwd": str(cwd), "writable": [str(path) for path in writable],
            "visible": [str(path) for path in self.visible], "temporary_bytes": TEMPORARY_BYTES,
            "limits": {"NPROC": PROCESSES, "NOFILE": OPEN_FILES, "FSIZE": FILE_BYTES, "CORE": 0}})


def namespaces():
    """Root may make them; anybody else in a user namespace, if the system permits that."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return ["unshare", *user, "--mount", "--pid", "--net", "--ipc", "--fork", "--kill-child=SIGKILL"]


def check():
    """Whether a sandbox can be made here."""
    if ROOT.parts[1] in ("usr", "etc", "bin", "sbin", "lib", "lib64"):
        raise Problem(f"a sandbox shows all of /{ROOT.parts[1]}, solutions too: move this project to another folder")
    try:
        done = subprocess.run([*namespaces(), "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, text=True)
    except OSError as error:
        raise Problem(f"there is no sandbox here: {error}; unshare is of the package util-linux") from None
    if done.returncode != 0:
        raise Problem(f"there is no sandbox here: {done.stderr.strip()}; run this as root, or permit user namespaces")
