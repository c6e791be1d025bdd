"""What a person at this machine may say: where a crawl begins, or which page is fetched, may be a place of their own.

Nobody can talk a crawl into such a place by a page: only URLs that were typed count, and of these only hosts that no
stranger can have. Knows the rule of `crawler.egress.addresses`, and nothing of who fetches.
"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crawler.egress.addresses import EgressPolicy

_EVERYWHERE: Final = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))

#: Ends of names that nobody can have in the public DNS (RFC 6761, 6762, 8375; ICANN's `internal`). Of other names it is
#: their owner, not who types them, that says where they lead.
_NOBODYS: Final = (".localhost", ".local", ".test", ".internal", ".home.arpa")


class PersonsHosts:
    """Hosts for which a person's word was taken.

    Only addresses, and names that no stranger can have: others are not taken, whoever names them.
    """

    def __init__(self, hosts: Iterable[str] = ()) -> None:
        """Some hosts, as they stand in URLs, to begin with."""
        self._hosts: set[str] = set()
        self.add(hosts)

    def __contains__(self, host: str) -> bool:
        """Whether the word was taken for a host."""
        return host.lower() in self._hosts

    def add(self, hosts: Iterable[str]) -> None:
        """Takes the word for more hosts."""
        self._hosts.update(host.lower() for host in hosts if _is_ones_own(host.lower()))

    def policy(self, host: str, policy: EgressPolicy) -> EgressPolicy:
        """By what a host is judged: one of these may be anywhere that is not denied."""
        return replace(policy, allow=_EVERYWHERE) if host in self else policy


def _is_ones_own(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return "." not in host or host.endswith(_NOBODYS)
    return True


def hosts_of(urls: Iterable[str]) -> list[str]:
    """The hosts of URLs, as a resolver is asked for them; a text that is no URL has none."""
    hosts = []
    for url in urls:
        try:
            hosts.append(urlsplit(url).hostname or "")
        except ValueError:
            continue  # whoever fetches it says what is wrong with it
    return [host for host in hosts if host]
