"""A DNS server of the test's own on loopback, and a process whose names are resolved by it instead of by the system's.

Addresses, in whatever notation, are read by the system's resolver as ever; it is only names for which this server is
asked, over UDP, where the system would ask the one of its configuration.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from ipaddress import ip_address

from twisted.names import dns

#: What a name has: addresses, and the names that it stands for; or a function of how often it was asked for before.
Records = Sequence[str] | Callable[[int], Sequence[str]]

#: An answer on loopback that takes longer has been lost.
_PATIENCE_S = 10.0
_LONGEST_CHAIN = 16


class DnsServer:
    """Answers for the names of its zone (lower case, without the last dot), with a time to live of 0."""

    def __init__(self) -> None:
        self.zone: dict[str, Records] = {}
        self.questions: Counter[str] = Counter()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.address = self._socket.getsockname()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def stop(self) -> None:
        self._socket.sendto(b"", self.address)
        self._thread.join(_PATIENCE_S)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            packet, client = self._socket.recvfrom(4096)
            if not packet:
                return
            message = dns.Message()
            message.fromStr(packet)
            message.answer = 1
            query = message.queries[0]
            message.answers = self._records(query.name.name.decode().lower(), query.type)
            message.rCode = dns.OK if message.answers else dns.ENAME
            self._socket.sendto(message.toStr(), client)

    def _records(self, name: str, kind: int) -> list[dns.RRHeader]:
        found = []
        for _ in range(_LONGEST_CHAIN):
            records = self.zone.get(name, ())
            self.questions[name] += kind == dns.A  # a client asks for these and then for those of IPv6: one question
            if callable(records):
                records = records(self.questions[name] - 1)
            alias = None
            for record in records:
                payload = _payload(record)
                if payload.TYPE in (kind, dns.CNAME):
                    found.append(dns.RRHeader(name.encode(), payload.TYPE, ttl=0, payload=payload))
                alias = record if payload.TYPE == dns.CNAME else alias
            if alias is None:
                break
            name = alias
        return found

    def ask(self, host: str) -> list[tuple]:
        """The addresses of a name, as `getaddrinfo` gives them, those of IPv4 first.

        Raises:
            gaierror: it has none.
            UnicodeError: it is no name.
        """
        name = host.encode("idna").rstrip(b".").lower()
        found = []
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(_PATIENCE_S)
            for number, kind in enumerate((dns.A, dns.AAAA)):
                message = dns.Message(id=number, recDes=1)
                message.addQuery(name, kind)
                asking.sendto(message.toStr(), self.address)
                answer = dns.Message()
                answer.fromStr(asking.recv(4096))
                found += [_answer(record.payload) for record in answer.answers if record.type == kind]
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return found


def _payload(record: str) -> dns.Record_A | dns.Record_AAAA | dns.Record_CNAME:
    try:
        version = ip_address(record).version
    except ValueError:
        return dns.Record_CNAME(record.encode(), 0)
    return dns.Record_A(record, 0) if version == 4 else dns.Record_AAAA(record, 0)


def _answer(payload: dns.Record_A | dns.Record_AAAA) -> tuple:
    if payload.TYPE == dns.A:
        return socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (payload.dottedQuad(), 0)
    return socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (str(ip_address(payload.address)), 0, 0, 0)


def resolve_by(server: DnsServer, loop, monkeypatch) -> list[str]:
    """From now on names are resolved by `server`, in this process and in an event loop that asks the system itself.

    Returns:
        Every host that is asked for, as it comes; numbers and names alike.
    """
    asked: list[str] = []
    systems, loops = socket.getaddrinfo, loop.getaddrinfo

    def getaddrinfo(host, port, family=0, type=0, proto=0, flags=0):  # noqa: A002, PLR0917 - as Python's
        asked.append(host)
        try:
            return systems(host, port, family, type, proto, flags | socket.AI_NUMERICHOST)
        except socket.gaierror:
            found = systems(host, port, family, type, proto, flags) if _is_local(host) else server.ask(host)
            return [(*answer[:4], (answer[4][0], port or 0, *answer[4][2:])) for answer in found]

    async def of_loop(host, port, *, family=0, type=0, proto=0, flags=0):  # noqa: A002 - ditto
        asked.append(host)
        try:
            return await loops(host, port, family=family, type=type, proto=proto, flags=flags | socket.AI_NUMERICHOST)
        except socket.gaierror:
            if _is_local(host):
                return await loops(host, port, family=family, type=type, proto=proto, flags=flags)
            return await asyncio.to_thread(server.ask, host)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(loop, "getaddrinfo", of_loop)
    return asked


def _is_local(host: str | bytes) -> bool:
    """Whether the system knows a name from its own files."""
    return host.encode("idna").lower() in (b"localhost", b"localhost.")


@contextmanager
def dns_server():
    """A server for one test."""
    server = DnsServer()
    yield server
    server.stop()
