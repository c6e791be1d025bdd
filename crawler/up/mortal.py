"""A process that ends with the one that started it, however that ended.

The kernel is asked for that (PR_SET_PDEATHSIG) by a small Python in front of the program: the wish survives exec, in a
program of any language, and a `preexec_fn` would run between fork and exec of a process that may have threads. On
systems without it the program just runs.
"""

from __future__ import annotations

import os
import sys
from typing import Final

#: The parent may have died before the call, so it is looked for again.
_WRAPPER: Final = """
import ctypes, os, signal, sys
libc = ctypes.CDLL(None)
if hasattr(libc, "prctl"):
    libc.prctl(1, signal.SIGKILL)
    if os.getppid() != int(sys.argv[1]):
        sys.exit("the supervisor is gone")
os.execv(sys.argv[2], sys.argv[2:])
"""


def mortal(*command: str) -> list[str]:
    """A command whose process, with the same pid, is killed when the *thread* that starts it ends.

    Args:
        command: an absolute path, and arguments.
    """
    return [sys.executable, "-I", "-S", "-c", _WRAPPER, str(os.getpid()), *command]
