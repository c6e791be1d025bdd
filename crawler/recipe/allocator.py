"""Settings of the C library's allocator that parsing wants; for processes that crawl, nothing calls it on import."""

from __future__ import annotations

import ctypes
import sys
from typing import Final

#: Numbers of `mallopt`'s parameters in glibc's malloc.h.
_M_TRIM_THRESHOLD: Final = -1
_M_TOP_PAD: Final = -2
_M_MMAP_THRESHOLD: Final = -3

_TRIM_BYTES: Final = 256 << 20
_TOP_PAD_BYTES: Final = 16 << 20
_MMAP_BYTES: Final = 32 << 20


def tune_allocator() -> bool:
    """Keep freed memory in the process instead of returning it to the kernel after every page.

    glibc gives the top of the heap back when a parsed page is freed and asks for it again for the next. Returns whether
    the allocator took the settings; False where it is not glibc's.
    """
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    settings = ((_M_TRIM_THRESHOLD, _TRIM_BYTES), (_M_TOP_PAD, _TOP_PAD_BYTES), (_M_MMAP_THRESHOLD, _MMAP_BYTES))
    return all(mallopt(parameter, value) == 1 for parameter, value in settings)
