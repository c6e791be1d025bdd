"""Small libraries of C that tests put before a program with LD_PRELOAD: built from `preload/` where they are needed.

It knows nothing of what they do, but how several of them go before one program.
"""

from __future__ import annotations

import functools
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_SOURCES = Path(__file__).parent / "preload"


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """Where the libraries of this process are; gone when it ends."""
    return tempfile.TemporaryDirectory(prefix="crawlery-preload-")


@functools.cache
def built(name: str) -> Path:
    """`preload/NAME.c` as a shared library.

    Raises:
        RuntimeError: it cannot be built; the message has what the compiler said.
    """
    target = Path(_folder().name) / f"{name}.so"
    command = ["cc", "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(target)]
    try:
        subprocess.run([*command, str(_SOURCES / f"{name}.c"), "-ldl"], check=True, capture_output=True, text=True)
    except FileNotFoundError:
        raise RuntimeError("there is no C compiler; `sh scripts/test_tools.sh` installs what tests need") from None
    except subprocess.CalledProcessError as error:
        raise RuntimeError(f"{name}.c does not compile:\n{error.stderr}") from None
    return target


def together(*environments: Mapping[str, str]) -> dict[str, str]:
    """Environments as one; the later wins, but what each puts before a program goes before it."""
    merged = {name: value for environment in environments for name, value in environment.items()}
    before = [words for environment in environments if (words := environment.get("LD_PRELOAD"))]
    return {**merged, "LD_PRELOAD": " ".join(before)} if before else merged
