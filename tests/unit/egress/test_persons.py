"""Whose word counts, for which hosts."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from crawler.egress.addresses import EgressPolicy, read_networks, refusal
from crawler.egress.persons import PersonsHosts, hosts_of


@pytest.mark.parametrize(
    ("host", "taken"),
    [
        *((host, True) for host in ("127.0.0.1", "::1", "10.1.2.3", "localhost", "Shop", "a.localhost", "shop.test")),
        *((host, False) for host in ("shop.example.com", "127.1", "localhost.example", "1.2.3.4.nip.io")),
    ],
)
def test_a_persons_word_counts_only_for_names_that_no_stranger_can_have(host, taken):
    hosts = PersonsHosts([host])
    assert (host.upper() in hosts) == taken
    assert "other.test" not in hosts


def test_a_host_of_a_person_may_be_anywhere_that_is_not_denied():
    deployment = EgressPolicy(deny=read_networks("EGRESS_DENY", "127.0.0.2"))
    hosts = PersonsHosts(["Shop.test"])
    policy = hosts.policy("shop.test", deployment)
    assert [refusal(ip_address(text), policy) for text in ("127.0.0.1", "127.0.0.2", "::1")] == ["", "denied here", ""]
    assert hosts.policy("other.test", deployment) is deployment


def test_hosts_are_read_from_urls_as_resolvers_are_asked_for_them():
    assert hosts_of(["http://A.example:1/x", "http://[::1]/", "about:start", "/x", "http://[x"]) == ["a.example", "::1"]
