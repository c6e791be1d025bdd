"""Ways to write a place that no page may lead to: this machine, what its network hides, metadata, reserved blocks.

Each is the text of a link, a redirect or a start URL, as a stranger would write it. `{port}` is the port at which a
canary listens on 127.0.0.1, 127.0.0.2 and ::1. Names ending in `.dns.test` are those of `ZONE`, for a DNS server of the
test's own.
"""

from __future__ import annotations

from ipaddress import IPv4Address

LOOPBACK, OTHER, METADATA = "127.0.0.1", "127.0.0.2", "169.254.169.254"

#: Addresses by name: written plainly, and found in DNS.
SPECIAL = {
    "this-host": "0.0.0.0",
    "loopback": "127.0.0.1",
    "last-loopback": "127.255.255.254",
    "private-10": "10.0.0.1",
    "private-172": "172.31.255.254",
    "private-192": "192.168.1.1",
    "carrier": "100.100.100.200",
    "metadata": METADATA,
    "azure": "168.63.129.16",
    "oracle": "192.0.0.192",
    "documentation": "203.0.113.7",
    "benchmark": "198.18.0.1",
    "multicast": "224.0.0.1",
    "reserved": "240.0.0.1",
    "broadcast": "255.255.255.255",
    "relay": "192.88.99.1",
    "unspecified-6": "::",
    "loopback-6": "::1",
    "mapped": "::ffff:127.0.0.1",
    "mapped-metadata": "::ffff:169.254.169.254",
    "compatible": "::127.0.0.1",
    "translated": "::ffff:0:127.0.0.1",
    "nat64": "64:ff9b::127.0.0.1",
    "nat64-metadata": "64:ff9b::a9fe:a9fe",
    "nat64-local": "64:ff9b:1::127.0.0.1",
    "6to4": "2002:7f00:1::1",
    "6to4-metadata": "2002:a9fe:a9fe::1",
    "teredo": "2001:0:4136:e378:8000:63bf:80ff:fffe",
    "isatap": "2a00:1450::5efe:127.0.0.1",
    "isatap-global": "2a00:1450::200:5efe:10.0.0.1",
    "link-local-6": "fe80::1",
    "unique-local": "fd00:ec2::254",
    "site-local": "fec0::1",
    "multicast-6": "ff02::1",
    "documentation-6": "2001:db8::1",
    "discard": "100::1",
    "segment-routing": "5f00::1",
}

#: Of the public internet. No name of `ZONE` has these alone, so that nothing is ever sent to them.
PUBLIC, PUBLIC_6 = "192.0.3.1", "2a00:1450::1"

ZONE = {
    **{f"{name}.dns.test": [address] for name, address in SPECIAL.items()},
    "localhost.localdomain": [LOOPBACK],
    "sub.localhost": [LOOPBACK],
    "ip6-localhost": ["::1"],
    "127.0.0.1.dns.test": [LOOPBACK],
    "7f000001.dns.test": [LOOPBACK],
    "first-public.dns.test": [PUBLIC, LOOPBACK],
    "first-private.dns.test": [LOOPBACK, PUBLIC],
    "many.dns.test": [*(f"192.0.3.{number}" for number in range(1, 12)), OTHER],
    "private-in-6.dns.test": [PUBLIC, "::1"],
    "private-in-4.dns.test": [LOOPBACK, PUBLIC_6],
    "mapped-behind-public.dns.test": [PUBLIC, PUBLIC_6, "::ffff:127.0.0.1"],
    "alias.dns.test": ["loopback.dns.test"],
    "alias-of-alias.dns.test": ["alias.dns.test"],
    "long-chain.dns.test": ["alias-of-alias.dns.test"],
    "alias-of-mixed.dns.test": ["first-public.dns.test"],
    "alias-to-metadata.dns.test": ["metadata.dns.test"],
    "alias-to-6.dns.test": ["loopback-6.dns.test"],
    "_service.dns.test": [LOOPBACK],
    "xn--mnchen-3ya.dns.test": [LOOPBACK],
}


def _ipv4(text: str) -> list[str]:
    """An IPv4 address as resolvers of C libraries read it: one to four numbers, each decimal, octal or hexadecimal."""
    a, b, c, d = IPv4Address(text).packed
    low, lower = c << 8 | d, b << 16 | c << 8 | d
    number = a << 24 | lower
    return [
        *(f"{a}.{b}.{c}.{d}", f"{a}.{b}.{low}", f"{a}.{lower}", f"{number}", f"{a}.{b}.{c}.{d}."),
        *(f"0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}", f"0X{a:02X}.0X{b:02X}.0X{c:02X}.0X{d:02X}", f"0x{a:08x}.{b}.{c}.{d}"),
        *(f"0x{number:x}", f"0X{number:08X}", f"0x{number:016x}", f"0x{a:x}.{lower}", f"0x{a:x}.{b}.0x{low:x}"),
        *(f"0{a:o}.0{b:o}.0{c:o}.0{d:o}", f"000{a:o}.000{b:o}.000{c:o}.000{d:o}", f"0{number:o}", f"0{number:015o}"),
        *(f"0{a:o}.{lower}", f"0{a:o}.0{b:o}.0{low:o}", f"{a}.0x{lower:x}", f"{a}.0{lower:o}"),
        *(f"{a}.0x{b:x}.0{c:o}.{d}", f"0x{a:x}.0{b:o}.{c}.0x{d:x}", f"{a}.{b}.{c}.0x{d:x}", f"{a:03}.{b:03}.{c}.{d}"),
    ]


