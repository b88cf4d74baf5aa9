"""How labs/lab and labs/collect end."""
import os
import sys

from . import processes
from .labfile import Problem


def run(name, main):
    """Runs `main` on the command line's words. A mistake is one line and status 2; Ctrl-C is status 130."""
    processes.end_as_by_interrupt()
    try:
        sys.exit(main(sys.argv[1:]))
    except Problem as problem:
        print(f"{name}: {problem}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # nobody reads on, as with | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
