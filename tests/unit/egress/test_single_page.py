"""Fetching one page: what is refused before a connection, and how bodies are unpacked."""

import gzip
import http.client
import socket
import urllib.error
import zlib

import pytest

from crawler.egress.single_page import FetchFailed, http_url, reason_of, unpacked

BODY = b"<h1>Hello</h1>" * 50


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("", BODY),
        ("identity", BODY),
        ("gzip", gzip.compress(BODY, mtime=0)),
        ("x-gzip", gzip.compress(BODY, mtime=0)),
        ("GZIP", gzip.compress(BODY, mtime=0)),
        ("deflate", zlib.compress(BODY)),
        ("deflate", zlib.compressobj(wbits=-15).compress(BODY) + b""),
        ("deflate, gzip", gzip.compress(zlib.compress(BODY), mtime=0)),
    ],
)
def test_a_body_is_unpacked_by_its_content_encoding(encoding, packed):
    if encoding == "deflate" and packed[:1] != zlib.compress(BODY)[:1]:
        raw = zlib.compressobj(wbits=-15)
        packed = raw.compress(BODY) + raw.flush()
    assert unpacked(packed, encoding) == BODY


def test_a_bomb_is_refused_before_it_is_large():
    bomb = gzip.compress(b"\0" * 5_000_000)
    with pytest.raises(ValueError, match="larger than 1 MiB when unpacked"):
        unpacked(bomb, "gzip", 1024 * 1024)


@pytest.mark.parametrize(("encoding", "body"), [("gzip", b"no gzip"), ("deflate", b"\xff\xff"), ("br", b"x")])
def test_a_body_that_cannot_be_unpacked_is_a_value_error(encoding, body):
    with pytest.raises(ValueError):
        unpacked(body, encoding)


@pytest.mark.parametrize("url", ["ftp://x.example/", "file:///etc/passwd", "x.example/a", "//x.example", "http://", ""])
def test_only_http_and_https_urls_are_fetched(url):
    with pytest.raises(FetchFailed, match="no http or https URL"):
        http_url(url)


def test_a_url_without_scheme_is_given_the_likely_one_as_a_hint():
    with pytest.raises(FetchFailed, match=r"did you mean https://shop\.example/c\?"):
        http_url("shop.example/c")


def test_blanks_and_foreign_letters_are_escaped():
    assert http_url(" https://x.example/a b/é?q=ü ") == "https://x.example/a%20b/%C3%A9?q=%C3%BC"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (TimeoutError(), "within 30 s"),
        (ConnectionRefusedError(111, "Connection refused"), "is the server running"),
        (urllib.error.URLError(ConnectionRefusedError(111, "Connection refused")), "is the server running"),
        (urllib.error.URLError(socket.gaierror(-2, "Name or service not known")), "name or service not known"),
        (http.client.IncompleteRead(b"12345"), "after 5 bytes"),
        (http.client.BadStatusLine("x"), "not HTTP"),
        (UnicodeError("label too long"), "host name"),
        (ValueError("larger than 32 MiB"), "larger than 32 MiB"),
    ],
)
def test_every_failure_is_one_sentence(error, words):
    sentence = reason_of(error, 30.0)
    assert words in sentence
    assert "\n" not in sentence
