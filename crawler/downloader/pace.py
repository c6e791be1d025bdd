"""How carefully each host is asked, from Scrapy's settings: the deployment's pace, and that of this crawl.

The names are Scrapy's and mean what they mean there, but for all workers together: DOWNLOAD_DELAY,
CONCURRENT_REQUESTS_PER_DOMAIN, DOWNLOAD_SLOTS with `concurrency` and `delay` of a host, and AUTOTHROTTLE_*. What a
recipe's `limits` ask for beyond the deployment's settings holds for its own job only; the spider of a recipe notes the
deployment's values in DEPLOYMENT_PACE before it applies them. Everything that an ordinary spider sets is its
deployment's.

DOWNLOAD_DELAY_JITTER is not used. A delay is a minimum here, which several workers keep together; jitter could only
make crawls slower, or requests follow each other more closely than was promised, and this crawler has no reason to look
like something else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace
from scrapy.settings import BaseSettings

from crawler.errors import ConfigError
from crawler.frontier.gate_contract import Pace

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What a recipe may make gentler.
LIMITED: Final = ("DOWNLOAD_DELAY", "CONCURRENT_REQUESTS_PER_DOMAIN", "AUTOTHROTTLE_ENABLED")

#: What DOWNLOAD_SLOTS may say of a host.
_SLOT_KEYS: Final = {"concurrency", "delay", "jitter", "randomize_delay"}


class Paces:
    """Of each host, the deployment's pace and that of this crawl: `paces(host)`."""

    def __init__(self, settings: BaseSettings) -> None:
        """Reads what is needed.

        Raises:
            ConfigError: a value cannot be used.
        """
        try:
            effective = {name: settings[name] for name in LIMITED}
            if per_ip := settings.getint("CONCURRENT_REQUESTS_PER_IP"):  # as in Scrapy, in place of the other
                effective["CONCURRENT_REQUESTS_PER_DOMAIN"] = per_ip
            self._site = _pace(settings, {**effective, **settings.getdict("DEPLOYMENT_PACE")})
            self._own = _pace(settings, effective)
            slots = settings.getdict("DOWNLOAD_SLOTS")
        except (TypeError, ValueError) as error:
            names = ", ".join((*LIMITED, "AUTOTHROTTLE_*", "DOWNLOAD_SLOTS"))
            raise ConfigError(f"one of the settings {names} has a value of the wrong kind: {error}") from error
        self._special = {host: _limits(host, limits) for host, limits in slots.items()}

    def __call__(self, host: str) -> tuple[Pace, Pace]:
        """The two paces of a host."""
        limits = self._special.get(host)
        if limits is None:
            return self._site, self._own
        site = own = replace(self._site, **limits)
        # A recipe that is gentler than the deployment stays so.
        if self._own.delay_s > self._site.delay_s:
            own = replace(own, delay_s=max(site.delay_s, self._own.delay_s))
        if self._own.concurrency != self._site.concurrency:
            own = replace(own, concurrency=min(site.concurrency or self._own.concurrency, self._own.concurrency))
        return site, replace(own, adaptive=self._own.adaptive)


def _pace(settings: BaseSettings, limited: Mapping[str, Any]) -> Pace:
    values = BaseSettings(limited)
    delay = max(0.0, values.getfloat("DOWNLOAD_DELAY"))
    target = settings.getfloat("AUTOTHROTTLE_TARGET_CONCURRENCY")
    if values.getbool("AUTOTHROTTLE_ENABLED") and target <= 0:
        raise ConfigError(f"AUTOTHROTTLE_TARGET_CONCURRENCY must be more than 0, is {target:g}")
    return Pace(
        concurrency=values.getint("CONCURRENT_REQUESTS_PER_DOMAIN"),
        delay_s=delay,
        adaptive=values.getbool("AUTOTHROTTLE_ENABLED"),
        start_delay_s=max(delay, settings.getfloat("AUTOTHROTTLE_START_DELAY")),
        max_delay_s=max(delay, settings.getfloat("AUTOTHROTTLE_MAX_DELAY")),
        target_concurrency=target,
    )


def _limits(host: str, limits: Any) -> dict[str, Any]:
    """The fields of a pace that an entry of DOWNLOAD_SLOTS sets."""
    found: dict[str, Any] = {}
    if not isinstance(limits, dict) or not set(limits) <= _SLOT_KEYS:
        raise ConfigError(f"DOWNLOAD_SLOTS[{host!r}] must be a map of {', '.join(sorted(_SLOT_KEYS))}, is {limits!r}")
    for key, field in (("concurrency", "concurrency"), ("delay", "delay_s")):
        if key not in limits:
            continue
        value = limits[key]
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
            raise ConfigError(f"DOWNLOAD_SLOTS[{host!r}][{key!r}] must be a number from 0, is {value!r}")
        found[field] = int(value) if key == "concurrency" else float(value)
    return found
