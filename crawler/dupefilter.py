"""What DUPEFILTER_CLASS means here: which requests are the same page, and whether that matters.

The frontier filters, in the same step that accepts a request: a filter in the process would know nothing of what other
workers have seen, and would forget it with its process. So a class that a project names is never asked whether it has
seen a request, only what it holds a request to be:

* Scrapy's `RFPDupeFilter`, that of scrapy-redis and the one below: URL, method and body, or what the project's
  REQUEST_FINGERPRINTER_CLASS says;
* one with a `request_fingerprint` of its own: that;
* `scrapy.dupefilters.BaseDupeFilter`: nothing is filtered, each request is a page of its own.

Knows requests and their fingerprints; how an id is made of one is the codec's business.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from scrapy.dupefilters import BaseDupeFilter
from scrapy.dupefilters import RFPDupeFilter as ScrapyRFPDupeFilter
from scrapy.utils.misc import build_from_crawler, load_object
from scrapy.utils.request import RequestFingerprinter

from crawler.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.settings import BaseSettings

logger = logging.getLogger(__name__)


class RFPDupeFilter(BaseDupeFilter):
    """The frontier filters: `DUPEFILTER_CLASS = "crawler.dupefilter.RFPDupeFilter"`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Filtering:
    """What a crawl holds to be the same page.

    Attributes:
        fingerprint: equal for requests of the same page; None = URL, method, body and page type.
        active: a page that is known already is not crawled again.
    """

    fingerprint: Callable[[Request], bytes] | None = None
    active: bool = True


#: Classes whose idea of a page is the frontier's own, as is that of scrapy-redis.
_PLAIN: Final = (ScrapyRFPDupeFilter, RFPDupeFilter)


def dupefilter_class(settings: BaseSettings) -> type:
    """The class that DUPEFILTER_CLASS names.

    Raises:
        ConfigError: it names none.
    """
    name = settings["DUPEFILTER_CLASS"]
    try:
        found = load_object(name)
    except (ImportError, NameError, ValueError, TypeError) as error:
        raise ConfigError(f"DUPEFILTER_CLASS is {name!r}, which cannot be loaded: {error}") from error
    if not isinstance(found, type):
        raise ConfigError(f"DUPEFILTER_CLASS is {name!r}, which is no class")
    return found


def filtering_of(crawler: Crawler) -> Filtering:
    """What the settings DUPEFILTER_CLASS and REQUEST_FINGERPRINTER_CLASS say.

    Raises:
        ConfigError: DUPEFILTER_CLASS names nothing that could be a filter.
    """
    filter_class = dupefilter_class(crawler.settings)
    fingerprinter = crawler.request_fingerprinter
    if fingerprinter is None:
        raise AssertionError("a crawler has a fingerprinter before it makes its scheduler")
    stock = type(fingerprinter) is RequestFingerprinter
    projects = None if stock else fingerprinter.fingerprint
    if filter_class in _PLAIN:
        return Filtering(fingerprint=projects)
    from scrapy_redis.dupefilter import RFPDupeFilter as RedisRFPDupeFilter  # noqa: PLC0415 - loads a client

    plain = (*_PLAIN, RedisRFPDupeFilter)
    if filter_class is RedisRFPDupeFilter:
        return Filtering(fingerprint=projects)
    own = _own(filter_class, "request_fingerprint", plain)
    if _own(filter_class, "request_seen", plain):
        says = "its request_fingerprint says what a page is" if own else "URL, method and body say what a page is"
        logger.warning("%s.request_seen is never asked: the frontier filters, and %s", filter_class.__name__, says)
    elif not own and not issubclass(filter_class, plain):
        return Filtering(fingerprint=projects, active=False)
    if not own:
        return Filtering(fingerprint=projects)
    return Filtering(fingerprint=_as_bytes(build_from_crawler(filter_class, crawler)))


def _own(filter_class: type, method: str, plain: tuple[type, ...]) -> bool:
    """Whether a class has a method that is not one of those which come with Scrapy, scrapy-redis and Crawlery."""
    theirs = [getattr(base, method, None) for base in (BaseDupeFilter, *plain)]
    return getattr(filter_class, method, None) not in theirs


def _as_bytes(dupefilter: Any) -> Callable[[Request], bytes]:
    """The `request_fingerprint` of a filter, which gives text or bytes."""

    def fingerprint(request: Request) -> bytes:
        found: str | bytes = dupefilter.request_fingerprint(request)
        return found if isinstance(found, bytes) else found.encode()

    return fingerprint
