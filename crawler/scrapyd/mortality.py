"""Processes that die with the one that started them, however that ends. Linux only; elsewhere nothing happens.

The kernel sends the signal when the *thread* ends that has started the process, so start one from a thread that lives
as long as it is needed. Knows nothing of what the processes do.
"""

from __future__ import annotations

import ctypes
import os
import signal
from typing import Final

#: Of `prctl(2)`.
_PR_SET_PDEATHSIG: Final = 1


def die_with_parent(parent: int) -> None:
    """From now on this process is killed when the one that has started it is gone.

    Args:
        parent: its process id; if it has gone in the meantime, this process ends at once.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if hasattr(libc, "prctl"):
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)
