"""`incremental`: what a run takes over from those before it, as a checked plan.

Knows nothing of where that is kept, or of how it is compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from crawler.recipe.model import Page

Skip: TypeAlias = Literal["sitemap_lastmod", "etag", "last_modified"]
Emit: TypeAlias = Literal["all", "new", "changed"]

SKIPS: Final[tuple[Skip, ...]] = ("sitemap_lastmod", "etag", "last_modified")
EMITS: Final[tuple[Emit, ...]] = ("all", "new", "changed")

#: `modified_since: last_run`.
LAST_RUN: Final = "last_run"

#: The column of files that says what has changed (`exports.changes`).
CHANGE_COLUMN: Final = "change"

#: A row is gone when so many whole runs in a row have not seen it, unless a recipe says otherwise.
GONE_AFTER: Final = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Incremental:
    """`incremental`.

    Attributes:
        skip_unchanged: what may say that a page is what it was, so that it is not read again.
        emit: which rows files get.
        only: fields that say whether a row has changed; empty = all but `ignore`.
        ignore: fields that do not.
        recrawl_every_s: a page that was read longer ago is read again, whatever says that it is unchanged; None = it is
            believed for ever.
        gone_after: so many whole runs in a row must have missed a row.
    """

    skip_unchanged: frozenset[Skip] = frozenset()
    emit: Emit = "changed"
    only: frozenset[str] = frozenset()
    ignore: frozenset[str] = frozenset()
    recrawl_every_s: float | None = None
    gone_after: int = GONE_AFTER


def depends_on_others(page: Page) -> str:
    """Why the rows of a page depend on more than itself, so that it must always be read; "" if they do not."""
    if page.rows is not None and page.rows.later:
        return "its rows wait for follow-up requests"
    if page.paginate is not None and page.paginate.append:
        return "its rows go on over several pages (`append`)"
    return ""
