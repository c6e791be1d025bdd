"""How a page can end, in the words of the books: what every side of the platform agrees on.

Knows nothing of who settles pages, or where they are counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Every outcome with which a page can be settled, and what it means.
OUTCOMES: Final[Mapping[str, str]] = {
    "ok": "fetched, and its callback ran to the end",
    "redirected": "the site sent us on; the target is a page of its own",
    "not_modified": "unchanged since the last run",
    "http_404": "404 or 410: the page does not exist",
    "http_4xx": "another answer of the 4xx family",
    "http_5xx": "a 5xx answer that is not retried",
    "timeout": "no answer in time, and not retried",
    "blocked": "the site keeps crawlers out: a challenge, a login wall or nothing in its place",
    "robots": "robots.txt forbids it",
    "filtered": "refused by a rule of ours: off-site, a filter, a middleware",
    "egress_denied": "its address may not be talked to",
    "too_large": "larger than the download limit, packed or unpacked",
    "parse_refused": "no document, or one too deep or too large to parse",
    "page_error": "its callback failed: not the page that it was written for",
    "poison": "its holders died five times while it was all they held",
    "gave_up": "failed more often than it may be tried again",
    "cancelled": "never fetched: the job ended before",
}

#: Outcomes that are no failure: the page was read, or we chose not to fetch it.
HARMLESS: Final = frozenset({"ok", "redirected", "not_modified", "robots", "filtered", "cancelled"})

#: Outcomes that are, in the order of `OUTCOMES`.
FAILURES: Final = tuple(name for name in OUTCOMES if name not in HARMLESS)

#: Outcomes that `quality.http_errors` counts: the site has answered with an error, kept us out, or not answered.
HTTP_ERRORS: Final = ("http_404", "http_4xx", "http_5xx", "timeout", "blocked", "gave_up")

#: Outcomes of pages that the site was asked for. One that sent us on is counted where it led to; one that was never
#: asked for (robots.txt, a filter, a limit) is no page that could have failed.
FETCHED: Final = frozenset({"ok", "not_modified", "too_large", "parse_refused", "page_error", *HTTP_ERRORS})
