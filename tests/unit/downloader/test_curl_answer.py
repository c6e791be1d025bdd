"""The head of an answer, read from lines as libcurl hands them over, and the kinds of failures."""

from __future__ import annotations

import pycurl
import pytest

from crawler.downloader.curl_answer import Head, Why, kind_of, read_head


def head(text, **kwargs):
    return read_head([line.encode() + b"\r\n" for line in text.split("\n")], tunnelled=False, **kwargs)


def test_a_head_is_status_protocol_and_headers():
    assert head("HTTP/1.1 200 OK\nA: 1\nb:2\nA:\n") == Head(
        200, "HTTP/1.1", [(b"A", b"1"), (b"b", b"2"), (b"A", b"")], None, False
    )


@pytest.mark.parametrize(
    ("line", "protocol"), [("HTTP/2 204 ", "h2"), ("HTTP/1.0 204 x", "HTTP/1.0"), ("HTTP/3 204", "HTTP/3")]
)
def test_protocols_have_the_names_that_scrapy_gives_them(line, protocol):
    assert head(line + "\n")[:2] == (204, protocol)


@pytest.mark.parametrize(
    ("header", "length", "chunked"),
    [
        ("Content-Length: 5", 5, False),
        ("content-length:0", 0, False),
        ("Content-Length: five", None, False),
        ("TRANSFER-ENCODING: gzip, Chunked", None, True),
        ("Transfer-Encoding: identity", None, False),
        ("X-Content-Length: 5", None, False),
    ],
)
def test_how_the_end_of_a_body_is_known(header, length, chunked):
    found = head(f"HTTP/1.1 200 OK\n{header}\n")
    assert (found.length, found.chunked) == (length, chunked)
    assert found.ends_with_connection("GET") == (length is None and not chunked)


@pytest.mark.parametrize(
    ("first", "method"),
    [("HTTP/1.1 204 x", "GET"), ("HTTP/1.1 304 x", "GET"), ("HTTP/1.1 200 x", "HEAD"), ("HTTP/2 200", "GET")],
)
def test_what_has_no_body_or_another_end_of_it_does_not_end_with_the_connection(first, method):
    assert not head(first + "\n").ends_with_connection(method)


def test_interim_answers_come_before_and_trailers_behind():
    text = "HTTP/1.1 100 Continue\nX: 0\n\nHTTP/1.1 103 Hints\nX: 1\n\nHTTP/1.1 200 OK\nX: 2\n\nX: 3\nHTTP/1.1 500 No\n"
    found = head(text)
    assert (found.status, found.headers) == (200, [(b"X", b"2")])


def test_a_head_that_is_not_whole_is_none():
    assert head("HTTP/1.1 200 OK\nX: 1") is None
    assert head("HTTP/1.1 103 Hints\n") is None
    assert read_head([], tunnelled=False) is None


def test_what_a_proxy_says_to_connect_comes_before():
    lines = [b"HTTP/1.1 200 Established\r\n", b"X: proxy\r\n", b"\r\n", b"HTTP/1.1 404 No\r\n", b"X: site\r\n", b"\r\n"]
    assert read_head(lines, tunnelled=True)[:3] == (404, "HTTP/1.1", [(b"X", b"site")])
    assert read_head(lines[:3], tunnelled=True) is None
    assert read_head([b"HTTP/1.1 407 No\r\n", b"\r\n"], tunnelled=True) is None


@pytest.mark.parametrize(
    ("code", "errno", "answered", "why"),
    [
        (pycurl.E_COULDNT_CONNECT, 111, False, Why.REFUSED),
        (pycurl.E_COULDNT_CONNECT, 113, False, Why.FAILED),
        (pycurl.E_OPERATION_TIMEDOUT, 0, False, Why.TIMEOUT),
        (pycurl.E_OPERATION_TIMEDOUT, 0, True, Why.TIMEOUT),
        (pycurl.E_PARTIAL_FILE, 0, True, Why.DATA_LOSS),
        (pycurl.E_RECV_ERROR, 104, True, Why.DATA_LOSS),
        (pycurl.E_RECV_ERROR, 104, False, Why.FAILED),
        (pycurl.E_GOT_NOTHING, 0, False, Why.FAILED),
        (pycurl.E_FILESIZE_EXCEEDED, 0, True, Why.TOO_LARGE),
        (pycurl.E_COULDNT_RESOLVE_HOST, 0, False, Why.UNRESOLVED),
        (pycurl.E_ABORTED_BY_CALLBACK, 0, False, Why.UNRESOLVED),
        (pycurl.E_URL_MALFORMAT, 0, False, Why.INVALID),
        (pycurl.E_PEER_FAILED_VERIFICATION, 0, False, Why.FAILED),
    ],
)
def test_the_kind_of_a_failure(code, errno, answered, why):
    assert kind_of(code, errno=errno, answered=answered) is why
