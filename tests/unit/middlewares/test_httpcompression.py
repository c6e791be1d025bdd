from __future__ import annotations

import gzip

import pytest
from scrapy import Request
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
