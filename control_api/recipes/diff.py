"""What differs between two versions of a recipe over saved pages, for callers: see `crawler.recipe.diff`.

A function that is given both texts and the pages; which versions there are, and whose, is known elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from control_api.problems import pointer
from control_api.recipes.trials import tried
from crawler.recipe.diff_report import MAX_TOLD
from crawler.trials.process import difference

if TYPE_CHECKING:
    from collections.abc import Mapping


def diffed(old: str, new: str, pages: Mapping[str, bytes], *, most: int = MAX_TOLD) -> dict[str, Any]:
    """The report of `crawler.recipe.diff_report`.

    Args:
        old: the text of the version before, as jobs have it.
        new: the text of the version after.
        pages: saved pages by the names that their tests have for them.
        most: differences to tell one by one.

    Raises:
        Problem: one of the texts cannot be used any more, or comparing takes too much; blamed on `from` and `to`.
    """
    parts = {"old": pointer("query", "from"), "new": pointer("query", "to")}
    return tried(lambda: difference(old, new, pages, most=most), parts=parts, costly=parts["new"])
