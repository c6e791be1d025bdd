"""Which addresses are the public internet, in every disguise that an address can wear."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.egress.addresses import EgressPolicy, read_networks, refusal
from crawler.errors import ConfigError

NOTHING = EgressPolicy()

#: First and last address of each block, and some that are known by themselves.
REFUSED = {
    "this host": ("0.0.0.0", "0.255.255.255", "::"),
    "loopback": ("127.0.0.1", "127.0.0.0", "127.255.255.255", "::1"),
    "private": (
        *("10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255"),
        *("fc00::", "fd00:ec2::254", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fec0::", "feff:ffff::1"),
    ),
    "carrier-grade NAT": ("100.64.0.0", "100.100.100.200", "100.127.255.255"),
    "cloud metadata": ("168.63.129.16", "192.0.0.192"),
    "link-local": ("169.254.0.0", "169.254.169.254", "169.254.255.255", "fe80::1", "febf:ffff::1", "fe80::1%eth0"),
    "reserved": (
        *("192.0.0.0", "192.0.0.9", "192.0.0.10", "192.0.0.255", "192.31.196.1", "192.52.193.1", "192.175.48.1"),
        *("192.88.99.0", "192.88.99.255", "240.0.0.0", "255.255.255.255"),
        *("2001:1::1", "2001:2::1", "2001:20::1", "2001:1ff::1", "2620:4f:8000::1"),
        *("100::1", "5f00::1", "4000::", "1fff:ffff::1", "8000::1", "200::1"),
    ),
    "documentation": ("192.0.2.1", "198.51.100.1", "203.0.113.255", "2001:db8::1", "3fff::1", "3fff:fff::1"),
    "benchmarking": ("198.18.0.0", "198.19.255.255"),
    "multicast": ("224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"),
    "NAT64": ("64:ff9b::808:808", "64:ff9b::7f00:1", "64:ff9b:1::808:808"),
    "Teredo": ("2001::1", "2001:0:808:808::f7f7:f7f7"),
    "6to4": ("2002:7f00:1::1", "2002:808:808::1"),
}
PUBLIC = (
    *("1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255"),
    *("128.0.0.0", "168.63.129.15", "168.63.129.17", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0"),
    *("192.0.1.0", "192.0.3.0", "192.88.98.255", "192.88.100.0", "192.167.255.255", "192.169.0.0", "198.17.255.255"),
    *("198.20.0.0", "223.255.255.255", "2001:200::1", "2001:4860:4860::8888", "2000::1", "2003::1", "2606:4700::1111"),
    *("3ffe::1", "3fff:1000::1", "::ffff:8.8.8.8"),
)


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in REFUSED.items() for text in texts])
def test_what_is_not_the_public_internet_is_refused_and_named(kind, text):
    assert refusal(ip_address(text), NOTHING) == kind


@pytest.mark.parametrize("text", PUBLIC)
def test_the_public_internet_is_allowed(text):
    assert refusal(ip_address(text), NOTHING) == ""


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("::ffff:127.0.0.1", "loopback"),
        ("::ffff:10.0.0.1", "private"),
        ("::ffff:169.254.169.254", "link-local"),
        ("::127.0.0.1", "reserved"),
        ("::8.8.8.8", "reserved"),
        ("::ffff:0:127.0.0.1", "reserved"),
        ("2a00:1450::5efe:127.0.0.1", "loopback inside IPv6"),
        ("2a00:1450::200:5efe:10.0.0.1", "private inside IPv6"),
        ("2a00:1450::5efe:8.8.8.8", ""),
    ],
)
def test_an_address_inside_another_is_judged_too(text, kind):
    assert refusal(ip_address(text), NOTHING) == kind


def policy(allow="", deny=""):
    return EgressPolicy(allow=read_networks("EGRESS_ALLOW", allow), deny=read_networks("EGRESS_DENY", deny))


@pytest.mark.parametrize(
    ("text", "allow", "deny", "kind"),
    [
        ("127.0.0.1", "127.0.0.0/8", "", ""),
        ("::ffff:127.0.0.1", "127.0.0.0/8", "", ""),
        ("::1", "127.0.0.0/8", "", "loopback"),
        ("::1", "127.0.0.0/8, ::1", "", ""),
        ("10.1.2.3", "10.1.0.0/16 10.2.0.0/16", "10.1.2.0/24", "denied here"),
        ("::ffff:10.1.2.3", "10.1.0.0/16", "10.1.2.0/24", "denied here"),
        ("8.8.8.8", "", "8.8.8.0/24", "denied here"),
        ("::ffff:8.8.8.8", "", "8.8.8.0/24", "denied here"),
        ("2a00:1450::5efe:8.8.8.8", "", "8.8.8.0/24", "denied here"),
        ("64:ff9b::8.8.8.8", "64:ff9b::/96", "", ""),
        ("64:ff9b::10.0.0.1", "64:ff9b::/96", "", "private inside IPv6"),
        ("64:ff9b::10.0.0.1", "64:ff9b::/96 10.0.0.0/8", "", ""),
        ("2002:a00:1::1", "2002::/16", "", "private inside IPv6"),
        ("2001:0:808:808::f5ff:fffe", "2001::/32", "", "private inside IPv6"),  # 10.0.0.1, with all bits turned
        ("::8.8.8.8", "::/96", "", ""),
        ("::10.0.0.1", "::/96", "", "private inside IPv6"),
        ("::1", "::/96", "", ""),
    ],
)
def test_a_deployment_allows_and_denies_ranges_and_denial_is_stronger(text, allow, deny, kind):
    assert refusal(ip_address(text), policy(allow, deny)) == kind


@given(st.integers(0, 2**32 - 1))
def test_no_ipv4_address_is_allowed_that_python_knows_to_be_special(number):
    address = IPv4Address(number)
    if not refusal(address, NOTHING):
        assert address.is_global
        assert not any((address.is_multicast, address.is_reserved, address.is_link_local))


@given(st.one_of(st.integers(0, 2**128 - 1), st.integers(2**125, 2**126 - 1)))
def test_no_ipv6_address_is_allowed_that_python_knows_to_be_special(number):
    address = IPv6Address(number)
    if not refusal(address, NOTHING):
        address = address.ipv4_mapped or address
        assert address.is_global
        assert not any((address.is_multicast, address.is_reserved, address.is_link_local))


@given(st.integers(0, 2**32 - 1))
def test_an_ipv4_address_is_judged_alike_in_both_of_its_forms(number):
    inner = IPv4Address(number)
    assert refusal(IPv6Address((0xFFFF << 32) + number), NOTHING) == refusal(inner, NOTHING)


def test_ranges_are_read_with_commas_and_blanks():
    assert read_networks("EGRESS_ALLOW", " 127.0.0.0/8,::1  10.0.0.0/8 ") == (
        ip_network("127.0.0.0/8"),
        ip_network("::1/128"),
        ip_network("10.0.0.0/8"),
    )
    assert read_networks("EGRESS_ALLOW", "") == ()


@pytest.mark.parametrize("word", ["localhost", "10.0.0.1/8", "127.1", "1.2.3.4/33"])
def test_what_is_no_range_is_refused_by_its_name(word):
    with pytest.raises(ConfigError, match="EGRESS_DENY has '"):
        read_networks("EGRESS_DENY", f"10.0.0.0/8, {word}")
