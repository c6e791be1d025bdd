"""When a page is tried again, how long that waits, and how long its host is left alone: pure functions.

Those who call them know requests and responses; this knows numbers.
"""

from __future__ import annotations

import email.utils
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from crawler.recipe.model import Retry

#: No wait is longer, whatever a site asks for; a page that was to wait longer is tried once more and then given up.
MAX_RETRY_AFTER_S: Final = 3600.0

#: Statuses whose `Retry-After` counts (RFC 9110 10.2.3; 429 by RFC 6585).
_MAY_ASK_TO_WAIT: Final = frozenset({429, 503})


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What to do with a failed try.

    Attributes:
        again: try the page again after `wait_s` seconds; otherwise it has been given up.
        hold_host_s: nothing else is asked of this host for so long.
        reason: one line.
    """

    again: bool
    wait_s: float = 0.0
    hold_host_s: float = 0.0
    reason: str = ""


def decide(
    policy: Retry,
    *,
    tries: int,
    reason: str,
    status: int | None = None,
    retry_after: str | None = None,
    now: datetime,
    jitter: float,
) -> Decision | None:
    """What becomes of a try that failed; None if this failure is none that is tried again.

    Waits double from `backoff_min_s` to `backoff_max_s`, and half of each is left to chance, so that pages that failed
    together do not come back together. Where the whole host is silent (see `silence_s`), the page waits as long.

    Args:
        policy: the page's.
        tries: how often the page has failed before.
        reason: the failure in one line.
        status: of the response; None for a network error.
        retry_after: the header's value.
        now: with a timezone.
        jitter: a random number from 0 to 1.
    """
    if status is None and not policy.network_errors:
        return None
    if status is not None and status not in policy.statuses:
        return None
    asked = _asked_s(policy, status=status, retry_after=retry_after, now=now)
    too_long = asked is not None and asked > MAX_RETRY_AFTER_S
    if tries >= policy.times or (too_long and tries > 0):
        asked_text = f"; the site asks to wait {asked:.0f} s" if asked else ""
        tried = "1 try" if tries == 0 else f"{tries + 1} tries"
        return Decision(again=False, reason=f"{reason} (given up after {tried}{asked_text})")
    if asked is not None or status == 429:
        wait = hold = silence_s(policy, tries=tries, status=status, retry_after=retry_after, now=now)
    else:
        wait, hold = _longest_wait_s(policy, tries) * (0.5 + 0.5 * jitter), 0.0
    return Decision(again=True, wait_s=wait, hold_host_s=hold, reason=reason)


def reason_of(error: Exception) -> str:
    """A failure in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


def silence_s(policy: Retry, *, tries: int, status: int | None, retry_after: str | None, now: datetime) -> float:
    """How long a host is to be left alone after an answer, whatever becomes of the page that got it; 0: not at all.

    A 429, or a 503 that says how long, is meant for everybody who asks, not for one page.
    """
    asked = _asked_s(policy, status=status, retry_after=retry_after, now=now)
    if asked is not None:
        return min(asked, MAX_RETRY_AFTER_S)
    return _longest_wait_s(policy, tries) if status == 429 else 0.0


def _asked_s(policy: Retry, *, status: int | None, retry_after: str | None, now: datetime) -> float | None:
    if not policy.respect_retry_after or status not in _MAY_ASK_TO_WAIT:
        return None
    return parse_retry_after(retry_after, now=now)


def _longest_wait_s(policy: Retry, tries: int) -> float:
    return min(policy.backoff_max_s, policy.backoff_min_s * 2.0 ** min(tries, 30))


def parse_retry_after(value: str | None, *, now: datetime) -> float | None:
    """Seconds that a `Retry-After` header asks for: a number, or an HTTP date; None if it is neither.

    A date that has passed means now.
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        until = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=now.tzinfo)
    return max(0.0, (until - now).total_seconds())
