"""What one page gives, as plain data of a size that can be sent: rows, links, where each value came from, and why not.

Pure; who fetched the page and who asked is not known here.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final

from crawler.recipe.check import links_by_page
from crawler.recipe.diff import written
from crawler.recipe.shortened import MAX_CHARACTERS, shortened
from crawler.recipe.values import is_missing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from crawler.recipe.diagnose import Diagnosis, Finding, Miss
    from crawler.recipe.model import PageInput, PageRequest, PageResult, Recipe

#: Rows, rejected rows, and links to each page type that are told; the numbers are of all.
MAX_ROWS: Final = 20
MAX_REJECTS: Final = 20
MAX_LINKS: Final = 50

#: Follow-up requests that are told.
MAX_ASKED: Final = 5

_STRANGER: Final = (
    "a crawl would log in before it asks for this page, which is not done here: it is what a stranger is shown;"
    " save a page in a browser and give it as `body`"
)

#: Characters of all rows that are told, about, and of the value of a field.
_MAX_CHARACTERS: Final = 512 * 1024
_MAX_VALUE_CHARACTERS: Final = 10_000


def preview_report(
    recipe: Recipe, page: PageInput, diagnosis: Diagnosis, *, asked: Sequence[PageRequest] = (), stranger: bool = False
) -> dict[str, Any]:
    """What `diagnose` has found on a page.

    Args:
        recipe: the plan.
        page: the page.
        diagnosis: what was found.
        asked: follow-up requests that a crawl would have made, and nobody has.
        stranger: the page was asked for by nobody who is logged in, and a crawl would log in.
    """
    result, error = diagnosis.result, diagnosis.error
    return {
        "page": diagnosis.page,
        "url": page.url,
        "status": page.status,
        "size_bytes": len(page.body),
        "kind": diagnosis.kind,
        "encoding": diagnosis.encoding,
        "outcome": "failed" if result is None else result.outcome,
        "error": "" if error is None else f"{type(error).__name__}: {error}",
        "cause": "" if result is None or result.cause is None else result.cause.sentence(),
        **_of_rows(result),
        "links": [] if result is None else _links(recipe, result),
        "next": None if result is None or result.next is None else result.next.url,
        "fields": [_field(finding) for finding in diagnosis.findings],
        "misses": [
            {"path": where, "selectors": _misses(misses)} for where, misses in diagnosis.misses.items() if misses
        ],
        "notes": [*_waiting(recipe, diagnosis.page, asked), *([_STRANGER] if stranger else ()), *diagnosis.hints],
    }


def _waiting(recipe: Recipe, page: str, asked: Sequence[PageRequest]) -> list[str]:
    """Which fields a crawl would have made further requests for."""
    rows = recipe.pages[page].rows
    if not asked or rows is None:
        return []
    fields = ", ".join(name for name in rows.fields if name in rows.later)
    urls = ", ".join(dict.fromkeys(f"{request.method} {shortened(request.url)}" for request in asked[:MAX_ASKED]))
    more = f" and {len(asked) - MAX_ASKED:,} more" if len(asked) > MAX_ASKED else ""
    return [f"{fields}: a crawl would make further requests for them, which are not made here: {urls}{more}"]


def _of_rows(result: PageResult | None) -> dict[str, Any]:
    rows, rejects = ((), ()) if result is None else (result.rows, result.rejects)
    return {
        "rows": _fitting([shortened(row.values) for row in rows[:MAX_ROWS]]),
        "rows_found": len(rows),
        "rejects": _fitting(
            [
                {
                    "values": shortened({name: value for name, value in one.values.items() if not is_missing(value)}),
                    "reasons": [f"{reason.field} {shortened(reason.message)}" for reason in one.reasons],
                }
                for one in rejects[:MAX_REJECTS]
            ]
        ),
        "rejects_found": len(rejects),
    }


def _fitting(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As many of them, from the first on, as are small enough together."""
    sizes = itertools.accumulate(len(written(entry)) for entry in entries)
    return [entry for entry, size in zip(entries, sizes, strict=True) if size <= _MAX_CHARACTERS]


def _links(recipe: Recipe, result: PageResult) -> list[dict[str, Any]]:
    return [
        {"page": name, "found": len(urls), "urls": urls[:MAX_LINKS]}
        for name, urls in links_by_page(recipe, result).items()
    ]


def _field(finding: Finding) -> dict[str, Any]:
    first = finding.first
    value = shortened(first.value)
    return {
        "path": finding.path,
        "value": value if len(written(value)) <= _MAX_VALUE_CHARACTERS else written(value)[:MAX_CHARACTERS],
        "source": shortened(first.source),
        "alternative": None if first.winner is None else first.winner + 1,
        "alternatives": finding.alternatives,
        "matches": first.matches,
        "rows": finding.rows,
        "filled": finding.filled,
        "failure": shortened(first.failure or ""),
        "selectors": _misses(finding.misses),
    }


def _misses(misses: Iterable[Miss]) -> list[dict[str, Any]]:
    """Selectors that match nothing, each with the longest part of it that matches, and how often."""
    return [
        {"selector": shortened(one.source), "part": one.prefix, "matches": one.prefix_matches, "note": one.note}
        for one in misses
    ]
