from __future__ import annotations

import gzip
import re

import brotli
import pytest
from scrapy import Request
from scrapy.downloadermiddlewares.httpcompression import HttpCompressionMiddleware as ScrapyHttpCompressionMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.http import HtmlResponse, Response, TextResponse
from scrapy.utils.test import get_crawler

from crawler.middlewares.httpcompression import HttpCompressionMiddleware


@pytest.fixture
def middleware():
    return HttpCompressionMiddleware.from_crawler(get_crawler())


class Untouchable(HtmlResponse):
    """A text response whose charset may not be guessed."""

    @property
    def encoding(self):
        raise AssertionError("the charset of packed bytes was guessed")


@pytest.mark.parametrize("kind", ["text/html", "application/json", "text/plain"])
def test_a_packed_body_is_unpacked_without_guessing_its_charset(middleware, kind):
    headers = {"Content-Type": kind, "Content-Encoding": "gzip"}
    packed = Untouchable("http://a/x", body=gzip.compress("<p>größer</p>".encode()), headers=headers, status=203)
    unpacked = middleware.process_response(Request("http://a/x"), packed)
    assert unpacked.body == "<p>größer</p>".encode()
    assert isinstance(unpacked, TextResponse)
    assert (unpacked.url, unpacked.status, "Content-Encoding" in unpacked.headers) == ("http://a/x", 203, False)


def test_a_body_that_is_not_packed_is_left_alone(middleware):
    plain = HtmlResponse("http://a/", body=b"x", headers={"Content-Type": "text/html"})
    assert middleware.process_response(Request("http://a/"), plain) is plain


def test_packed_bytes_of_no_text_stay_no_text(middleware):
    headers = {"Content-Type": "image/png", "Content-Encoding": "gzip"}
    packed = Response("http://a/", body=gzip.compress(b"\x89PNG\r\n\x1a\n\x00"), headers=headers)
    assert type(middleware.process_response(Request("http://a/"), packed)) is Response


def by_scrapy(response, **settings):
    """What Scrapy makes of it."""
    return ScrapyHttpCompressionMiddleware.from_crawler(get_crawler(settings_dict=settings)).process_response(
        Request(response.url), response
    )


def facts(response):
    return {name: getattr(response, name) for name in response.attributes if name not in {"encoding", "request"}} | {
        "class": type(response)
    }


PAGE = b"<p>gr\xc3\xb6\xc3\x9fer</p>" * 200
PACKED = gzip.compress(PAGE)
BROTLI = brotli.compress(PAGE)


@pytest.mark.parametrize(
    "body",
    [
        PACKED,
        PACKED + PACKED,
        PACKED + b"\0\0\0",
        PACKED + b"junk",
        PACKED[:-8] + b"\1\2\3\4" + PACKED[-4:],
        PACKED[:-3],
        gzip.compress(b""),
        gzip.compress(b"\x89PNG\r\n\x1a\n\0"),
        b"no gzip",
        b"",
    ],
    ids=["whole", "two", "padded", "junk", "wrong checksum", "cut", "empty", "binary", "none", "nothing"],
)
@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/json", "image/png", None])
@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZIP"])
def test_it_is_unpacked_to_what_scrapy_unpacks(body, kind, encoding):
    headers = {"Content-Encoding": encoding, "Content-Length": str(len(body)), "X-Tag": ["a", "b"]}
    headers |= {"Content-Type": kind} if kind else {}
    given = [
        Response("http://a/x", body=body, headers=headers, status=203, flags=["f"], protocol="HTTP/1.1")
        for _ in range(2)
    ]
    crawler = get_crawler()
    middleware = HttpCompressionMiddleware.from_crawler(crawler)
    try:
        expected = by_scrapy(given[1])
    except Exception as error:  # noqa: BLE001 - whatever it raises is right
        with pytest.raises(type(error), match=re.escape(str(error))):
            middleware.process_response(Request("http://a/x"), given[0])
        return
    ours = middleware.process_response(Request("http://a/x"), given[0])
    assert facts(ours) == facts(expected)
    assert crawler.stats.get_stats() == {
        "httpcompression/response_bytes": len(ours.body),
        "httpcompression/response_count": 1,
    }
    ours.headers.appendlist("X-Tag", "c")
    assert given[0].headers.getlist("X-Tag") == [b"a", b"b"]


@pytest.mark.parametrize("body", [BROTLI, BROTLI[:-5], BROTLI + b"junk", b"junk", b""], ids=len)
def test_brotli_is_unpacked_to_what_scrapy_unpacks(body):
    test_it_is_unpacked_to_what_scrapy_unpacks(body, "text/html", "br")


@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_what_is_usual_is_unpacked_without_scrapy(monkeypatch, encoding):
    def other_way(*_):
        raise AssertionError("Scrapy was asked")

    monkeypatch.setattr(ScrapyHttpCompressionMiddleware, "process_response", other_way)
    headers = {"Content-Encoding": encoding, "Content-Type": "text/html"}
    packed = Response("http://a/", body={"gzip": PACKED, "br": BROTLI}[encoding], headers=headers)
    ours = HttpCompressionMiddleware.from_crawler(get_crawler())
    assert ours.process_response(Request("http://a/"), packed).text == PAGE.decode()


@pytest.mark.parametrize("where", ["settings", "meta"])
def test_a_body_that_is_too_large_when_unpacked_is_refused_as_scrapy_does(where, caplog):
    settings, meta = ({"DOWNLOAD_MAXSIZE": 1000}, {}) if where == "settings" else ({}, {"download_maxsize": 1000})
    ours = HttpCompressionMiddleware.from_crawler(get_crawler(settings_dict=settings))
    packed = Response("http://a/", body=PACKED, headers={"Content-Encoding": "gzip"})
    with pytest.raises(IgnoreRequest, match=r"exceeded DOWNLOAD_MAXSIZE \(1000 B\)"):
        ours.process_response(Request("http://a/", meta=meta), packed)


def test_a_body_that_is_large_when_unpacked_is_warned_of(caplog):
    ours = HttpCompressionMiddleware.from_crawler(get_crawler(settings_dict={"DOWNLOAD_WARNSIZE": len(PAGE)}))
    packed = Response("http://a/", body=PACKED, headers={"Content-Encoding": "gzip"})
    assert ours.process_response(Request("http://a/"), packed).body == PAGE
    assert "larger than the download warning size" in caplog.text


def test_a_head_has_nothing_to_unpack():
    empty = Response("http://a/", body=PACKED, headers={"Content-Encoding": "gzip"})
    ours = HttpCompressionMiddleware.from_crawler(get_crawler())
    assert ours.process_response(Request("http://a/", method="HEAD"), empty) is empty
