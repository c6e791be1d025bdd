"""Compares what a crawl gave with what the site contains. It knows no store, no process and no Scrapy."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: So many examples of each kind are in a report.
_SHOWN = 5

#: What a crawl must show none of: attributes of `Findings`.
KINDS = (
    "unfinished",
    "unread",
    "lost",
    "doubled",
    "unexpected",
    "poison",
    "unsettled",
    "unbalanced",
    "expired",
    "left_behind",
    "changed",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Findings:
    """What is wrong with a crawl; all in numbers, with a few examples.

    Attributes:
        pages: of the site.
        rows: that were kept.
        unread: pages that were never given out by the site.
        lost: rows of the site that nobody has.
        doubled: rows beyond the first of a page.
        unexpected: rows that the site does not contain, or not so.
        poison: pages settled so.
        unsettled: pages that the books do not end as `ok`, poison apart; they count start too.
        refetched: times that a page was given after its first time.
        leases_lost: how often a worker lost what it held: each may cost one refetch.
        unfinished: 1 for a job that does not move any more, and has not ended; nothing else is known of it then.
        unbalanced: pages that the books have accepted, and know neither as open nor as settled; or the other way round.
        expired: leases lost by workers that were neither killed nor stopped for longer than one lives.
        left_behind: leases of workers that had left in order.
        changed: ends of the job that were replaced by another one.
        examples: by kind.
    """

    pages: int
    rows: int
    unread: int
    lost: int
    doubled: int
    unexpected: int
    poison: int
    unsettled: int
    refetched: int
    leases_lost: int
    unfinished: int = 0
    unbalanced: int = 0
    expired: int = 0
    left_behind: int = 0
    changed: int = 0
    examples: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of problems, of `KINDS` and `refetched`; empty if all is well."""
        found = tuple(kind for kind in KINDS if getattr(self, kind))
        return (*found, "refetched") if self.refetched > self.leases_lost else found

    @property
    def problems(self) -> list[str]:
        """What a crawl must not show; empty if all is well."""
        found = [f"{getattr(self, kind)} {kind}: {self.examples.get(kind)}" for kind in KINDS if getattr(self, kind)]
        if self.refetched > self.leases_lost:
            found.append(f"{self.refetched} pages fetched again, but only {self.leases_lost} leases lost")
        return found

    def as_json(self) -> str:
        return json.dumps({**asdict(self), "problems": self.problems}, indent=1)


def check(
    *,
    expected: Mapping[str, Mapping[str, str]],
    pages: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    fetches: Mapping[str, int] | None,
    settled: Mapping[str, int] | None,
    leases_lost: int | None,
    unbalanced: int = 0,
    expired: int = 0,
    left_behind: int = 0,
    changed: int = 0,
) -> Findings:
    """Finds what is wrong.

    Args:
        expected: every row of the site, by the path of its page.
        pages: paths of all pages of the site.
        rows: what the crawl kept; values as text.
        fetches: how often the site gave each page; None if others have visited it, too.
        settled: pages by outcome, as the books say; None for a system that keeps none.
        leases_lost: as of `Findings`, as all that follow; None if nobody knows: a store has forgotten something.
        unbalanced: see there.
        expired: see there.
        left_behind: see there.
        changed: see there.
    """
    by_url = {row["url"]: row for row in expected.values()}
    given = Counter(str(row.get("url")) for row in rows)
    lost = [url for url in by_url if url not in given]
    doubled = [url for url, count in given.items() if count > 1]
    unexpected = [str(row) for row in rows if dict(row) != by_url.get(str(row.get("url")))]
    unread = [] if fetches is None else [path for path in pages if not fetches.get(path)]
    refetched = sum(count - 1 for count in (fetches or {}).values() if count > 1)
    others = {outcome: count for outcome, count in (settled or {}).items() if outcome not in ("ok", "poison")}
    missing = 0 if settled is None else abs(len(pages) + 1 - sum(settled.values()))
    examples = {"lost": lost, "doubled": doubled, "unexpected": unexpected, "unread": unread}
    return Findings(
        pages=len(pages),
        rows=len(rows),
        unread=len(unread),
        lost=len(lost),
        doubled=sum(given[url] - 1 for url in doubled),
        unexpected=len(unexpected),
        poison=(settled or {}).get("poison", 0),
        unsettled=sum(others.values()) + missing,
        refetched=refetched,
        leases_lost=refetched if leases_lost is None else leases_lost,
        unbalanced=abs(unbalanced),
        expired=expired,
        left_behind=left_behind,
        changed=changed,
        examples={
            **{kind: found[:_SHOWN] for kind, found in examples.items()},
            "unsettled": [f"{outcome}: {count}" for outcome, count in others.items()],
        },
    )


def not_ended(*, pages: Sequence[str], fetches: Mapping[str, int], why: str) -> Findings:
    """What there is to say of a job that does not move any more; its rows are not looked at.

    Args:
        pages: as of `check`.
        fetches: ditto.
        why: what a person would look at first.
    """
    return Findings(
        pages=len(pages),
        rows=0,
        unread=0,
        lost=0,
        doubled=0,
        unexpected=0,
        poison=0,
        unsettled=0,
        refetched=0,
        leases_lost=0,
        unfinished=1,
        examples={"unfinished": [why], "unread": [path for path in pages if not fetches.get(path)][:_SHOWN]},
    )