_FULL_WIDTH = str.maketrans("0123456789", "".join(chr(0xFF10 + number) for number in range(10)))
_BOLD = str.maketrans("0123456789", "".join(chr(0x1D7CE + number) for number in range(10)))
_UNICODE = [
    *(LOOPBACK.translate(_FULL_WIDTH), OTHER.translate(_FULL_WIDTH), METADATA.translate(_FULL_WIDTH)),
    *(LOOPBACK.translate(_BOLD), METADATA.translate(_BOLD), "\u2460\u2461\u2466.0.0.1", "\u00b9\u00b2\u2077.0.0.1"),
    *(LOOPBACK.replace(".", dot) for dot in "\u3002\uff0e\uff61\u2024\u00b7"),
    *(METADATA.replace(".", dot) for dot in "\u3002\uff0e\uff61"),
    *(LOOPBACK.translate(_FULL_WIDTH).replace(".", "\u3002"), "127\u30021", "0x7f\uff0e1", "\uff10x7f.1"),
    *("127.0.0.1\u00ad", "127.0.\u200b0.1", "\u2066127.0.0.1\u2069", "127.0.0.\u0661", "127.0.0.1\u3002"),
    *("local\u00adhost", "\uff4c\uff4f\uff43\uff41\uff4c\uff48\uff4f\uff53\uff54", "\u24db\u24de\u24d2alhost"),
    *("localho\u017ft", "\U0001d4f5ocalhost", "loopback\u3002dns\u3002test", "loopbac\u212a.dns.test"),
    "m\u00fcnchen.dns.test",
]

_IPV6 = [
    *("::1", "0:0:0:0:0:0:0:1", "0000:0000:0000:0000:0000:0000:0000:0001", "::0001", "0::1", "::0.0.0.1", "::"),
    *("::FFFF:127.0.0.1", "::ffff:7f00:1", "::ffff:7f00:0001", "::FFFF:7F00:2", "0:0:0:0:0:ffff:127.0.0.2"),
    *("0:0:0:0:0:FFFF:7F00:0001", "::ffff:a9fe:a9fe", "::ffff:10.0.0.1", "::ffff:0.0.0.0", "::7f00:1"),
    *("::ffff:0:7f00:1", "64:ff9b::7f00:1", "64:FF9B::10.0.0.1", "64:ff9b:1::7f00:1", "64:ff9b:1:fffe::7f00:1"),
    *("2002:7f00:0001::", "2002:0a00:1::", "2002:c0a8:101::1", "2001::80ff:fffe", "2a00:1450::5efe:7f00:1"),
    *("2a00:1450::200:5efe:7f00:1", "fe80::5efe:127.0.0.1", "fe80::1%25lo", "fe80::1%lo", "::1%25lo", "::1%251"),
    *("::ffff:127.0.0.1%25lo", "fe80::1%25eth0"),
]

_PERCENT = [
    *("%31%32%37.0.0.1", "127%2e0%2e0%2e1", "127%2E0.0.1", "%31%32%37%2e%30%2e%30%2e%31", "127.0.0.%31", "%6cocalhost"),
    *("%6C%6F%63%61%6C%68%6F%73%74", "local%68ost", "127%252e0%252e0%252e1", "127.0.0.1%00", "127.0.0.1%00.example"),
    *("127.0.0.1%20", "127.0.0.1%0a", "%20127.0.0.1", "127.0.0.1%2f.example", "127.0.0.1%23.example", "[%3a%3a1]"),
    *("127%E3%80%820%E3%80%820%E3%80%821", "%EF%BC%91%EF%BC%92%EF%BC%97.0.0.1", "127.1%2e", "loopback%2edns%2etest"),
]

_NAMES = [
    *("localhost", "LOCALHOST", "LocalHost", "localhost.", "LOOPBACK.DNS.TEST", "loopback.dns.test.", "Alias.Dns.Test"),
    *(name for name in ZONE if name.isascii()),
    *("127.0.0.1.", "127.1.", "2130706433.", "0x7f000001.", "0177.1."),
]

