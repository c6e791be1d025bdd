"""The item class of recipes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class RecipeRow(dict[str, Any]):
    """A row that its contract has accepted: fields in contract order, None where missing.

    Attributes:
        item: the item type.
        key: values of the contract's `key`; empty without one.
        url: of the page that gave it.
        gaps: why each missing field is missing.
        key_id, unique_ids: 64-bit ids of its key and its unique values, for a frontier that keeps rows; the row
            pipeline sets them. 0 and none where there are none.
        change: in a crawl of an incremental recipe that is not shared: its sign, see `crawler.exports.changes`.
    """

    __slots__ = ("change", "gaps", "item", "key", "key_id", "unique_ids", "url")

    def __init__(
        self,
        values: dict[str, Any],
        *,
        item: str,
        key: tuple[Any, ...] = (),
        url: str = "",
        gaps: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(values)
        self.item = item
        self.key = key
        self.url = url
        self.gaps: Mapping[str, str] = gaps or {}
        self.key_id = 0
        self.change = ""
        self.unique_ids: tuple[int, ...] = ()
