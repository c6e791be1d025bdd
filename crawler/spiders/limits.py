"""A recipe's `limits` over the deployment's settings: only ever gentler.

Pure: takes values, gives settings. What the operator says on the command line (`-s`) has Scrapy's higher priority and
wins over what comes out of here.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from crawler.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crawler.recipe.model import Limits
    from crawler.recipe.template import ValueTemplate


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployment:
    """The settings that limits are compared with; 0 means no limit, as in Scrapy."""

    obey_robots: bool
    delay_s: float
    concurrency_per_domain: int
    autothrottle: bool
    requests: int
    items: int
    duration_s: float
    errors: int
    blocked_in_a_row: int


def gentler(limits: Limits, deployment: Deployment, inputs: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The settings of a crawl, and a sentence for each limit that asked for less care than the deployment takes.

    Raises:
        InputError: `requests` or `items` is no whole number from 1 with these inputs.
    """
    ignored = []
    if limits.obey_robots is False and deployment.obey_robots:
        ignored.append("limits.obey_robots: false is ignored; this deployment obeys robots.txt")
    if limits.autothrottle is False and deployment.autothrottle:
        ignored.append("limits.autothrottle: false is ignored; this deployment adapts to the site")
    requests, items = _rendered("requests", limits.requests, inputs), _rendered("items", limits.items, inputs)
    return {
        "ROBOTSTXT_OBEY": deployment.obey_robots or bool(limits.obey_robots),
        "DOWNLOAD_DELAY": max(deployment.delay_s, limits.delay_s or 0.0),
        "CONCURRENT_REQUESTS_PER_DOMAIN": int(
            _smaller(deployment.concurrency_per_domain, limits.concurrency_per_domain)
        ),
        "AUTOTHROTTLE_ENABLED": deployment.autothrottle or bool(limits.autothrottle),
        "REQUESTS_LIMIT": int(_smaller(deployment.requests, requests)),
        "ITEMS_LIMIT": int(_smaller(deployment.items, items)),
        "DURATION_LIMIT": _smaller(deployment.duration_s, limits.duration_s),
        "ERRORS_LIMIT": int(_smaller(deployment.errors, limits.stop_after_errors)),
        "BLOCKED_IN_A_ROW": int(_smaller(deployment.blocked_in_a_row, limits.blocked_in_a_row)),
    }, ignored


def _smaller(deployment: float, recipe: float | None) -> float:
    """The smaller of two limits, of which 0 and None are none."""
    return min((limit for limit in (deployment, recipe) if limit), default=0)


def _rendered(name: str, template: ValueTemplate | None, inputs: Mapping[str, Any]) -> int | None:
    if template is None:
        return None
    value = template.render({"inputs": inputs, "carried": {}, "item": {}, "row": {}, "": {}})
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:18])
    if isinstance(value, Decimal) and value == value.to_integral_value():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InputError([f"limits.{name}: must be a whole number from 1, is {value!r} with these inputs"])
    return value