#: Whole URLs: what parsers disagree about.
_WHOLE = [
    *("http://good.example@127.0.0.1:{port}", "http://good.example:80@127.0.0.1:{port}"),
    *("http://good.example%2f@127.0.0.1:{port}", "http://a@b@127.0.0.1:{port}", "http://@127.0.0.1:{port}"),
    *("http://:@127.0.0.1:{port}", "http://good.example%40127.0.0.1:{port}", "http://127.0.0.1%40good.example:{port}"),
    *("http://127.0.0.2:{port}@127.0.0.1:{port}", "http://good.example\\@127.0.0.1:{port}"),
    *("http://127.0.0.1:{port}\\@good.example", "http://127.0.0.1:{port}#@good.example"),
    *("http://good.example#@127.0.0.1:{port}", "http://good.example?@127.0.0.1:{port}"),
    *("http://127.0.0.1:{port}?@good.example", "http://127.0.0.1:{port};@good.example"),
    *("http://[good.example]@127.0.0.1:{port}", "http://good.example:@localhost:{port}"),
    *("http://u:p@[::1]:{port}", "http://good.example@[::ffff:127.0.0.1]:{port}", "http://u@0x7f.1:{port}"),
    *("http:\\\\127.0.0.1:{port}\\", "http:/\\127.0.0.1:{port}", "\\\\127.0.0.1:{port}", "/\\127.0.0.1:{port}"),
    *("//127.0.0.1:{port}", "///127.0.0.1:{port}", "////127.0.0.1:{port}", "http:127.0.0.1:{port}"),
    *("http:/127.0.0.1:{port}", "http:///127.0.0.1:{port}", "http:////127.0.0.1:{port}", "//127.1:{port}"),
    *("HTTP://127.0.0.1:{port}", "hTTp://LOCALHOST:{port}", "https://127.0.0.1:{port}", "HTTPS://[::1]:{port}"),
    *("ht\ttp://127.0.0.1:{port}", "http://127.0.\t0.1:{port}", "http://\t127.0.0.1:{port}", "\thttp://127.1:{port}"),
    *("http://127.0.0.1\t:{port}", "http:\t//127.0.0.1:{port}", "http:/\t/localhost:{port}", "/\t/127.0.0.1:{port}"),
    *(
        "http://127.0.\n0.1:{port}",
        "ht\ntp://127.0.0.1:{port}",
        "\nhttp://127.0.0.1:{port}",
        "http://127.0.\r0.1:{port}",
    ),
    *(" http://127.0.0.1:{port}", "http://127.0.0.1:{port} ", "http:// 127.0.0.1:{port}", "http://127.0.0.1 :{port}"),
    *(
        "\u00a0http://127.0.0.1:{port}",
        "http://127.0.0.1:0{port}",
        "http://127.0.0.1:00000{port}",
        "http://127.1:+{port}",
    ),
    *("http://127.0.0.1:{port}.", "http://127.0.0.1.:{port}", "http://127.0.0.1..:{port}", "http://.127.0.0.1:{port}"),
    *("http://127.0.0.1:{port}:80", "http://[127.0.0.1]:{port}", "http://[::1:{port}", "http://::1:{port}"),
    *("http://[v1.127.0.0.1]:{port}", "http://[0:0:0:0:0:0:127.0.0.1]:{port}", "http://{{127.0.0.1}}:{port}"),
    *("http://<127.0.0.1>:{port}", "http://127.0.0.1,good.example:{port}", "http://127.0.0.1&@good.example:{port}"),
    *("http://%31%32%37.1:{port}@localhost:{port}", "feed:http://127.0.0.1:{port}", "view-source:http://127.1:{port}"),
    *("ftp://127.0.0.1:{port}", "gopher://127.0.0.1:{port}", "ws://127.0.0.1:{port}", "dict://127.0.0.1:{port}"),
    *("file:///etc/passwd", "file://127.0.0.1/etc/passwd", "s3://127.0.0.1:{port}/x", "data:text/html,x"),
    *("http+unix://%2fvar%2frun%2fdocker.sock", "jar:http://127.0.0.1:{port}!/x", "url:http://127.0.0.1:{port}"),
]


def _all() -> tuple[str, ...]:
    hosts = [
        *(_ipv4(LOOPBACK) + _ipv4(OTHER) + _ipv4(METADATA) + _UNICODE + _PERCENT + _NAMES),
        *("0", "0x0", "00", "0.0", "0.0.0.0", "127.255.255.254", "0x100000000", "4294967296", "256.256.256.256"),
        *(f"[{address}]" for address in _IPV6),
        *(f"[{address}]" if ":" in address else address for address in SPECIAL.values()),
    ]
    return tuple(dict.fromkeys([*(f"http://{host}:{{port}}" for host in hosts), *_WHOLE]))


#: Each once.
NOTATIONS = _all()


def urls(port: int, path: str = "/secret") -> list[str]:
    """All of them, for a canary at this port."""
    return [f"{notation.format(port=port)}{path}" for notation in NOTATIONS]
