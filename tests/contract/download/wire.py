"""Servers that speak HTTP as a test writes it, byte by byte, and certificates for them: real sockets on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import ssl
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from pathlib import Path

#: What takes longer hangs.
PATIENCE_S = 30.0


@dataclass
class Asked:
    """A request as it came."""

    method: str
    target: str
    head: bytes
    headers: list[tuple[str, str]]
    body: bytes
    connection: int
    peer: str

    def values(self, name: str) -> list[str]:
        return [value for found, value in self.headers if found.lower() == name.lower()]


#: An answer: bytes as they are sent; or a function of the request and the writer that sends it itself.
Answer = bytes | Callable[[Asked, asyncio.StreamWriter], Awaitable[bytes | None]]


@dataclass
class WireSite:
    """Answers by target (without the query), and notes what it was asked.

    Attributes:
        answers: to each target; an unknown one is 404.
        asked: all requests.
        opened, closed: connections.
        hung_up: set when a connection has ended.
        released: for answers that wait; the test sets it.
    """

    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    opened: int = 0
    closed: int = 0
    url: str = ""
    port: int = 0
    heard: threading.Event = field(default_factory=threading.Event)
    hung_up: threading.Event = field(default_factory=threading.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    loop: asyncio.AbstractEventLoop | None = None
    writers: set[asyncio.StreamWriter] = field(default_factory=set)

    def __setitem__(self, target: str, answer: Answer) -> None:
        self.answers[target] = answer

    def release(self) -> None:
        self.loop.call_soon_threadsafe(self.released.set)

    def wait_for(self, count: int) -> None:
        """Comes back when so many requests have come."""
        while len(self.asked) < count:
            self.heard.clear()
            if len(self.asked) < count:
                assert self.heard.wait(PATIENCE_S)

    def hang_up(self) -> None:
        """Closes all connections and comes back when that is done."""

        async def close() -> None:
            for writer in list(self.writers):
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()

        asyncio.run_coroutine_threadsafe(close(), self.loop).result(PATIENCE_S)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        number = self.opened
        self.writers.add(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while await self._answer(number, reader, writer):
                pass
        self.writers.discard(writer)
        self.closed += 1
        writer.close()
        self.hung_up.set()

    async def _unless_gone(self, answering: Awaitable[bytes | None], reader: asyncio.StreamReader) -> bytes | None:
        """What an answer comes to; nothing if nobody waits for it any more, as is found out by and by."""
        task = asyncio.ensure_future(answering)
        while not task.done() and not reader.at_eof() and reader.exception() is None:
            await asyncio.wait([task], timeout=0.02)
        if not task.done():
            task.cancel()
            await asyncio.wait([task])
            return None
        return task.result()

    async def _answer(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head[:-4].decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        asked = Asked(method, target, head, headers, b"", number, writer.get_extra_info("peername")[0])
        lengths = asked.values("Content-Length")
        asked.body = await reader.readexactly(int(lengths[0])) if lengths else b""
        self.asked.append(asked)
        self.heard.set()
        answer = self.answers.get(target.partition("?")[0], reply(404))
        if callable(answer):
            answer = await self._unless_gone(answer(asked, writer), reader)
        if answer is None:
            return False
        writer.write(answer)
        await writer.drain()
        return b"\r\nconnection: close" not in answer.lower()


def reply(status: int = 200, body: bytes = b"", *headers: str, length: int | None = None) -> bytes:
    """A whole answer with a Content-Length, by default the right one."""
    lines = [f"HTTP/1.1 {status} Whatever", *headers]
    if length is None:
        length = len(body)
    return "\r\n".join([*lines, f"Content-Length: {length}", "", ""]).encode("latin-1") + body


def page(body: bytes = b"<html>x</html>", *headers: str) -> bytes:
    return reply(200, body, "Content-Type: text/html; charset=utf-8", *headers)


@contextlib.contextmanager
def wire_site(host: str = "127.0.0.1", *, tls: ssl.SSLContext | None = None, name: str = ""):
    """A site that runs in a thread of its own."""
    site = WireSite()
    started: Future = Future()

    async def run() -> None:
        stop = asyncio.Event()
        site.loop, site.released = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(site.serve, host, 0, ssl=tls, limit=1 << 20, backlog=256)
        site.port = server.sockets[0].getsockname()[1]
        site.url = f"http{'s' if tls else ''}://{name or host}:{site.port}"
        started.set_result(stop)
        await stop.wait()
        server.close()
        site.released.set()
        for writer in list(site.writers):
            writer.transport.abort()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    stop = started.result(timeout=PATIENCE_S)
    try:
        yield site
    finally:
        site.loop.call_soon_threadsafe(stop.set)
        thread.join(timeout=PATIENCE_S)


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):
        writer.write_eof() if writer.can_write_eof() else writer.close()


@dataclass
class WireProxy(WireSite):
    """Forwards requests and opens tunnels, to whatever address it is asked for at `to`; a name is nothing to it.

    Attributes:
        to: port of the site.
        wants: the value that `Proxy-Authorization` must have, if any.
    """

    to: int = 0
    wants: tuple[str, ...] = ()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        number = self.opened
        self.writers.add(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while await self._forward(number, reader, writer):
                pass
        self.writers.discard(writer)
        writer.close()
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await writer.wait_closed()

    async def _forward(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head[:-4].decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        asked = Asked(method, target, head, headers, b"", number, "")
        self.asked.append(asked)
        if self.wants and not set(asked.values("Proxy-Authorization")) & set(self.wants):
            writer.write(reply(407, b"who are you?", "Proxy-Authenticate: Basic realm=x"))
            await writer.drain()
            return True
        there, away = await asyncio.open_connection("127.0.0.1", self.to)
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\nX-Proxy: yes\r\n\r\n")
            try:
                await asyncio.gather(_pipe(reader, away), _pipe(there, writer))
            finally:
                away.close()
            return False
        path = "/" + target.split("/", 3)[3]
        away.write(f"{method} {path} HTTP/1.1\r\n".encode() + head.split(b"\r\n", 1)[1])
        answer = await there.readuntil(b"\r\n\r\n")
        length = int(answer.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        writer.write(answer + await there.readexactly(length))
        await writer.drain()
        away.close()
        return True


@contextlib.contextmanager
def wire_proxy(to: int, host: str = "127.0.0.1"):
    """A proxy in a thread of its own."""
    proxy = WireProxy(to=to)
    started: Future = Future()

    async def run() -> None:
        stop = asyncio.Event()
        proxy.loop = asyncio.get_running_loop()
        server = await asyncio.start_server(proxy.serve, host, 0)
        proxy.port = server.sockets[0].getsockname()[1]
        proxy.url = f"http://{host}:{proxy.port}"
        started.set_result(stop)
        await stop.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    stop = started.result(timeout=PATIENCE_S)
    try:
        yield proxy
    finally:
        proxy.loop.call_soon_threadsafe(stop.set)
        thread.join(timeout=PATIENCE_S)


class Authority:
    """An authority of the tests' own, and certificates that it gives out: `.file` is what clients must trust."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of the tests")])
        self._certificate = self._sign(self._name, self._key.public_key(), authority=True)
        self.file = folder / "authority.pem"
        self.file.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def _sign(self, subject, public_key, *, hosts=(), days=(-1, 30), authority=False, signed_by=None):
        now = dt.datetime.now(dt.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject if signed_by else self._name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + dt.timedelta(days=days[0]))
            .not_valid_after(now + dt.timedelta(days=days[1]))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if hosts:
            names = [_name_of(host) for host in hosts]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(signed_by or self._key, hashes.SHA256())

    def files(self, *hosts: str, self_signed: bool = False, days: tuple[int, int] = (-1, 30)) -> tuple[Path, Path]:
        """A certificate for hosts, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0])])
        certificate = self._sign(
            subject, key.public_key(), hosts=hosts, days=days, signed_by=key if self_signed else None
        )
        stem = f"{len(list(self._folder.iterdir()))}"
        crt, pem = self._folder / f"{stem}.crt", self._folder / f"{stem}.key"
        crt.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        pem.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return crt, pem

    def context(self, *hosts: str, **kwargs) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.files(*hosts, **kwargs))
        return context


def _name_of(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
