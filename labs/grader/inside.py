"""Within the sandbox's namespaces: makes its files and limits, gives up every right, and becomes the program. sandbox.py
starts it with what to make, as JSON, then the program and its arguments."""
import fcntl
import json
import os
import pathlib
import resource
import socket
import struct
import subprocess
import sys

SYSTEM = ["/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc"]
DEVICES = ["null", "zero", "full", "random", "urandom"]
NOBODY = "65534"
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1


def mount(*arguments):
    subprocess.run(["mount", *map(str, arguments)], check=True)


def show(root, path, options="ro,nosuid,nodev"):
    """Puts a file, folder or link of the system at the same place in the new root."""
    source, target = pathlib.Path(path), root / str(path).lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_symlink():
        target.symlink_to(os.readlink(source))
        return
    if source.is_dir():
        target.mkdir(exist_ok=True)
    else:
        target.touch()
    mount("--bind", "-o", options, source, target)


def make_files(wanted):
    root = pathlib.Path(wanted["root"])
    root.mkdir(exist_ok=True)
    mount("--make-rprivate", "/")
    mount("-t", "tmpfs", "-o", "size=4m,mode=755", "none", root)
    for path in SYSTEM:
        if os.path.lexists(path):
            show(root, path)
    for device in DEVICES:
        show(root, f"/dev/{device}", "rw,nosuid")
    for folder in ("tmp", "dev/shm"):
        (root / folder).mkdir(parents=True)
        mount("-t", "tmpfs", "-o", f"size={wanted['temporary_bytes']},mode=1777", "none", root / folder)
    (root / "proc").mkdir()
    mount("-t", "proc", "none", root / "proc")
    for path in wanted["visible"]:
        show(root, path)
    for path in wanted["writable"]:
        show(root, path, "rw,nosuid,nodev")
    mount("-o", "remount,ro,size=4m,mode=755", root)
    os.chroot(root)
    os.chdir(wanted["cwd"])


def loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        request = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(one, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(one, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | IFF_UP))


def main():
    wanted, command = json.loads(sys.argv[1]), sys.argv[2:]
    has_all_users = pathlib.Path("/proc/self/uid_map").read_text().split()[2] != "1"  # root made this
    become = ["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"] if has_all_users else []
    loopback_up()
    make_files(wanted)
    for name, most in wanted["limits"].items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (most, most))
    pathlib.Path("/proc/self/oom_score_adj").write_text("1000")  # if memory runs out, it is the one
    os.environ.update(HOME="/tmp", TMPDIR="/tmp")
    os.execvp("setpriv", ["setpriv", *become, "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all", *command])


main()
