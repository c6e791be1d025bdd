"""Pages that are at work at the same time go through each stage of it together, one stage after the other.

The code that a page passes on its way (libcurl, middlewares, lexbor, rules, files) is larger than a processor's first
caches. Taken from its answer to its end, each page would find them full of what the page before it needed last; taken
stage by stage, all but the first find there what they need next. This is cohort scheduling: J. Larus and M. Parkes,
"Using Cohort Scheduling to Enhance Server Performance", USENIX 2002.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Generator


class Cohort:
    """The pages of a crawl that are neither waiting for their site nor done.

    Attributes:
        size: how many there are. A page that is alone has nobody to let past.
    """

    __slots__ = ("size",)

    def __init__(self) -> None:
        self.size = 0


class _Turn:
    def __await__(self) -> Generator[None, None, None]:
        """Goes on in the event loop's next turn, as after `asyncio.sleep(0)`, of which it is the inner half."""
        yield


#: Lets the others catch up. To be awaited at the end of a stage, where `Cohort.size` says that there are any.
TURN: Final = _Turn()
