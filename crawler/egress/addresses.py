"""Which addresses may be talked to: the rule, and nothing else. It asks no resolver and opens no connection.

URLs come from strangers' pages and clients' recipes, and a name may lead anywhere: to this machine, to what its network
hides, to a cloud's metadata service with the machine's credentials. So what is judged is always an address, never the
text of a host: `127.1`, `2130706433` and `0x7f.1` are all one address by the time it is dialled.

What may be talked to is the public internet, as the IANA registries of special-purpose addresses have it (RFC 6890 and
what came after), and what a deployment allows by its ranges. `ipaddress.is_global` alone does not do: in Python 3.11 it
takes multicast, IPv4 in IPv6, NAT64, 6to4 and several reserved blocks for global, and it cannot know of metadata
services on public addresses.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import TYPE_CHECKING, Final, TypeAlias

from crawler.errors import DENIED, ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

#: What is not the public internet, and what it is called. The first that fits names the address.
_SPECIAL_IPV4: Final = tuple(
    (IPv4Network(block), kind)
    for block, kind in (
        ("0.0.0.0/8", "this host"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "carrier-grade NAT"),
        ("127.0.0.0/8", "loopback"),
        ("168.63.129.16/32", "cloud metadata"),  # Azure
        ("169.254.0.0/16", "link-local"),  # with the metadata service of most clouds at .169.254
        ("172.16.0.0/12", "private"),
        ("192.0.0.192/32", "cloud metadata"),  # Oracle
        ("192.0.0.0/24", "reserved"),
        ("192.0.2.0/24", "documentation"),
        ("192.31.196.0/24", "reserved"),
        ("192.52.193.0/24", "reserved"),
        ("192.88.99.0/24", "reserved"),
        ("192.168.0.0/16", "private"),
        ("192.175.48.0/24", "reserved"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
    )
)
_SPECIAL_IPV6: Final = tuple(
    (IPv6Network(block), kind)
    for block, kind in (
        ("::/128", "this host"),
        ("::1/128", "loopback"),
        ("64:ff9b::/96", "NAT64"),
        ("64:ff9b:1::/48", "NAT64"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "private"),  # site-local, deprecated
        ("ff00::/8", "multicast"),
        ("2001::/32", "Teredo"),
        ("2001::/23", "reserved"),
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "6to4"),
        ("2620:4f:8000::/48", "reserved"),
        ("3fff::/20", "documentation"),
    )
)

#: All IPv6 that is given out to networks so far; the rest is reserved.
_GIVEN_OUT: Final = IPv6Network("2000::/3")

_MAPPED: Final = IPv6Network("::ffff:0:0/96")
_TRANSLATED: Final = IPv6Network("::ffff:0:0:0/96")
_COMPATIBLE: Final = IPv6Network("::/96")
_NAT64: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
_6TO4: Final = IPv6Network("2002::/16")
_TEREDO: Final = IPv6Network("2001::/32")

#: What stands before the IPv4 address in an interface identifier of ISATAP (RFC 5214); two bits of it may differ.
_ISATAP: Final = 0x00005EFE
_ISATAP_MASK: Final = 0xFCFFFFFF


@dataclass(frozen=True, kw_only=True, slots=True)
class EgressPolicy:
    """What a deployment says of its own.

    Attributes:
        allow: may be talked to whatever the built-in rule says; `EGRESS_ALLOW`.
        deny: may never be, allowed or not: cluster ranges, own addresses; `EGRESS_DENY`.
    """

    allow: tuple[Network, ...] = ()
    deny: tuple[Network, ...] = ()


def refusal(address: Address, policy: EgressPolicy) -> str:
    """Why an address may not be talked to, in a word or two for the log; "" = it may be.

    An IPv4 address inside an IPv6 one is judged too, because that is where packets end up.
    """
    if isinstance(address, IPv6Address):
        address = IPv6Address(int(address))  # without a zone
    inner = _inside(address)
    if _in(address, policy.deny) or (inner is not None and _in(inner, policy.deny)):
        return DENIED
    if isinstance(address, IPv6Address) and address in _MAPPED and inner is not None:
        return refusal(inner, policy)  # the same address in other words: connecting to either is one thing
    kind = "" if _in(address, policy.allow) else _built_in(address)
    if kind or inner is None:
        return kind
    hidden = refusal(inner, policy)
    return f"{hidden} inside IPv6" if hidden else ""


def _built_in(address: Address) -> str:
    if isinstance(address, IPv4Address):
        kinds = (kind for block, kind in _SPECIAL_IPV4 if address in block)
        return next(kinds, "")
    kinds = (kind for block, kind in _SPECIAL_IPV6 if address in block)
    return next(kinds, "" if address in _GIVEN_OUT else "reserved")


def _inside(address: Address) -> IPv4Address | None:
    """The IPv4 address to which an IPv6 one leads."""
    if isinstance(address, IPv4Address):
        return None
    number = int(address)
    low = IPv4Address(number & 0xFFFFFFFF)
    if address in _COMPATIBLE:
        return low if number > 1 else None
    if address in _MAPPED or address in _TRANSLATED or any(address in block for block in _NAT64):
        return low
    if address in _6TO4:
        return IPv4Address((number >> 80) & 0xFFFFFFFF)
    if address in _TEREDO:
        return IPv4Address(~number & 0xFFFFFFFF)
    if (number >> 32) & _ISATAP_MASK == _ISATAP:
        return low
    return None


def _in(address: Address, networks: Iterable[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def read_networks(name: str, text: str) -> tuple[Network, ...]:
    """Ranges in a text, such as "127.0.0.0/8, ::1".

    Args:
        name: of the variable, for the message.
        text: ranges or single addresses, with commas or blanks between; may be empty.

    Raises:
        ConfigError: one of them is none.
    """
    networks = []
    for word in text.replace(",", " ").split():
        try:
            networks.append(ip_network(word))
        except ValueError as error:
            raise ConfigError(
                f"environment: {name} has {word!r}: {error}; write ranges such as 127.0.0.0/8 or 2001:4860::/32"
            ) from error
    return tuple(networks)
