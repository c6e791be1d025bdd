"""The headers of a request, as libcurl takes them."""

from __future__ import annotations

import pytest

from crawler.downloader.curl_handle import header_lines

PAIRS = [(b"User-Agent", b"x"), (b"x-EMPTY", b""), (b"Accept", b"*/*")]


def test_headers_keep_their_order_and_case():
    assert header_lines(PAIRS, method="GET", body=b"") == [b"User-Agent: x", b"x-EMPTY;", b"Accept: */*"]


def test_what_libcurl_would_add_is_kept_out():
    assert header_lines([], method="GET", body=b"") == [b"Accept:"]
    assert set(header_lines([], method="PATCH", body=b"x")) == {b"Accept:", b"Content-Type:", b"Expect:"}
    assert set(header_lines([], method="PUT", body=b"")) == {b"Accept:", b"Content-Type:", b"Expect:"}
    assert header_lines([(b"content-type", b"a/b"), (b"EXPECT", b"x")], method="POST", body=b"x") == [
        b"content-type: a/b",
        b"EXPECT: x",
        b"Accept:",
    ]


@pytest.mark.parametrize("name", [b"Content-Length", b"transfer-encoding", b"Proxy-Authorization", b"PROXY-CONNECTION"])
def test_the_length_of_a_message_and_what_is_meant_for_a_proxy_are_not_for_a_spider_to_say(name):
    assert header_lines([(name, b"5")], method="GET", body=b"") == [b"Accept:"]


@pytest.mark.parametrize("name", [b"X\nY", b"X\rY", b"X\0", b"X\r\nY"])
def test_line_ends_are_refused(name):
    for pair in ((name, b"1"), (b"X", name)):
        with pytest.raises(ValueError, match="line end"):
            header_lines([*PAIRS, pair], method="GET", body=b"")
