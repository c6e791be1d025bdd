"""What a page has led to, as bytes that the next run can make the same requests of, when the page has not changed.

Only requests that stand for themselves are kept: a row that travels with one, or a mirror that waits for it, is of one
run only.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import asdict

from crawler.recipe.model import Chain, PageRequest
from crawler.wire import NotEncodable, Undecodable, pack, unpack

if TYPE_CHECKING:
    from crawler.recipe.model import PageResult

#: A page that leads to more is read again each time.
MAX_BYTES: Final = 256 * 1024

#: Unpacked they are at most so many times as long.
_MOST_PACKED: Final = 1000

_PLAIN: Final = PageRequest(url="", page=None)


def encoded_children(result: PageResult) -> bytes | None:
    """The requests of a page; b"" for none, None if they cannot be kept."""
    requests = [*result.requests, *([result.next] if result.next is not None else [])]
    if not requests:
        return b""
    if result.follow_ups or any(_is_of_one_run(request) for request in requests):
        return None
    try:
        said = msgspec.msgpack.encode(
            (result.next is not None, [pack(_facts(request), "request") for request in requests])
        )
    except (NotEncodable, UnicodeEncodeError, OverflowError):
        return None
    packed = zlib.compress(said, 6)
    return packed if len(packed) <= MAX_BYTES else None


def decoded_children(encoded: bytes) -> tuple[list[PageRequest], PageRequest | None]:
    """The requests, and that of the next page of the list.

    Raises:
        Undecodable: they are none.
    """
    if not encoded:
        return [], None
    try:
        said = _unpacked(encoded)
        has_next, found = msgspec.msgpack.decode(said, type=tuple[bool, list[dict[str, Any]]], ext_hook=unpack)
        requests = [_request(facts) for facts in found]
    except (zlib.error, msgspec.DecodeError, TypeError, ValueError, KeyError) as error:
        raise Undecodable(f"what a page has led to cannot be read: {error}") from error
    return (requests[:-1], requests[-1]) if has_next else (requests, None)


def _unpacked(encoded: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    said = unpacker.decompress(encoded, MAX_BYTES * _MOST_PACKED)
    if not unpacker.eof:
        raise ValueError("they are cut off")
    return said


def _is_of_one_run(request: PageRequest) -> bool:
    pending = request.chain is not None and request.chain.pending is not None
    return pending or request.waiting is not None or request.sitemap is not None or bool(request.mirrors)


def _facts(request: PageRequest) -> dict[str, Any]:
    """What of a request is not as usual."""
    facts: dict[str, Any] = {"url": request.url}
    for name in ("page", "method", "headers", "body", "dedupe", "lastmod"):
        value = getattr(request, name)
        if value != getattr(_PLAIN, name):
            facts[name] = [list(pair) for pair in value] if name == "headers" else value
    if request.carried:
        facts["carried"] = dict(request.carried)
    if request.chain is not None:
        facts["chain"] = asdict(request.chain)
    return facts


def _request(facts: dict[str, Any]) -> PageRequest:
    chain = facts.get("chain")
    return PageRequest(
        url=facts["url"],
        page=facts.get("page"),
        method=facts.get("method", "GET"),
        headers=tuple((name, value) for name, value in facts.get("headers", ())),
        body=facts.get("body", b""),
        carried=facts.get("carried", {}),
        chain=Chain(**chain) if chain is not None else None,
        dedupe=facts.get("dedupe", True),
        lastmod=facts.get("lastmod", ""),
    )
