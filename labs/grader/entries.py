"""What is graded as an entry of the suite: a folder in which the test programs and the bench find its manifest, and those of
the servers that it is compared with, and nothing else."""
import json
import shutil

from .labfile import ROOT, Problem

NAME = "student"  # of the entry, if a file is graded


def manifest_of(lab, candidate):
    if candidate.manifest:
        return candidate.manifest
    return {"name": NAME, "model": lab.title, "keeps": lab.keeps, **({"capacity": lab.capacity} if lab.capacity else {}),
            "command": [lab.program, "--address", "{address}", "--port", "{port}", *lab.options]}


def read_manifest(folder):
    """The manifest of a server in any language. Its folder is where its program runs."""
    path = folder / "pattern.json"
    try:
        manifest = json.loads(path.read_text())
        if not isinstance(manifest["name"], str) or not isinstance(manifest["command"], list):
            raise ValueError("'name' is a text and 'command' a list")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Problem(f"{path}: is no manifest ({error}): tests/README.md shows one") from None
    return manifest


def make_root(lab, candidate, name="root", options=(), references=()):
    """The folder, made anew. `options` are added to the command of the candidate and of the references."""
    root = candidate.folder / name
    shutil.rmtree(root, ignore_errors=True)
    place(root, NAME, manifest_of(lab, candidate), options, candidate.manifest_folder)
    for reference in references:
        place(root, reference, reference_manifest(reference), options)
    for shared in ("docs", "loadgen"):
        (root / shared).symlink_to(ROOT / shared)
    return root


def place(root, name, manifest, options, folder=None):
    """A manifest in a folder of its own, beside links to what is in `folder`."""
    home = root / "entries" / name
    home.mkdir(parents=True)
    for item in folder.iterdir() if folder else ():
        if item.name != "pattern.json":
            (home / item.name).symlink_to(item)
    (home / "pattern.json").write_text(json.dumps({**manifest, "command": [*manifest["command"], *options]}, indent=2))


def reference_manifest(name):
    for path in sorted(ROOT.glob("p[ae]*/*/*pattern.json")):
        manifest = json.loads(path.read_text())
        if manifest["name"] == name:
            return {key: value for key, value in manifest.items() if key not in ("budget", "floor", "variants")}
    raise Problem(f"there is no entry '{name}' to compare with: name a manifest of patterns/ or peers/")
