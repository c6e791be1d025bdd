"""Exit statuses of `crawlery`: what a script may rely on."""

from __future__ import annotations

from typing import Final

#: Also a partial crawl whose only losses are linked pages that are gone (404, 410).
OK: Final = 0
#: A recipe's own tests failed, or `lint` found something.
TESTS_FAILED: Final = 1
#: `recipe diff` found a difference.
DIFFERENT: Final = 1
#: Wrong option, unknown recipe, broken recipe, wrong input, unwritable file, unreachable page.
USAGE: Final = 2
#: A list page was lost, so linked pages may be unknown.
LIST_PAGE_LOST: Final = 3
#: The rows do not meet the recipe's `quality`.
QUALITY_FAILED: Final = 4
#: A bug in Crawlery itself.
BUG: Final = 70
#: Stopped by Ctrl-C; rows found so far are kept.
INTERRUPTED: Final = 130
