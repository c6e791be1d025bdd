"""The server on a real socket, as browsers, crawlers and broken clients meet it."""

import asyncio
import gzip
import http.client
import socket
import threading
import time
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from crawler.sample_shop.server import ShopConfig, ShopServer, running_shop, running_site

SMALL = 30


@pytest.fixture(scope="module")
def shop():
    with running_shop(products=SMALL) as running:
        yield running


@pytest.fixture
def connection(shop):
    client = http.client.HTTPConnection(urlsplit(shop.url).netloc, timeout=10)
    yield client
    client.close()


def exchange(client, path, method="GET", **headers):
    client.request(method, path, headers=headers)
    answer = client.getresponse()
    return answer, answer.read()


def raw(shop, data):
    """Sends bytes and reads until the server closes."""
    with socket.create_connection((urlsplit(shop.url).hostname, urlsplit(shop.url).port), timeout=10) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: client.recv(65536), b""))


def test_many_requests_go_over_one_connection(connection):
    sockets = set()
    for path in ("/", "/c/furniture/chairs/", "/no-such", "/api/products"):
        exchange(connection, path)
        sockets.add(id(connection.sock))
    assert len(sockets) == 1


def test_gzip_is_sent_to_those_who_ask(connection):
    plain = exchange(connection, "/")
    packed = exchange(connection, "/", **{"Accept-Encoding": "gzip"})
    assert packed[0].getheader("content-encoding") == "gzip"
    assert gzip.decompress(packed[1]) == plain[1]


def test_head_says_the_length_and_sends_nothing(connection):
    answer, body = exchange(connection, "/", "HEAD")
    assert int(answer.getheader("content-length")) > 1000
    assert body == b""
    assert exchange(connection, "/")[0].status == 200


def test_a_crawl_of_all_products_is_logged(shop, connection):
    before = len(shop.log)
    for product in shop.catalogue.products:
        exchange(connection, product.path, Cookie="club=member")
    entries = shop.log[before:]
    assert [entry.path for entry in entries] == [product.path for product in shop.catalogue.products]
    assert all(entry.method == "GET" and entry.concurrent == 1 for entry in entries)
    assert entries == tuple(sorted(entries, key=lambda entry: entry.at_s))
    assert entries[0].headers["cookie"] == "club=member"


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (b"nonsense\r\n\r\n", b"HTTP/1.1 400 "),
        (b"GET / HTTP/1.1\r\nbroken", b"HTTP/1.1 400 "),
        (b"GET / HTTP/1.1\r\nA: " + b"x" * 70_000 + b"\r\n\r\n", b"HTTP/1.1 431 "),
        (b"\x00\xff\xfe" * 50 + b"\r\n\r\n", b"HTTP/1.1 400 "),
        (b"", b""),
    ],
)
def test_malformed_requests_get_an_answer_and_the_server_lives_on(shop, connection, data, answer):
    assert raw(shop, data).startswith(answer)
    assert exchange(connection, "/")[0].status == 200


def test_pipelined_requests_are_answered_in_order(shop):
    both = raw(shop, b"GET /robots.txt HTTP/1.1\r\n\r\nGET /no-such HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert both.index(b"HTTP/1.1 200") < both.index(b"HTTP/1.1 404")


def test_a_client_may_ask_before_it_sends_its_body(shop):
    head = b"POST /api/search HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 15\r\nConnection: close\r\n\r\n"
    assert raw(shop, head + b"category=chairs").startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")


def test_a_cut_page_is_shorter_than_it_said(connection):
    with pytest.raises(http.client.IncompleteRead):
        exchange(connection, "/traps/cut")


def test_requests_at_the_same_time_are_counted():
    with running_shop(products=SMALL, slow_ms={"/about.html": 80}) as shop:
        threads = [threading.Thread(target=lambda: urlopen(f"{shop.url}/about.html").close()) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert max(entry.concurrent for entry in shop.log) > 1


def test_it_runs_inside_a_loop_of_the_callers_own():
    async def ask():
        async with ShopServer(ShopConfig(products=SMALL)) as shop:
            reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(shop.url).port)
            writer.write(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
            answer = await reader.read()
            writer.close()
            await writer.wait_closed()
            return answer, shop.log

    answer, log = asyncio.run(ask())
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert len(log) == 1


def test_it_stops_at_once_with_connections_open():
    with running_shop(products=SMALL) as shop:
        client = http.client.HTTPConnection(urlsplit(shop.url).netloc, timeout=10)
        exchange(client, "/")
        begun = time.monotonic()
    assert time.monotonic() - begun < 5
    with pytest.raises(OSError):
        exchange(client, "/")
    client.close()


def test_a_port_that_is_taken_is_an_error_of_the_caller(shop):
    with pytest.raises(OSError, match=r"[Aa]ddress"), running_shop(products=SMALL, port=urlsplit(shop.url).port):
        pass


def test_a_folder_of_saved_pages_is_served(tmp_path):
    (tmp_path / "index.html").write_text("<h1>saved</h1>")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "index.html").write_text("inner")
    with running_site(tmp_path) as site, urlopen(site.url) as home, urlopen(f"{site.url}/sub") as inner:
        assert home.read() == b"<h1>saved</h1>"
        assert inner.read() == b"inner"
        assert [entry.path for entry in site.log] == ["/", "/sub", "/sub/"]
