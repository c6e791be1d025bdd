"""Names become addresses once, and one bad address spoils all."""

from __future__ import annotations

import asyncio
import socket

import pytest

from crawler.egress.addresses import EgressPolicy, read_networks
from crawler.egress.resolve import resolve
from crawler.errors import EgressRefused, NoAddress

LOCAL = EgressPolicy(allow=read_networks("EGRESS_ALLOW", "127.0.0.0/8"))


class Resolver:
    """Answers as it is told, and counts."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    async def __call__(self, host):
        self.asked.append(host)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in answer]


def look_up(host, *, policy=LOCAL, lookup=None, timeout_s=5.0):
    return [str(address) for address in asyncio.run(resolve(host, policy, timeout_s=timeout_s, lookup=lookup))]


def test_addresses_come_in_the_resolvers_order_each_once():
    resolver = Resolver(["9.9.9.9", "2606:4700::1111", "9.9.9.9", "1.1.1.1"])
    assert look_up("shop.example", lookup=resolver) == ["9.9.9.9", "2606:4700::1111", "1.1.1.1"]
    assert resolver.asked == ["shop.example"]


@pytest.mark.parametrize("answer", [["10.0.0.1"], ["9.9.9.9", "10.0.0.1"], ["10.0.0.1", "9.9.9.9"]])
def test_one_address_that_may_not_be_talked_to_refuses_the_name(answer):
    with pytest.raises(EgressRefused, match=r"shop.example leads to 10.0.0.1, which is no .*\(private\)") as caught:
        look_up("shop.example", lookup=Resolver(answer))
    assert (caught.value.host, caught.value.address, caught.value.kind) == ("shop.example", "10.0.0.1", "private")


@pytest.mark.parametrize(
    "answer",
    [[], OSError("no such name"), socket.gaierror(-2, "unknown"), UnicodeError("label"), ValueError("embedded NUL")],
)
def test_a_name_without_address_says_so(answer):
    with pytest.raises(NoAddress, match="has no address"):
        look_up("nowhere.example", lookup=Resolver(answer))


def test_a_resolver_that_does_not_answer_is_given_up():
    async def silent(host):
        await asyncio.Event().wait()

    with pytest.raises(NoAddress, match="no answer in time"):
        look_up("shop.example", lookup=silent, timeout_s=0.01)


def test_a_text_that_is_too_long_for_a_name_reaches_no_resolver():
    resolver = Resolver()
    with pytest.raises(NoAddress):
        look_up("a." * 127, lookup=resolver)
    assert resolver.asked == []


#: Ways to write 127.0.0.1 that resolvers or the library before them understand, and some that none does.
DISGUISES = (
    *("127.0.0.1", "127.1", "127.0.1", "127.00.0.1", "0177.0.0.1", "0x7f.1", "0x7f.0.0.1", "0x7f000001", "0X7F000001"),
    *("2130706433", "017700000001", "127.0.0.1.", "localhost", "LOCALHOST", "localhost.", "127.0.0.01", "127.0.0x1"),
    *("\uff11\uff12\uff17.0.0.1", "127\u30020\u30020\u30021", "127\uff0e0\uff0e0\uff0e1", "127\uff610\uff610\uff611"),
    *("\u2460\u2461\u2466.0.0.1", "\U0001d7cf\U0001d7d0\U0001d7d5.0.0.1", "::1", "::ffff:127.0.0.1", "::ffff:7f00:1"),
    *("0:0:0:0:0:0:0:1", "::ffff:0:127.0.0.1", "::127.0.0.1", "0", "0.0.0.0", "0x0", "127.255.255.254"),
)


@pytest.mark.parametrize("host", DISGUISES)
def test_the_systems_resolver_leads_nobody_to_this_machine_whatever_it_is_called(host):
    with pytest.raises((EgressRefused, NoAddress)):
        look_up(host, policy=EgressPolicy())


def test_what_is_allowed_is_found_by_the_systems_resolver():
    assert look_up("127.1") == ["127.0.0.1"]
