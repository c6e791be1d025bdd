"""A process that does what strangers ask for: with so much time, memory, disk and files, no network, and no more.

    run_confined("crawler.recipe.approval", {...}, folder=folder, limits=ConfinedLimits())

starts `python -I -m MODULE` in a folder, with an empty environment and no open files but its order and its output; the
module does nothing but `serve_order`, which takes its rights away before it reads anything. It is killed with all that
it has started when its time is over, and in any case once it has ended. Every process that touches what strangers send
is started here: checks of pushed recipes, previews, differences, texts of jobs. Knows nothing of what is done there.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping
    from pathlib import Path

MIB: Final = 1024 * 1024

#: Exit status of a process that was refused memory.
NO_MEMORY: Final = 3

#: Whether the process has ended is looked at so often, in seconds.
_LOOK_S: Final = 0.02

#: So much of what a process says of its failure is kept, in bytes.
_MAX_COMPLAINT: Final = 2000

_ORDER_FILE: Final = ".order"
_ANSWER_FILE: Final = ".answer"
_COMPLAINT_FILE: Final = ".complaint"

#: Of `prctl(2)` and `unshare(2)`.
_PR_SET_PDEATHSIG: Final = 1
_CLONE_NEWNET: Final = 0x40000000


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfinedLimits:
    """What a process may use.

    Attributes:
        cpu_s: processor time.
        wall_s: on the clock.
        memory_bytes: of addresses.
        file_bytes: of each file that it writes.
        open_files: at a time.
        answer_bytes: more than this is no answer.
    """

    cpu_s: int = 20
    wall_s: float = 30.0
    memory_bytes: int = 1024 * MIB
    file_bytes: int = 32 * MIB
    open_files: int = 64
    answer_bytes: int = 2 * MIB


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """How a process has ended.

    Attributes:
        answer: what it has written; empty unless it has ended well.
        why_not: what has kept it from an answer, in words; "" = nothing.
        complaint: what it has said of that, for operators.
        is_stopped: it was told to stop by us, which says nothing of it.
        is_failed: it has failed by itself, not for having used too much: that is a mistake of ours.
    """

    answer: bytes = b""
    why_not: str = ""
    complaint: str = ""
    is_stopped: bool = False
    is_failed: bool = False


def run_confined(
    module: str,
    order: Mapping[str, Any],
    *,
    folder: Path,
    limits: ConfinedLimits,
    stop: threading.Event | None = None,
) -> Ended:
    """Runs a module that does `serve_order`, and waits for its end.

    Args:
        module: by its whole name.
        order: what it is to do; becomes JSON.
        folder: where it works, with the files that it needs. It is the caller's to make and to remove.
        limits: what it may use.
        stop: ends it early when it is set.
    """
    (folder / _ORDER_FILE).write_text(json.dumps(order), encoding="ascii")
    command = [sys.executable, "-I", "-m", module, json.dumps(asdict(limits))]
    return run_command(command, folder=folder, limits=limits, stop=stop)


def run_command(
    command: list[str], *, folder: Path, limits: ConfinedLimits, stop: threading.Event | None = None
) -> Ended:
    """The same of any command; what it may use but for time it has to see to itself."""
    order_file, answer_file, complaint_file = (folder / name for name in (_ORDER_FILE, _ANSWER_FILE, _COMPLAINT_FILE))
    order_file.touch()
    with order_file.open("rb") as order, answer_file.open("wb") as answer, complaint_file.open("wb") as complaint:
        process = subprocess.Popen(  # noqa: S603 - of our own module
            command, cwd=folder, env={}, stdin=order, stdout=answer, stderr=complaint, close_fds=True,
            start_new_session=True,
        )  # fmt: skip
    until = time.monotonic() + limits.wall_s
    is_late = is_stopped = False
    try:
        # It is not reaped before its group is killed: until then nobody else can get its number.
        while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
            is_late, is_stopped = time.monotonic() > until, stop is not None and stop.is_set()
            if is_late or is_stopped:
                break
            time.sleep(_LOOK_S)
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        status = process.wait()
    if is_stopped:
        return Ended(is_stopped=True, why_not="it was told to stop")
    why_not = f"it takes longer than {limits.wall_s:g} s" if is_late else _why_not(status, limits)
    is_failed = not is_late and status > 0 and status != NO_MEMORY
    found = b"" if why_not else _beginning(answer_file, limits.answer_bytes + 1)
    if len(found) > limits.answer_bytes:
        found, why_not = b"", f"its report has more than {limits.answer_bytes:,} bytes"
    complaint_text = _end(complaint_file) if why_not else ""
    return Ended(answer=found, why_not=why_not, complaint=complaint_text, is_failed=is_failed)


def _why_not(status: int, limits: ConfinedLimits) -> str:
    if status == -signal.SIGXCPU:
        return f"it takes more than {limits.cpu_s} s of processor time"
    if status == NO_MEMORY:
        return f"it takes more than {limits.memory_bytes // MIB:,} MiB of memory"
    if status < 0:
        return f"it takes too much of something: its process was killed by signal {-status}"
    return f"its process has failed with status {status}" if status else ""


def _beginning(path: Path, size: int) -> bytes:
    with path.open("rb") as file:
        return file.read(size)


def _end(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _MAX_COMPLAINT))
        return file.read().decode(errors="replace")


# --- inside the process -----------------------------------------------------------------------------------------------


def serve_order(answer: Callable[[dict[str, Any]], bytes], *, needs_network: bool = False) -> None:
    """All that such a process does: gives its rights up, reads its order, writes what is answered to it, and ends.

    Args:
        answer: what the order is answered.
        needs_network: the network is kept; `answer` calls `leave_network` before it touches what strangers have sent.
    """
    limits = ConfinedLimits(**json.loads(sys.argv[1]))
    confine(limits)
    if not needs_network:
        leave_network()
    try:
        found = answer(json.load(sys.stdin))
        sys.stdout.buffer.write(found[: limits.answer_bytes + 1])  # one more than may be says that it is too much
        sys.stdout.buffer.flush()
    except MemoryError:
        sys.exit(NO_MEMORY)


def confine(limits: ConfinedLimits) -> None:
    """Takes away from this process what it does not need, for good; but for the network, see `leave_network`."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "prctl"):
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    for what, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_AS, limits.memory_bytes),
    ):
        resource.setrlimit(what, (most, most))
    # The second number is the one that kills by SIGKILL, which would not say what it was for.
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_s, limits.cpu_s + 1))


def leave_network() -> None:
    """From here on this process opens no connection, where it is root; others may not always give that up."""
    libc = ctypes.CDLL(None)
    if os.geteuid() == 0 and hasattr(libc, "unshare"):
        libc.unshare(_CLONE_NEWNET)  # in a container root may not: then the rest must do
