"""What the runs of a benchmark say: medians, ratios inside each repetition, and whether our bars are held.

A record is what is kept as JSON: the runs as they were, from which everything else follows. Ratios are those of the
processor time of a page, from the opening of the spider to its closing: it moves least when a machine is disturbed.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Any, Final, TypeAlias

#: machine, lists, pages, crawls, short, not_measured; see `run.measure`.
Record: TypeAlias = dict[str, Any]

Runs: TypeAlias = list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """What we want to hold: so many times as fast as another, or no more than so many times as dear."""

    size: str
    than: str
    ours: str = "ours"
    transport: str = "plain"
    at_least: float = 0.0
    at_most: float = 0.0

    def held(self, ratio: float) -> bool:
        """Whether it is, by how many times as fast ours is."""
        return 1 / ratio <= self.at_most if self.at_most else ratio >= self.at_least


def _bars() -> tuple[Bar, ...]:
    bars: list[Bar] = []
    for size, ci1, limit in (("48 KB", 4.5, 1.8), ("7 KB", 4.0, 2.8)):
        bars += [
            Bar(size=size, than="hand", at_least=6.0),
            Bar(size=size, than="hand-ci1", at_least=ci1),
            Bar(size=size, than="limit", at_most=limit),
            Bar(size=size, than="crawlee-parsel", at_least=5.0),
            Bar(size=size, than="crawlee-lexbor", at_least=1.5),
            Bar(size=size, than="colly", at_least=2.0),
            Bar(size=size, ours="ours-xpath", than="hand-xpath", at_least=2.0),
        ]
        compressed_or_safe = ("gzip", "br", "https/1.1", "https/2")
        bars += [Bar(size=size, than="hand-ci1", transport=each, at_least=4.0) for each in compressed_or_safe]
    return tuple(bars)


BARS: Final = _bars()

#: By these, ours is compared with what it was before: the spiders that were written by hand.
BY_HAND: Final = (("ours", "hand"), ("ours", "hand-ci1"), ("ours-xpath", "hand-xpath"))


def runs_of(record: Record, *, size: str, transport: str, variant: str, part: str = "crawls") -> Runs:
    """The runs of a competitor; none if it was not measured."""
    wanted = (size, transport, variant)
    for entry in record[part]:
        if (entry["size"], entry["transport"], entry["variant"]) == wanted:
            return list(entry["runs"])
    return []


def ratio(record: Record, *, size: str, transport: str, ours: str, than: str, figure: str = "cpu_s") -> float | None:
    """How many times as fast as `than` ours is: the median of the repetitions' ratios. None: one was not measured."""
    mine = runs_of(record, size=size, transport=transport, variant=ours)
    others = runs_of(record, size=size, transport=transport, variant=than)
    if not mine or not others:
        return None
    return median(other[figure] / own[figure] for own, other in zip(mine, others, strict=True))


def of_bar(record: Record, bar: Bar) -> float | None:
    """`ratio` for a bar."""
    return ratio(record, size=bar.size, transport=bar.transport, ours=bar.ours, than=bar.than)


def middle(runs: Runs, figure: str) -> float:
    """The median."""
    return median(run[figure] for run in runs)


def sizes_of(record: Record) -> list[str]:
    """In the order in which they were measured."""
    return list(dict.fromkeys(entry["size"] for entry in record["crawls"]))


def short_bars(record: Record) -> list[str]:
    """A sentence for each bar that was measured and is not held."""
    told = []
    for bar in BARS:
        found = of_bar(record, bar)
        if found is not None and not bar.held(found):
            what = f"{bar.ours}, {bar.size}, {bar.transport}"
            if bar.at_most:
                told.append(f"{what}: {1 / found:.2f} times what {bar.than} takes, at most {bar.at_most:g} is wanted")
            else:
                told.append(f"{what}: {found:.2f} times as fast as {bar.than}, {bar.at_least:g} is wanted")
    return told


def worse(old: Record, new: Record, *, by: float = 0.1) -> list[str]:
    """A sentence for each ratio to a spider written by hand that is smaller than before by more than this part."""
    told = []
    for size in sizes_of(new):
        for transport in dict.fromkeys(entry["transport"] for entry in new["crawls"] if entry["size"] == size):
            for ours, than in BY_HAND:
                was, now = (ratio(each, size=size, transport=transport, ours=ours, than=than) for each in (old, new))
                if was is not None and now is not None and now < was * (1 - by):
                    lost = f"{1 - now / was:.0%} less"
                    told.append(
                        f"{ours}, {size}, {transport}: {now:.2f} times as fast as {than}, was {was:.2f}: {lost}"
                    )
    return told


def compared(old: Record, new: Record) -> int:
    """How many ratios both records have: with none there is nothing that could be worse."""
    count = 0
    for entry in new["crawls"]:
        for ours, than in BY_HAND:
            if entry["variant"] == ours:
                where = {"size": entry["size"], "transport": entry["transport"], "ours": ours, "than": than}
                count += ratio(old, **where) is not None and ratio(new, **where) is not None
    return count
