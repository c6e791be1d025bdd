"""How large a shop is; its files are written by `site`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: Products on a list.
PER_LIST: Final = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Shop:
    """An index, so many lists, and their products of a size (a name in `site.SIZES`)."""

    size: str
    lists: int

    @property
    def products(self) -> int:
        """How many, each a row."""
        return self.lists * PER_LIST

    @property
    def pages(self) -> int:
        """Index, lists and products."""
        return 1 + self.lists + self.products

    def paths(self) -> set[str]:
        """Of all pages."""
        lists = range(self.lists)
        products = {f"/p/{number}-{each}" for number in lists for each in range(PER_LIST)}
        return {"/index", *(f"/c/{number}" for number in lists), *products}
