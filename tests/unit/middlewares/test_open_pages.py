from __future__ import annotations

import pytest
from scrapy import Request
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    NotSupported,
    ResponseDataLossError,
    UnsupportedURLSchemeError,
)
from scrapy.http import Response
from scrapy.spidermiddlewares.httperror import HttpError

from crawler.errors import ParseRefused, PathGone
from crawler.frontier.contract import FrontierRequest, Lease
from crawler.jobs.outcomes import OUTCOMES
from crawler.middlewares.open_pages import (
    Blocked,
    OpenPage,
    OpenPages,
    RedirectedTooOften,
    RobotsForbidden,
    RobotsUnreachable,
    outcome_of,
)


def http_error(status: int) -> HttpError:
    return HttpError(Response("http://a/", status=status))


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (http_error(404), "http_404"),
        (http_error(410), "http_404"),
        (http_error(401), "http_4xx"),
        (http_error(500), "http_5xx"),
        (http_error(599), "http_5xx"),
        (http_error(304), "page_error"),
        (http_error(300), "page_error"),
        (RobotsForbidden("no"), "robots"),
        (RedirectedTooOften("circle"), "gave_up"),
        (Blocked("challenge"), "blocked"),
        (RobotsUnreachable("no answer"), "gave_up"),
        (IgnoreRequest("off-site"), "filtered"),
        (IgnoreRequest("body exceeded DOWNLOAD_MAXSIZE (1 B) during decompression"), "too_large"),
        (DownloadCancelledError("too big"), "too_large"),
        (NotSupported("no text"), "filtered"),
        (UnsupportedURLSchemeError("ftp"), "filtered"),
        (DownloadTimeoutError("late"), "timeout"),
        (DownloadConnectionRefusedError("refused"), "gave_up"),
        (CannotResolveHostError("where?"), "gave_up"),
        (DownloadFailedError("reset"), "gave_up"),
        (ResponseDataLossError("cut"), "gave_up"),
        (ConnectionResetError("reset"), "gave_up"),
        (ParseRefused("too deep"), "parse_refused"),
        (PathGone("items"), "page_error"),
        (KeyError("x"), "page_error"),
        (RuntimeError(), "page_error"),
    ],
)
def test_every_failure_has_its_outcome_and_a_reason(error, outcome):
    found, reason = outcome_of(error)
    assert found == outcome
    assert found in OUTCOMES
    assert reason
    assert "\n" not in reason


def test_a_reason_is_one_line_of_at_most_500_characters():
    assert outcome_of(IgnoreRequest("a\n  b " * 1_000))[1].startswith("a b a b")
    assert len(outcome_of(IgnoreRequest("x" * 5_000))[1]) == 500


@pytest.fixture
def page():
    lease = Lease(request=FrontierRequest(id=2, host="a", body=b""), token=1)
    request = Request("http://a/")
    return OpenPage(lease=lease, request=request, url=request.url)


def test_the_first_failure_of_a_page_counts(page):
    page.fail("http_404", "status 404")
    page.fail("page_error", "later")
    assert (page.outcome, page.reason) == ("http_404", "status 404")


def test_a_page_is_found_by_its_request_object_and_by_nothing_like_it(page):
    pages = OpenPages()
    pages.add(page)
    assert pages.of(page.request) is page
    assert pages.of(page.request.copy()) is None
    assert pages.of(None) is None
    assert list(pages) == [page]


def test_a_page_is_also_found_by_the_request_of_its_response(page):
    pages, other = OpenPages(), Request("http://a/other")
    pages.add(page)
    pages.alias(page.request, Response("http://a/", request=other))
    pages.alias(Request("http://a/stranger"), Response("http://a/", request=Request("http://a/more")))
    assert pages.of(other) is page
    assert list(pages) == [page]
    pages.remove(page)
    assert (pages.of(other), len(pages)) == (None, 0)
