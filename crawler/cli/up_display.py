"""What `crawlery up` shows: on a terminal a table that is drawn anew, elsewhere a line for each change.

Knows states of children and nothing of how they come about. A terminal that is gone is no reason to end the platform.
"""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.live import Live
from rich.text import Text

from crawler.cli import console
from crawler.log import harmless
from crawler.up import spec as words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import Self

    from rich.console import Console

    from crawler.up.spec import ChildState

#: Seconds between two drawings in which nothing but the time has changed.
DRAWN_EVERY_S: Final = 1.0

#: What writing to a terminal or a pipe that is gone raises; SystemExit is how rich says that it is a pipe.
_GONE: Final = (OSError, SystemExit)

_STYLES: Final = {
    words.WAITING: "dim",
    words.STARTING: "cyan",
    words.READY: "green",
    words.DOWN: "bold red",
    words.STOPPING: "yellow",
    words.STOPPED: "dim",
    words.FAILED: "bold red",
}


def age(seconds: float) -> str:
    """`7 s`, `12 min`, `3 h 5 min`, `2 d 4 h`: how long something has been so."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if minutes < 60:
        return f"{minutes} min"
    return f"{hours} h {minutes % 60} min" if hours < 24 else f"{days} d {hours % 24} h"


def states_table(states: Sequence[ChildState], now_s: float) -> Group:
    """All children, and below them what there is to say of single ones; `now_s` in seconds since 1970."""
    table = console.table("name", "what", "state", "since", "pid", "address", "restarts")
    for column in table.columns:
        column.no_wrap = True
    remarks = []
    for state in states:
        table.add_row(
            state.name,
            state.role,
            Text(state.state, _STYLES[state.state]),
            age(now_s - state.since_s),
            "-" if state.pid is None else str(state.pid),
            state.address or "-",
            Text(str(state.restarts), "yellow" if state.restarts else "dim"),
        )
        if state.why:
            remarks.append(Text(f"{state.name}: {state.why}", "dim"))
    return Group(table, *remarks)


def state_line(state: ChildState) -> str:
    """`2026-11-29 04:22:13  node-1  ready  http://127.0.0.1:6800  pid 4711` in local time."""
    facts = [state.address if state.state in (words.STARTING, words.READY) else "", state.why]
    facts += [f"pid {state.pid}"] if state.pid is not None else []
    facts += [console.plural(state.restarts, "restart")] if state.restarts and state.state == words.READY else []
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(state.since_s))
    return f"{at}  {state.name:<10}  {state.state:<8}  {', '.join(fact for fact in facts if fact)}".rstrip()


class UpDisplay:
    """Shows the platform's children on a console, and log lines of this process beside them.

    `states` gives all children as they are now.
    """

    def __init__(self, to: Console, states: Callable[[], Sequence[ChildState]]) -> None:
        self._to = to
        self._states = states
        self._live = Live(console=to, auto_refresh=False, transient=True) if to.is_terminal else None
        self._log = _Lines(self)

    def __enter__(self) -> Self:
        logging.getLogger("crawler").addHandler(self._log)
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        logging.getLogger("crawler").removeHandler(self._log)
        if self._live is not None:
            with suppress(*_GONE):
                self._live.stop()

    def changed(self, state: ChildState) -> None:
        """A child is in a new state."""
        if self._live is None:
            self.line(console.safe(state_line(state)))
        else:
            self.draw()

    def draw(self) -> None:
        """Draws the table anew, where there is one."""
        if self._live is not None:
            with suppress(*_GONE):
                self._live.update(states_table(self._states(), time.time()), refresh=True)

    def line(self, *parts: str | tuple[str, str]) -> None:
        """A line that stays, above the table."""
        with suppress(*_GONE):
            console.line(self._to, *parts)


class _Lines(logging.Handler):
    """Log records as lines of the display."""

    def __init__(self, display: UpDisplay) -> None:
        super().__init__(logging.WARNING)
        self._display = display

    def emit(self, record: logging.LogRecord) -> None:
        """Shows the record."""
        text = "\n".join(map(harmless, record.getMessage().split("\n")))
        self._display.line((text, "yellow"))
