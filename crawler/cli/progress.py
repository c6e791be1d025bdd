"""Live progress of a crawl: one line that is drawn anew on a terminal, a plain line every few seconds elsewhere."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.live import Live
from rich.text import Text

from crawler.cli import console

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from rich.console import Console

#: Seconds over which the rate is measured.
_WINDOW_S: Final = 8.0
#: Seconds between two updates.
DRAWN_EVERY_S: Final = 0.25
PRINTED_EVERY_S: Final = 5.0
_SPINNER: Final = "\u280b\u2819\u2839\u2838\u283c\u2834\u2826\u2827\u2807\u280f"


@dataclass(frozen=True, kw_only=True, slots=True)
class JobProgress:
    """How far a job that workers share is: pages found and settled, rows kept, by all of them."""

    found: int
    settled: int
    rows: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """How far a crawl is.

    `waiting` are pages found and not yet visited, None if nobody knows. With `job` the other figures are those of this
    worker.
    """

    elapsed_s: float
    pages: int = 0
    rows: int = 0
    rejected: int = 0
    errors: int = 0
    waiting: int | None = None
    delay_s: float | None = None
    stopping: bool = False
    job: JobProgress | None = None


class Rate:
    """Pages per second over the last seconds."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque([(0.0, 0)])

    def of(self, snapshot: Snapshot) -> float:
        """The rate at this moment; 0 until there is something to measure."""
        self._seen.append((snapshot.elapsed_s, snapshot.pages))
        while len(self._seen) > 2 and snapshot.elapsed_s - self._seen[0][0] > _WINDOW_S:
            self._seen.popleft()
        began, pages = self._seen[0]
        took = snapshot.elapsed_s - began
        return (snapshot.pages - pages) / took if took > 0 else 0.0


def progress_text(name: str, snapshot: Snapshot, rate: float) -> Text:
    """`books  1:05  120 pages (8.3/s), 98 rows, 2 rejected, 1 error, 40 waiting, delay 0.05 s`."""
    minutes, seconds = divmod(int(snapshot.elapsed_s), 60)
    facts = [f"{console.plural(snapshot.pages, 'page')} ({rate:.1f}/s)", console.plural(snapshot.rows, "row")]
    text = Text.assemble((name, "bold"), f"  {minutes}:{seconds:02}  ", ", ".join(facts))
    if snapshot.rejected:
        text.append(f", {snapshot.rejected:,} rejected", "yellow")
    if snapshot.errors:
        text.append(f", {console.plural(snapshot.errors, 'error')}", "red")
    if snapshot.job is not None:
        job = snapshot.job
        text.append(f"; job: {job.settled:,} of {job.found:,} settled, {console.plural(job.rows, 'row')}")
    elif snapshot.waiting:
        text.append(f", {snapshot.waiting:,} waiting", "dim")
    if snapshot.delay_s is not None:
        text.append(f", delay {snapshot.delay_s:.2f} s", "dim")
    if snapshot.stopping:
        text.append(", stopping", "bold yellow")
    return text


class ProgressDisplay:
    """Shows snapshots on stderr. `every_s` is how often it wants one."""

    def __init__(self, name: str, to: Console) -> None:
        self.to = to
        self.every_s = DRAWN_EVERY_S if to.is_terminal else PRINTED_EVERY_S
        self._name = name
        self._rate = Rate()
        self._frames = 0
        self._printed_at_s = -PRINTED_EVERY_S
        self._live = Live(console=to, auto_refresh=False, transient=True) if to.is_terminal else None

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, snapshot: Snapshot) -> None:
        """Draw or print how far the crawl is."""
        if self._live is None and snapshot.elapsed_s - self._printed_at_s < PRINTED_EVERY_S / 2:
            return  # a timer of the event loop that is early by a hair fires again at once
        text = progress_text(self._name, snapshot, self._rate.of(snapshot))
        if self._live is None:
            self._printed_at_s = snapshot.elapsed_s
            self.to.print(text, soft_wrap=True)
            return
        self._frames += 1
        spinner = _SPINNER[self._frames % len(_SPINNER)] if self.to.encoding.startswith("utf") else "*"
        self._live.update(Text.assemble((spinner, "cyan"), " ", text), refresh=True)
