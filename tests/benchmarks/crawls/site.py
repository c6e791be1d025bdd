"""The shop that all competitors crawl, as files: an index of lists, lists of 20 products, products; and robots.txt.

A folder for each coding of the bytes, so that the server has nothing to do but to send them. `site.py FOLDER SIZE LISTS
CODING ...` writes them: a process of its own, for whoever measures processes must be small.
"""

from __future__ import annotations

import gzip
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

sys.path.insert(0, str(Path(__file__).parents[1]))

import brotli
from crawls.shop import PER_LIST, Shop
from shop_pages import LARGE, SMALL, PageSize, list_page, product_page

if TYPE_CHECKING:
    from collections.abc import Iterator

ROBOTS: Final = b"User-agent: *\nDisallow: /cart\nDisallow: /search\nDisallow: /*?orderby=\nAllow: /\n"

#: What a body is in a folder, by the name of the coding.
CODINGS: Final = {
    "identity": bytes,
    "gzip": lambda body: gzip.compress(body, 6, mtime=0),
    "br": lambda body: brotli.compress(body, quality=5),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Pages:
    """How large the pages are: of a product, and of a list, whose menu has so many entries."""

    product: PageSize
    menu: int


#: By the name that figures carry. Lists have 28 KB and 13 KB.
SIZES: Final = {"48 KB": Pages(product=LARGE, menu=15), "7 KB": Pages(product=SMALL, menu=7)}


def files(shop: Shop) -> Iterator[tuple[str, bytes]]:
    """Path and body of each."""
    pages = SIZES[shop.size]
    yield "robots.txt", ROBOTS
    yield "index", index_page(shop.lists)
    for number in range(shop.lists):
        yield f"c/{number}", list_page(number, rows=PER_LIST, menu=pages.menu)
        for each in range(PER_LIST):
            yield f"p/{number}-{each}", product_page(number * PER_LIST + each, pages.product)


def index_page(lists: int) -> bytes:
    """Links to all lists."""
    links = "\n".join(f'<li><a class="list-link" href="/c/{number}">List {number}</a></li>' for number in range(lists))
    head = '<html lang="en"><head><meta charset="utf-8"><title>Shop</title></head>'
    return f"<!DOCTYPE html>\n{head}<body><main><ul>\n{links}\n</ul></main></body></html>".encode()


def write_site(folder: Path, shop: Shop, codings: tuple[str, ...]) -> None:
    """One folder for each coding."""
    for coding in codings:
        for name in ("c", "p"):
            (folder / coding / name).mkdir(parents=True, exist_ok=True)
    for path, body in files(shop):
        for coding in codings:
            (folder / coding / path).write_bytes(CODINGS[coding](body))


if __name__ == "__main__":
    write_site(Path(sys.argv[1]), Shop(size=sys.argv[2], lists=int(sys.argv[3])), tuple(sys.argv[4:]))
