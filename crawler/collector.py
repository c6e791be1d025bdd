"""When Python's garbage collector looks for cycles: seldom while modules are loaded, less often for pages of recipes.

It looks whenever so many more objects have been made than are gone. Of what loading makes nearly all stays, so that it
looked 320 times for nothing: 0.1 of the 0.75 s of CPU that a crawl takes until it begins. Pages of recipes leave no
cycles (`tests/integration/scrapy/test_page_memory.py`), and are many at once: it looked for 10 us a page and found
nothing. Spiders that people write do leave some: Scrapy's responses and their selectors keep each other.
"""

from __future__ import annotations

import gc
from typing import Final

_USUAL: Final = gc.get_threshold()

#: Objects more than are gone; when a crawl has loaded all, there are three times as many.
_WHILE_LOADING: Final = 50_000

#: With these it looks once in 470 pages of 7 KB, not once in 17. What pipelines and extensions leave is found, still.
_FOR_PAGES: Final = 5_000


def loading_begins() -> None:
    """The process loads what it needs, and little else."""
    gc.set_threshold(_WHILE_LOADING, *_USUAL[1:])


def loading_ends() -> None:
    """All that is there now stays to the end: the collector need not look through it again and again."""
    gc.freeze()
    gc.set_threshold(*_USUAL)


def pages_begin() -> None:
    """From now on nearly all objects are those of pages that leave no cycles."""
    gc.set_threshold(_FOR_PAGES, *_USUAL[1:])


def pages_end() -> None:
    """As it was before them."""
    gc.set_threshold(*_USUAL)
