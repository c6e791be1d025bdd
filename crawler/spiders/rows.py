"""The item class of recipes."""

from __future__ import annotations

from typing import Any


class RecipeRow(dict[str, Any]):
    """A row that its contract has accepted: fields in contract order, None where missing.

    Attributes:
        item: the item type.
        key: values of the contract's `key`; empty without one.
        url: of the page that gave it.
    """

    __slots__ = ("item", "key", "url")

    def __init__(self, values: dict[str, Any], *, item: str, key: tuple[Any, ...] = (), url: str = "") -> None:
        super().__init__(values)
        self.item = item
        self.key = key
        self.url = url
