"""Each fault of the proxy is what it says, to the clients and servers that the platform has."""

import asyncio
import contextlib
import socket
import threading
import time

import fault_link
import httpx
import pytest
import redis
from big_site import BigSite, SiteProcess
from botocore.config import Config as BotoConfig
from botocore.exceptions import ClientError, ConnectionClosedError
from fault_http import Head, HttpReader, NotHttp, answer
from fault_modes import Mode
from fault_proxy import FaultProxies
from redis.backoff import NoBackoff
from redis.retry import Retry
from seaweed_server import BUCKET
from workers import wait_until

#: What a client waits for an answer that does not come.
SHORT_S = 0.15


class Peer:
    """A server of plain sockets that notes what it hears, and says what a test wants."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.accepted = []

    def accept(self):
        self._listener.settimeout(10)
        connection, _ = self._listener.accept()
        connection.settimeout(10)
        self.accepted.append(connection)
        return connection

    def close(self):
        for each in (self._listener, *self.accepted):
            each.close()


@pytest.fixture
def peer():
    peer = Peer()
    yield peer
    peer.close()


@pytest.fixture(scope="module")
def proxies():
    with FaultProxies() as proxies:
        yield proxies


@pytest.fixture
def dial():
    """Connects to a port; closed at the end."""
    with contextlib.ExitStack() as stack:

        def connect(port):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return client

        yield connect


@pytest.fixture
def pair(proxies, peer, dial, request):
    """A link to the peer, and both ends of a connection through it."""
    link = proxies.link(peer.port, name=request.node.name)
    client = dial(link.port)
    return link, client, peer.accept()


@pytest.fixture
def store(proxies, valkey_server, valkey, request):
    """A link to the store, and a maker of clients through it that try once and wait for a short time."""
    link = proxies.link(valkey_server.port, name=request.node.name)
    clients = []

    def client(timeout_s=10.0):
        clients.append(
            redis.Redis(port=link.port, db=valkey.number, socket_timeout=timeout_s, retry=Retry(NoBackoff(), 0))
        )
        return clients[-1]

    with redis.Redis.from_url(valkey.url) as direct:
        yield link, client, direct
    for each in clients:
        each.close()


def is_silent(end):
    """Nothing arrives for a while, not even an end."""
    end.settimeout(SHORT_S)
    try:
        end.recv(1)
    except TimeoutError:
        return True
    finally:
        end.settimeout(10)
    return False


def is_reset(end):
    """Whatever is still to be read, a reset is behind it."""
    try:
        while end.recv(65536):
            pass
    except ConnectionResetError:
        return True
    return False


def heard(end, count):
    """So many bytes, or fewer if the stream ends."""
    data = b""
    while len(data) < count and (chunk := end.recv(count - len(data))):
        data += chunk
    return data


def test_a_link_that_does_nothing_passes_bytes_and_ends_each_way(pair):
    link, client, server = pair
    blob = bytes(range(256)) * 8192  # 2 MiB: more than all buffers on the way
    sender = threading.Thread(target=client.sendall, args=(blob,))
    sender.start()
    assert heard(server, len(blob)) == blob
    sender.join()
    client.shutdown(socket.SHUT_WR)
    assert server.recv(1) == b""
    server.sendall(b"said after the client had ended")
    assert heard(client, 31) == b"said after the client had ended"
    (connection,) = link.connections
    assert (connection.request_bytes, connection.reply_bytes) == (len(blob), 31)
    server.close()
    assert client.recv(1) == b""
    wait_until(lambda: not link.connections, what="the connection is forgotten")


def test_an_end_that_waits_for_the_last_bytes_closes_the_connection_once(peer, dial):
    """A transport of asyncio that is closed while it writes its last bytes would close its socket a second time."""
    errors = []

    async def run():
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, context: errors.append(context))
        link = fault_link.Link(name="late", server_port=peer.port, is_http=False, loop=loop)
        await link.listen()
        client = dial(link.port)
        client.shutdown(socket.SHUT_WR)
        server = await asyncio.to_thread(peer.accept)
        (connection,) = link.connections
        outgoing = connection.client.transport
        outgoing.set_write_buffer_limits(high=0)  # it goes on when all is written, not before
        outgoing.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
        await link.set(Mode.of("half-open", {"lose": False}))
        blob = bytes(range(256)) * 2048  # 512 KiB: more than the client's side takes at once
        server.sendall(blob)
        server.close()
        await asyncio.to_thread(wait_until, lambda: connection.replies.bytes == len(blob), what="all of it is held")
        await asyncio.sleep(0.01)  # and so is the end
        await link.set(Mode())
        assert await asyncio.to_thread(heard, client, len(blob) + 1) == blob
        await asyncio.to_thread(wait_until, lambda: not link.connections, what="the connection is forgotten")
        link.close()

    asyncio.run(asyncio.wait_for(run(), 30))
    assert errors == []


def test_a_reset_of_one_side_is_one_for_the_other(pair):
    link, client, server = pair
    server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    server.close()
    assert is_reset(client)
    wait_until(lambda: not link.connections, what="the connection is forgotten")


def test_a_server_that_is_away_resets_its_clients(pair, peer, dial):
    link, _, _ = pair
    peer._listener.close()
    with pytest.raises(ConnectionResetError):  # so fast that it may be heard while it connects
        dial(link.port).recv(1)


def test_latency_delays_each_chunk_and_keeps_the_order(pair):
    link, client, server = pair
    link.set("latency", ms=60, jitter_ms=50)
    started_s = time.monotonic()
    for number in range(200):
        client.sendall(f"{number:04}".encode())
    assert heard(server, 800) == b"".join(f"{number:04}".encode() for number in range(200))
    assert time.monotonic() - started_s >= 0.01
    link.set("latency", ms=100)
    started_s = time.monotonic()
    client.sendall(b"?")
    assert heard(server, 1) == b"?"
    server.sendall(b"!")
    assert heard(client, 1) == b"!"
    assert time.monotonic() - started_s >= 0.2
    link.set("latency", ms=60_000)
    client.sendall(b"late")
    assert is_silent(server)
    link.heal()
    assert heard(server, 4) == b"late"


def test_reset_ends_open_and_new_connections_of_a_client_of_the_store(store):
    link, client, direct = store
    ours = client()
    ours.set("key", 1)
    link.set("reset")
    for _ in range(2):  # the open connection, and a new one
        with pytest.raises(redis.ConnectionError, match=r"[Rr]eset"):
            ours.incr("key")
    link.heal()
    assert ours.incr("key") == 2
    assert direct.get("key") == b"2"


@pytest.mark.parametrize("mode", ["reset", "refuse"])
def test_both_ends_of_an_open_connection_are_reset(pair, mode):
    link, client, server = pair
    link.set(mode)
    assert is_reset(client)
    assert is_reset(server)
    assert link.connections == []


def test_a_refused_port_is_taken_again(store):
    link, client, _ = store
    ours = client()
    ours.set("key", 1)
    link.set("refuse")
    with pytest.raises(redis.ConnectionError):
        ours.incr("key")
    with pytest.raises(redis.ConnectionError, match="refused"):
        ours.incr("key")
    link.heal()
    assert ours.incr("key") == 2


def test_half_open_loses_words_and_the_old_connections_die_when_it_is_healed(store):
    link, client, direct = store
    ours, late = client(timeout_s=SHORT_S), client()
    ours.set("key", 1)
    old = late.client_id()
    link.set("half-open")
    for _ in range(2):  # the open connection, and a new one that is accepted
        with pytest.raises(redis.TimeoutError):
            ours.incr("key")
    link.heal()
    assert late.client_id() != old
    assert late.incr("key") == 2
    assert direct.get("key") == b"2"
    assert link.counts["lost_bytes"] > 0


def test_half_open_that_loses_nothing_brings_late_words(pair, dial, peer):
    link, client, server = pair
    link.set("half-open", lose=False)
    client.sendall(b"asked before")
    client.shutdown(socket.SHUT_WR)
    server.sendall(b"and answered")
    new = dial(link.port)
    new.sendall(b"new")
    assert is_silent(server)
    assert is_silent(client)
    peer._listener.setblocking(False)
    with pytest.raises(BlockingIOError):  # the new one has not come as far as the server
        peer._listener.accept()
    link.heal()
    assert heard(server, 13) == b"asked before"
    assert heard(client, 12) == b"and answered"
    assert heard(peer.accept(), 3) == b"new"


def test_half_open_keeps_even_the_reset_of_one_side_from_the_other(pair):
    link, client, server = pair
    link.set("half-open")
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()
    assert is_silent(server)
    link.heal()
    assert is_reset(server)


def test_dropped_requests_are_never_heard(store):
    link, client, direct = store
    ours = client(timeout_s=SHORT_S)
    ours.set("key", 1)
    subscriber = client().pubsub(ignore_subscribe_messages=True)
    subscriber.subscribe("news")
    assert subscriber.get_message(timeout=10) is None  # the confirmation
    link.set("drop-requests")
    with pytest.raises(redis.TimeoutError):
        ours.incr("key")
    direct.publish("news", "still heard")
    assert subscriber.get_message(timeout=10)["data"] == b"still heard"
    link.heal()
    assert ours.get("key") == b"1"
    direct.publish("news", "by one that has lost nothing")
    assert subscriber.get_message(timeout=10)["data"] == b"by one that has lost nothing"
    subscriber.close()


def test_with_dropped_replies_the_server_does_the_work_and_nobody_hears_of_it(store):
    link, client, direct = store
    ours, waiting = client(timeout_s=SHORT_S), client()
    ours.set("key", 1)
    waiting.ping()
    link.set("drop-replies")
    with pytest.raises(redis.TimeoutError):
        ours.incr("key")
    assert direct.get("key") == b"2"
    failures = []

    def wait():
        try:
            waiting.incr("key")
        except redis.ConnectionError as failure:
            failures.append(failure)

    waiter = threading.Thread(target=wait)
    waiter.start()
    wait_until(lambda: direct.get("key") == b"3", what="the server has done it")
    link.heal()
    waiter.join()
    assert len(failures) == 1, "one that has lost its answer is reset, and not left to wait"
    assert ours.incr("key") == 4


def test_a_bandwidth_is_kept_and_a_healed_link_lets_all_go(pair):
    link, client, server = pair
    link.set("bandwidth", bytes_per_s=100_000)
    started_s = time.monotonic()
    client.sendall(bytes(30_000))
    assert len(heard(server, 30_000)) == 30_000
    assert time.monotonic() - started_s >= 0.29
    link.set("bandwidth", bytes_per_s=10)
    client.sendall(bytes(50_000))
    wait_until(lambda: link.connections[0].request_bytes == 80_000, what="the proxy has all")
    link.heal()
    assert len(heard(server, 50_000)) == 50_000


def test_a_slow_close_is_heard_late_and_bytes_are_not(pair):
    link, client, server = pair
    link.set("slow-close", close_s=0.3)
    started_s = time.monotonic()
    client.sendall(b"last words")
    client.close()
    assert heard(server, 10) == b"last words"
    assert is_silent(server)
    assert server.recv(1) == b""
    assert time.monotonic() - started_s >= 0.3


def test_a_cut_is_made_once_and_to_the_byte(pair, dial, peer):
    link, client, server = pair
    client.sendall(b"before")
    assert heard(server, 6) == b"before"
    link.set("cut", after_bytes=8_000_000)

    met = []

    def send():
        try:
            client.sendall(bytes(16_000_000))
        except ConnectionError as error:  # the reset may come before all has been said, and is told once only
            met.append(error)

    sender = threading.Thread(target=send)
    sender.start()
    assert len(heard(server, 8_000_000)) == 8_000_000
    assert is_reset(server)
    sender.join()
    assert met or is_reset(client)
    assert link.mode == "pass"
    new = dial(link.port)
    new.sendall(bytes(200_000))
    assert len(heard(peer.accept(), 200_000)) == 200_000


def test_a_cut_within_the_head_of_a_request_is_to_the_byte_too(proxies, peer, dial):
    link = proxies.link(peer.port, name="beheaded", http=True)
    link.set("cut", after_bytes=20)
    client = dial(link.port)
    client.sendall(b"PUT /x HTTP")
    wait_until(lambda: any(each.request_bytes == 11 for each in link.connections), what="the proxy has the first bytes")
    client.sendall(b"/1.1\r\nContent-Length: 5\r\n\r\nhello")
    assert heard(peer.accept(), 20) == b"PUT /x HTTP/1.1\r\nCon"
    assert is_reset(client)


def test_a_server_that_does_not_read_holds_its_client_back(pair):
    link, client, _ = pair
    client.settimeout(0.5)
    with pytest.raises(TimeoutError):
        client.sendall(bytes(64 * 1024 * 1024))
    (connection,) = link.connections
    assert connection.request_bytes < 32 * 1024 * 1024


def test_a_site_answers_some_requests_badly(proxies):
    with SiteProcess(BigSite(products=50)) as site:
        link = proxies.link(int(site.url.rpartition(":")[2]), name="worker>site")
        with httpx.Client(base_url=f"http://127.0.0.1:{link.port}") as visitor:
            assert visitor.get("/product/1").status_code == 200
            link.set("answer", status=429, body="<h1>Slowly</h1>", headers={"Retry-After": "7"}, count=1)
            refused = visitor.get("/product/2")
            assert (refused.status_code, refused.text, refused.headers["Retry-After"]) == (429, "<h1>Slowly</h1>", "7")
            assert visitor.get("/product/2").status_code == 200
            link.set("answer", status=503, share=0.3, seed=7)
            first = [visitor.get(f"/product/{number}").status_code for number in range(1, 41)]
            link.set("answer", status=503, share=0.3, seed=7)
            assert [visitor.get(f"/product/{number}").status_code for number in range(1, 41)] == first
            assert 5 <= first.count(503) <= 20
            link.set("answer", status=500, target="/list/", methods=["GET"])
            assert [visitor.get(path).status_code for path in ("/product/1", "/list/0")] == [200, 500]
            assert visitor.head("/list/0").status_code != 500
        assert [each.target for each in link.picked][-1] == "/list/0"
        assert link.counts["picked"] == len(link.picked)
        assert site.fetches()["/list/0"] == 1, "the site heard only of the HEAD"


def test_a_connection_is_reset_when_nobody_knows_where_its_requests_begin(pair, dial):
    link, client, _ = pair
    link.set("answer", status=500, count=1)
    assert is_reset(client)
    known = dial(link.port)
    link.heal()
    link.set("answer", status=503)
    known.sendall(BODILESS)
    assert heard(known, 12) == b"HTTP/1.1 503"
    strange = dial(link.port)
    strange.sendall(b"*1\r\n$4\r\nPING\r\n\r\n")
    assert is_reset(strange)


CHUNKED = b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;x=1\r\nhello\r\n0\r\nTrailer: 1\r\n\r\n"
COUNTED = b"PUT /b?x=/c HTTP/1.1\r\nContent-Length: 7\r\nExpect: 100-continue\r\n\r\n\r\n\r\nabc"
BODILESS = b"GET /d HTTP/1.0\r\n\r\n"


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
def test_requests_are_told_apart_however_they_come(step):
    reader, stream = HttpReader(), CHUNKED + COUNTED + BODILESS
    parts = [part for first in range(0, len(stream), step) for part in reader.feed(stream[first : first + step])]
    assert b"".join(part.raw for part in parts) == stream
    assert sum(part.ends for part in parts) == 3
    heads = [part.head for part in parts if part.head]
    assert [(head.method, head.target) for head in heads] == [("POST", "/a"), ("PUT", "/b?x=/c"), ("GET", "/d")]
    assert [head.expects_continue for head in heads] == [False, True, False]
    assert [head.closes for head in heads] == [False, False, True]
    (last_of_first,) = [index for index, part in enumerate(parts) if part.head is heads[1]]
    assert parts[last_of_first - 1].ends


@pytest.mark.parametrize(
    ("method", "stream", "parts"),
    [
        ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 2),
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", 1),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n", 1),
        ("PUT", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", 5),
    ],
)
def test_an_answer_ends_where_its_request_says(method, stream, parts):
    found = list(HttpReader(answers_to=method).feed(stream))
    assert [part.ends for part in found] == [False] * (parts - 1) + [True]


@pytest.mark.parametrize(
    "stream",
    [
        b"*1\r\n$4\r\nPING\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nmany\r\n",
        b"x" * 70_000,
    ],
)
def test_what_is_no_http_is_said_to_be_none(stream):
    with pytest.raises(NotHttp):
        list(HttpReader().feed(stream))


def test_the_answer_to_a_head_has_no_body():
    mode = Mode(name="answer", status=503)
    whole = answer(mode, Head(method="GET", target="/a&b?x", version="HTTP/1.1", fields={}), closes=False)
    bare = answer(mode, Head(method="HEAD", target="/a&b?x", version="HTTP/1.1", fields={}), closes=False)
    assert whole.startswith(bare)
    assert b"<Code>SlowDown</Code>" in whole
    assert b"<Resource>/a&amp;b</Resource>" in whole
    assert bare.endswith(b"\r\n\r\n")


def test_a_request_that_waits_to_go_on_is_answered_before_its_body(proxies, peer, dial):
    link = proxies.link(peer.port, name="expecting", http=True)
    link.set("answer", status=503)
    client = dial(link.port)
    client.sendall(b"PUT /x HTTP/1.1\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
    assert heard(client, 12) == b"HTTP/1.1 503"
    link.heal()
    client.sendall(b"hello" + BODILESS)
    client.shutdown(socket.SHUT_WR)
    assert b"Connection: close" in heard(client, 100_000)
    assert peer.accept().recv(100) == b""


def test_an_answer_after_lets_the_server_say_go_on(proxies, peer, dial):
    link = proxies.link(peer.port, name="continued", http=True)
    link.set("answer-after", status=500, count=1)
    client = dial(link.port)
    server = peer.accept()
    for status in (b"500", b"204"):
        client.sendall(head := b"PUT /x HTTP/1.1\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        assert heard(server, len(head)) == head
        server.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert heard(client, 25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"hello")
        assert heard(server, 5) == b"hello"
        server.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        answered = b""
        while not answered.endswith(b"</Error>" if status == b"500" else b"\r\n\r\n"):
            answered += client.recv(65536)
        assert answered.startswith(b"HTTP/1.1 " + status)


def test_boto3_meets_each_fault_of_s3(proxies, new_seaweed):
    server = new_seaweed()
    link = proxies.link(server.ports["s3.port"], name="steward>s3")

    def client(attempts):
        config = BotoConfig(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            retries={"total_max_attempts": attempts, "mode": "standard"},
            connect_timeout=2,
            read_timeout=10,
        )
        return server.client(endpoint_url=f"http://127.0.0.1:{link.port}", config=config)

    once, stubborn, direct = client(1), client(2), server.client()

    def put(by, key, **options):
        return by.put_object(Bucket=BUCKET, Key=key, Body=b"body of " + key.encode(), **options)

    def code(call, *arguments, **options):
        with pytest.raises(ClientError) as caught:
            call(*arguments, **options)
        return caught.value.response["ResponseMetadata"]["HTTPStatusCode"], caught.value.response["Error"]["Code"]

    def keys():
        return {each["Key"] for each in direct.list_objects_v2(Bucket=BUCKET).get("Contents", ())} & {*"abcdefg"}

    put(once, "a")
    link.set("answer", status=503, methods=["PUT"])
    assert code(put, once, "b") == (503, "SlowDown")
    assert code(put, once, "b", IfNoneMatch="*") == (503, "SlowDown")
    assert once.get_object(Bucket=BUCKET, Key="a")["Body"].read() == b"body of a"
    link.set("answer", status=500)
    assert code(once.head_object, Bucket=BUCKET, Key="a") == (500, "500")
    link.set("answer", status=412, target="/b")
    assert code(put, once, "b") == (412, "PreconditionFailed")
    assert keys() == {"a"}
    link.set("answer", status=500, count=1)
    put(stubborn, "b")

    # The put has been done, and its answer is lost: the second one meets the first.
    for key, status in (("c", None), ("d", 500)):
        link.set("answer-after", status=status, count=1)
        assert code(put, stubborn, key, IfNoneMatch="*") == (412, "PreconditionFailed")
        assert direct.get_object(Bucket=BUCKET, Key=key)["Body"].read() == f"body of {key}".encode()
        assert [each.method for each in link.picked][-1] == "PUT"
    link.set("answer-after")
    with pytest.raises(ConnectionClosedError):
        put(once, "e")
    link.set("cut", after_bytes=300)
    with pytest.raises((ConnectionClosedError, ClientError)):
        put(once, "f")
    assert link.mode == "pass"
    put(once, "g")
    assert keys() == {*"abcdeg"}
    for by in (once, stubborn, direct):
        by.close()


@pytest.mark.parametrize(
    ("mode", "options", "message"),
    [
        ("slow", {}, "no mode 'slow'"),
        ("latency", {}, "needs ms"),
        ("reset", {"ms": 3}, "has no ms"),
        ("answer", {"share": 0.5}, "needs status"),
    ],
)
def test_a_mode_that_makes_no_sense_is_refused(proxies, peer, mode, options, message):
    with pytest.raises(ValueError, match=message):
        proxies.link(peer.port, name="nonsense").set(mode, **options)


def test_thirty_links_carry_a_thousand_requests_each_its_own(proxies, valkey_server, valkey, show):
    links = [proxies.link(valkey_server.port, name=f"link {number}") for number in range(30)]
    links[3].set("reset")
    before_s = proxies.cpu_s
    clients = [redis.Redis(port=link.port, db=valkey.number, retry=Retry(NoBackoff(), 0)) for link in links]
    with pytest.raises(redis.ConnectionError):
        clients[3].incr("key")
    links[3].heal()
    for number in range(1500):
        clients[number % 30].incr("key")
    assert clients[0].get("key") == b"1500"
    show(f"fault proxy: {(proxies.cpu_s - before_s) / 1500 * 1e6:.0f} us of CPU a request")
    for client in clients:
        client.close()


def test_the_process_dies_with_its_user(peer, dial):
    with FaultProxies() as proxies:
        client = dial(proxies.link(peer.port, name="last").port)
        process = proxies._process
    assert process.returncode is not None
    with contextlib.suppress(ConnectionResetError):
        assert client.recv(1) == b""
