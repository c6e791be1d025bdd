"""Damages written pages in every way that networks, servers and bad templates do, and says which values must survive.

A page is one of `written_pages`. HTML is read from the front, so whatever stands before the damage keeps its value;
some damages (a `<body>` that is missing, attributes twice) take nothing at all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from written_pages import words

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from written_pages import Written

#: No damage: nothing of the page is lost.
EVERYTHING = 1 << 60


@dataclass(frozen=True, kw_only=True)
class Mutated:
    """A damaged page.

    Attributes:
        body: of the answer.
        content_type: of the answer.
        before: values that end at this byte of the whole page or before it are kept.
        lost: but for those whose path begins so.
        ascii_only: only values that are ASCII.
        may_be_refused: it is so costly to parse that it may be refused instead; no other page may.
    """

    body: bytes
    content_type: str = "text/html; charset=utf-8"
    before: int = 0
    lost: str = "-"
    ascii_only: bool = False
    may_be_refused: bool = False


def _cut(page: Written, rng: random.Random, at: int) -> Mutated:
    kind = rng.choice(["text/html; charset=utf-8", "text/html", "text/html; charset=UTF-8"])
    return Mutated(body=page.body[:at], content_type=kind, before=at)


def _inside(page: Written, rng: random.Random, pattern: bytes) -> int:
    """A place inside something that matches, behind its first byte; any place if nothing does."""
    found = [match for match in re.finditer(pattern, page.body, re.DOTALL) if match.end() - match.start() > 1]
    if not found:
        return rng.randint(0, len(page.body))
    match = rng.choice(found)
    return rng.randint(match.start() + 1, match.end() - 1)


def _insert(page: Written, rng: random.Random, junk: bytes, *, may_be_refused: bool = False) -> Mutated:
    at = rng.randint(0, len(page.body))
    return Mutated(body=page.body[:at] + junk + page.body[at:], before=at, may_be_refused=may_be_refused)


def cut_anywhere(page: Written, rng: random.Random) -> Mutated:
    return _cut(page, rng, rng.randint(0, len(page.body)))


def cut_in_a_tag(page: Written, rng: random.Random) -> Mutated:
    return _cut(page, rng, _inside(page, rng, rb"</?[a-z][^>]*>"))


def cut_in_an_attribute(page: Written, rng: random.Random) -> Mutated:
    return _cut(page, rng, _inside(page, rng, rb'="[^"]*"'))


def cut_in_a_comment(page: Written, rng: random.Random) -> Mutated:
    return _cut(page, rng, _inside(page, rng, rb"<!--.*?-->"))


def cut_in_a_script(page: Written, rng: random.Random) -> Mutated:
    return _cut(page, rng, _inside(page, rng, rb"<script.*?</script>"))


def cut_in_a_character(page: Written, rng: random.Random) -> Mutated:
    places = [at for at in range(1, len(page.body)) if page.body[at] & 0xC0 == 0x80]
    return _cut(page, rng, rng.choice(places) if places else len(page.body))


def cut_in_an_entity(page: Written, rng: random.Random) -> Mutated:
    return _cut(page, rng, _inside(page, rng, rb"&[a-z]+;"))


#: Encodings in which ASCII is ASCII, and one that there is not.
_HARMLESS = ("iso-8859-1", "windows-1255", "koi8-r", "windows-1252", "x-no-such", "")
_HARMFUL = (
    "utf-16",
    "utf-16le",
    "utf-7",
    "shift_jis",
    "gbk",
    "iso-2022-jp",
    "big5",
    "utf-32",
    "utf-8-sig",
    "\0",
    "idna",
)


def header_that_lies(page: Written, rng: random.Random) -> Mutated:
    kind = f"text/html; charset={rng.choice(_HARMLESS)}"
    return Mutated(body=page.body, content_type=kind, before=EVERYTHING, ascii_only=True)


def header_that_ruins(page: Written, rng: random.Random) -> Mutated:
    return Mutated(body=page.body, content_type=f"text/html; charset={rng.choice(_HARMFUL)}")


def meta_that_lies(page: Written, rng: random.Random) -> Mutated:
    harmless = rng.random() < 0.7
    name = rng.choice(_HARMLESS if harmless else _HARMFUL)
    body = page.body.replace(b"utf-8", name.encode(), 1)
    return Mutated(body=body, content_type="text/html", before=EVERYTHING if harmless else 0, ascii_only=True)


def wrong_mark(page: Written, rng: random.Random) -> Mutated:
    mark = rng.choice([b"\xff\xfe", b"\xfe\xff", b"\xff\xfe\0\0", b"\0\0\xfe\xff", b"\xef\xbb", b"+/v8"])
    return Mutated(body=mark + page.body)


def recoded(page: Written, rng: random.Random) -> Mutated:
    """In another encoding, and the header says so; `meta` still says UTF-8."""
    name = rng.choice(["utf-16-le", "utf-16-be", "gb18030", "cp1255"])
    body = page.body.decode().encode(name, "xmlcharrefreplace")
    lossless = name in ("utf-16-le", "utf-16-be")
    return Mutated(
        body=body,
        content_type=f"text/html; charset={name}",
        before=EVERYTHING if lossless or name == "cp1255" else 0,
        ascii_only=not lossless,
    )


_NESTED = (
    "div",
    "span",
    "b",
    "i",
    "table",
    "ul",
    "li",
    "font",
    "x-y",
    "p",
    "a",
    "td",
    "svg",
    "form",
    "em",
    "blockquote",
)


def nested_deep(page: Written, rng: random.Random) -> Mutated:
    name = rng.choice(_NESTED)
    attribute = rng.choice(["", " class=x", ' title="<b>"'])
    times = rng.choice([600, 10_000, 10_000, 40_000])
    close = f"</{name}>" * rng.choice([0, times // 2, times])
    junk = f"<{name}{attribute}>{rng.choice(['', 'x'])}" * times + close
    return _insert(page, rng, junk.encode(), may_be_refused=True)


def nested(page: Written, rng: random.Random) -> Mutated:
    name = rng.choice(["div", "section", "x-y", "blockquote"])
    return _insert(page, rng, (f"<{name}>" * rng.randint(50, 200)).encode())


def bare(page: Written, rng: random.Random) -> Mutated:
    """Without tags that HTML puts in by itself."""
    names = rng.sample(["html", "head", "body", "tbody", "thead"], rng.randint(1, 5))
    pattern = rf"</?(?:{'|'.join(names)})(?:\s[^>]*)?>|<!DOCTYPE html>"
    body = re.sub(pattern.encode(), b"", page.body)
    return Mutated(body=body, before=EVERYTHING)


def nuls(page: Written, rng: random.Random) -> Mutated:
    return _insert(page, rng, b"\0" * rng.choice([1, 2, 7, 1000]))


def nuls_all_over(page: Written, rng: random.Random) -> Mutated:
    places = sorted(rng.randint(0, len(page.body)) for _ in range(rng.randint(1, 30)))
    body = page.body
    for at in reversed(places):
        body = body[:at] + b"\0" + body[at:]
    return Mutated(body=body, before=places[0])


def attributes_twice(page: Written, rng: random.Random) -> Mutated:
    """HTML takes the first of two attributes with one name."""
    value = rng.choice([b"junk", b"", b"a b c", "ö".encode()])

    def twice(match: re.Match[bytes]) -> bytes:
        if b"<script" in match[0] or b"{" in match[0]:
            return match[0]
        return re.sub(rb'\s([a-z-]+)="[^"]*"', lambda one: one[0] + b" " + one[1] + b'="' + value + b'"', match[0])

    return Mutated(body=re.sub(rb"<[a-z][^<>]*>", twice, page.body), before=EVERYTHING)


def unclosed_quote(page: Written, rng: random.Random) -> Mutated:
    tags = list(re.finditer(rb"<[a-z][a-z0-9]*", page.body))
    tag = rng.choice(tags)
    quote = rng.choice([b" x='", b' x="', b' x = "a', b" '", b' "'])
    return Mutated(body=page.body[: tag.end()] + quote + page.body[tag.end() :], before=tag.start())


def flipped(page: Written, rng: random.Random) -> Mutated:
    body = bytearray(page.body)
    places = [rng.randrange(len(body)) for _ in range(rng.choice([1, 1, 5, 50]))]
    for at in places:
        body[at] ^= 1 << rng.randrange(8)
    return Mutated(body=bytes(body), before=min(places))


def _soup(rng: random.Random) -> bytes:
    pieces = [
        *(
            "<",
            ">",
            "</",
            "/>",
            "<!",
            "<!--",
            "-->",
            "<?x",
            "]]>",
            "<![CDATA[",
            '"',
            "'",
            "=",
            "&",
            ";",
            "\0",
            "\x0b",
            "\x7f",
        ),
        *(
            "<p>",
            "</p>",
            "<div x",
            "<b>",
            "</b>",
            "<i>",
            "</i>",
            "<tr>",
            "<td>",
            "</table>",
            "<table>",
            "</div>",
            "<br/>",
        ),
        *(
            "<select>",
            "</select>",
            "<form>",
            "<option>",
            "<a>",
            "</a>",
            "<svg>",
            "<math>",
            "<mi>",
            "<template>",
            "</body>",
        ),
        *(
            "\ufffe",
            "\uffff",
            "\u2028",
            "\U0010ffff",
            "&#0;",
            "&#xD800;",
            "&#x110000;",
            "&#99999999999;",
            "&notit;",
            "\u200f",
        ),
        *(
            "</html>",
            "<head>",
            "<html lang=x>",
            "<body class=y>",
            "<frame>",
            "<image>",
            "<nobr>",
            "</br>",
            "</p>",
            "<li>",
        ),
    ]
    return "".join(rng.choice(pieces) for _ in range(rng.randint(1, 80))).encode("utf-8", "surrogatepass")


def tag_soup(page: Written, rng: random.Random) -> Mutated:
    return _insert(page, rng, _soup(rng))


def random_bytes(page: Written, rng: random.Random) -> Mutated:
    return _insert(page, rng, rng.randbytes(rng.choice([1, 3, 100, 5000])))


_SWALLOWING = (
    *("<!--", "<script>", "<style>", "<textarea>", "<title>", "<plaintext>", "<xmp>", "<iframe>", "<noscript>"),
    *(
        "<template>",
        "<select>",
        "<svg>",
        "<math>",
        "<frameset>",
        "<noframes>",
        "<svg><title>",
        "<![CDATA[",
        "<svg><![CDATA[",
    ),
    *(
        "<table>",
        "<object>",
        "<button>",
        "<script><!--",
        "<script><!--<script>",
        "<!DOCTYPE",
        "<?php echo '",
        "<svg><style>",
    ),
)


def never_closed(page: Written, rng: random.Random) -> Mutated:
    return _insert(page, rng, rng.choice(_SWALLOWING).encode())


def entities(page: Written, rng: random.Random) -> Mutated:
    one = rng.choice(
        ["&amp;", "&lt;", "&nbsp", "&#0;", "&#x80;", "&NotEqualTilde;", "&", "&#", "&amp;amp;", "&CounterClockwise"]
    )
    return _insert(page, rng, one.encode() * rng.choice([1, 1000, 100_000]))


def siblings(page: Written, rng: random.Random) -> Mutated:
    one = rng.choice(["<i>x</i>", "<br>", "<p>x", "<li>x", "<tr><td>x", "<div class=price>", "x<b>", "<!---->"])
    return _insert(page, rng, one.encode() * rng.choice([1000, 20_000, 120_000]), may_be_refused=True)


def many_attributes(page: Written, rng: random.Random) -> Mutated:
    attributes = " ".join(f"a{number}={number}" for number in range(rng.choice([100, 2_500, 30_000])))
    return _insert(page, rng, f"<p {attributes}>".encode(), may_be_refused=True)


def long_text(page: Written, rng: random.Random) -> Mutated:
    """Inside a tag, some of it makes half a million attributes."""
    piece = rng.choice([b"x", b"x ", b"\n", b" ", "ש".encode(), b"<", b'="'])
    return _insert(page, rng, piece * 500_000, may_be_refused=piece in (b"x ", b'="'))


def broken_data(page: Written, rng: random.Random) -> Mutated:
    """A piece of data for machines is no such data any more; everything else of the page is as it was."""
    if not page.blocks:
        head = rng.choice(
            [
                b'<script type="application/ld+json">{"@type": "Product", </script>',
                b'<script type="application/ld+json">' + b"[" * 5000 + b"</script>",
                b'<script type="application/ld+json"></script><script type=application/ld+json>{"@graph": 1}</script>',
                b"<link itemprop=x itemscope itemref='a b c'><meta itemprop>",
            ]
        )
        return Mutated(body=page.body.replace(b"</head>", head + b"</head>", 1), before=EVERYTHING)
    name = rng.choice(sorted(page.blocks))
    start, end = page.blocks[name]
    block = page.body[start:end]
    opening, closing = block.index(b">") + 1, block.rindex(b"<")
    inner = block[opening:closing]
    at = rng.randint(0, len(inner))
    junk = rng.choice(
        [b"\0", b"}", b"]]", b'"', b"\\u", b"\\uD800", b"1e99999", b"[" * 3000, b"\n\r", b"\xff", b"{" * 900]
    )
    damaged = {
        "cut": inner[:at],
        "junk": inner[:at] + junk + inner[at:],
        "number": re.sub(rb"\d+", b"9" * 5000, inner),
        "null": b"null",
    }[rng.choice(["cut", "junk", "number", "null"])]
    body = page.body[: start + opening] + damaged + page.body[start + closing :]
    if name in ("micro", "options"):  # is markup, which a cut may leave open
        return Mutated(body=body, before=start)
    return Mutated(body=body, before=EVERYTHING, lost=f"{name}_")


def no_page(page: Written, rng: random.Random) -> Mutated:
    body = rng.choice(
        [
            b"",
            b" \n",
            b"\0" * 100,
            rng.randbytes(3000),
            words(rng).encode(),
            b"{}",
            b"<?xml version='1.0'?><a/>",
            b"\x1f\x8b\x08",
        ]
    )
    return Mutated(body=body)


MUTATIONS: dict[str, Callable[[Written, random.Random], Mutated]] = {
    one.__name__: one
    for one in (
        *(cut_anywhere, cut_in_a_tag, cut_in_an_attribute, cut_in_a_comment, cut_in_a_script, cut_in_a_character),
        *(
            cut_in_an_entity,
            header_that_lies,
            header_that_ruins,
            meta_that_lies,
            wrong_mark,
            recoded,
            nested_deep,
            nested,
        ),
        *(bare, nuls, nuls_all_over, attributes_twice, unclosed_quote, flipped, tag_soup, random_bytes, never_closed),
        *(entities, siblings, many_attributes, long_text, broken_data, no_page),
    )
}

#: Ends of pages; a third of all mutations is one of them.
CUTS = tuple(name for name in MUTATIONS if name.startswith("cut_"))


def mutation_of(number: int) -> str:
    """The kinds of mutation take turns, with every third a cut."""
    if number % 3 == 0:
        return CUTS[number // 3 % len(CUTS)]
    names = [name for name in MUTATIONS if name not in CUTS]
    return names[(number - number // 3 - 1) % len(names)]


def kept(page: Written, mutated: Mutated) -> dict[str, object]:
    """The values that must still be there."""
    return {
        path: value
        for path, value in page.expected.items()
        if page.ends[path] <= mutated.before
        and not path.startswith(mutated.lost)
        and (not mutated.ascii_only or repr(value).isascii())
    }
