import asyncio

import pytest

from crawler.sample_shop.httpd import BadRequest, HttpRequest, HttpResponse, _encode, _read_request


class Nowhere:
    """A writer that keeps what it is given."""

    def __init__(self):
        self.written = b""

    def write(self, data):
        self.written += data


def read(data):
    async def feed():
        reader = asyncio.StreamReader(limit=2000)
        reader.feed_data(data)
        reader.feed_eof()
        return await _read_request(reader, Nowhere())

    return asyncio.run(feed())


def test_a_request_is_read_with_headers_query_and_body():
    request, keep = read(
        b"POST /a%20b?x=1&x=2&y HTTP/1.1\r\nHost: h\r\nCookie: a=1; b=2\r\nContent-Length: 3\r\n\r\nabc"
    )
    assert (request.method, request.path, request.target) == ("POST", "/a%20b", "/a%20b?x=1&x=2&y")
    assert (request.parameters, request.cookies, request.body) == ({"x": "2", "y": ""}, {"a": "1", "b": "2"}, b"abc")
    assert keep


@pytest.mark.parametrize(
    ("head", "keep"),
    [
        (b"GET / HTTP/1.1\r\nConnection: close", False),
        (b"GET / HTTP/1.0\r\nHost: h", False),
        (b"GET / HTTP/1.0\r\nConnection: Keep-Alive", True),
    ],
)
def test_connections_stay_open_as_the_client_wants(head, keep):
    assert read(head + b"\r\n\r\n")[1] is keep


def test_the_absolute_form_is_understood():
    assert read(b"GET http://h/a?b HTTP/1.1\r\n\r\n")[0].target == "/a?b"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\r\n\r\n", 400),
        (b"G@T / HTTP/1.1\r\n\r\n", 400),
        (b"GET no-slash HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n: no name\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: cut off", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", 413),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\nA: " + b"x" * 5000 + b"\r\n\r\n", 431),
    ],
)
def test_bytes_that_are_no_request_are_told_so(data, status):
    with pytest.raises(BadRequest) as caught:
        read(data)
    assert caught.value.status == status


@pytest.mark.parametrize("data", [b"", b"\r\n", b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc"])
def test_a_client_that_goes_away_is_no_bad_request(data):
    with pytest.raises(asyncio.IncompleteReadError):
        read(data)


def encode(answer, *, head_only=False, gzipped=False, keep=True):
    head, _, body = _encode(answer, head_only=head_only, gzipped=gzipped, keep=keep).partition(b"\r\n\r\n")
    return head.decode().split("\r\n"), body


def test_the_length_is_that_of_the_body_also_for_head():
    lines, body = encode(HttpResponse(body=b"12345"), head_only=True)
    assert "Content-Length: 5" in lines
    assert body == b""


def test_long_bodies_are_compressed_if_the_client_can():
    lines, body = encode(HttpResponse(body=b"a" * 5000), gzipped=True)
    assert "Content-Encoding: gzip" in lines
    assert f"Content-Length: {len(body)}" in lines
    assert len(body) < 200


@pytest.mark.parametrize(("body", "kind"), [(b"short", "text/html"), (b"a" * 5000, "application/gzip")])
def test_short_and_compressed_bodies_are_sent_as_they_are(body, kind):
    lines, sent = encode(HttpResponse(body=body, content_type=kind), gzipped=True)
    assert "Content-Encoding: gzip" not in lines
    assert sent == body


@pytest.mark.parametrize("status", [204, 304])
def test_some_answers_have_no_body_by_law(status):
    lines, body = encode(HttpResponse(status=status, body=b"x"))
    assert not body
    assert not any(line.startswith("Content-Length") for line in lines)


def test_a_status_without_a_name_is_sent_all_the_same():
    assert encode(HttpResponse(status=599))[0][0] == "HTTP/1.1 599 Unknown"


def test_a_request_without_a_query_has_its_path_as_target():
    assert HttpRequest(method="GET", path="/a").target == "/a"
