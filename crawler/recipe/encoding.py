"""Bytes to text, once per page: byte-order mark, the recipe's encoding, HTTP charset, `<meta>`, then UTF-8."""

from __future__ import annotations

import codecs
import contextlib
import functools
from dataclasses import dataclass
from typing import Final

from w3lib.encoding import (
    html_body_declared_encoding,
    http_content_type_encoding,
    read_bom,
    resolve_encoding,
)

from crawler.errors import ParseRefused

_FALLBACK: Final = "utf-8"


@dataclass(frozen=True, kw_only=True, slots=True)
class Decoded:
    """A body as text, the name of the encoding it was read by, and the text in UTF-8."""

    text: str
    encoding: str
    utf8: bytes


def utf8_of(text: str) -> bytes:
    """`text` in UTF-8; half surrogate pairs, which only text from JSON can hold, become question marks."""
    return text.encode("utf-8", "replace")


def decode(body: bytes, *, content_type: str | None, encoding: str | None) -> Decoded:
    """Decode a body. What cannot be decoded becomes U+FFFD.

    A byte-order mark beats everything, as in browsers; `encoding` beats what the server and the page say. Raises
    ParseRefused if `encoding` is no encoding.
    """
    bom_encoding, bom = read_bom(body)
    if bom_encoding is not None and bom is not None:
        return _decoded(body[len(bom) :], _name(bom_encoding))
    return _decoded(body, _chosen(body, content_type, encoding))


def _chosen(body: bytes, content_type: str | None, encoding: str | None) -> str:
    if encoding is not None:
        resolved = resolve_encoding(encoding)
        if resolved is None or not _is_text_encoding(resolved):
            raise ParseRefused(f"there is no encoding {encoding!r}; write one that Python knows, such as windows-1255")
        return _name(resolved)
    header = _of_header(content_type) if content_type else None
    if header is not None:
        return header
    declared = html_body_declared_encoding(body)
    if declared is not None and _is_text_encoding(declared):
        # a <meta> that can be read byte by byte is no UTF-16, whatever it says
        return _FALLBACK if declared.startswith("utf-16") else _name(declared)
    return _FALLBACK


@functools.lru_cache(maxsize=256)
def _of_header(content_type: str) -> str | None:
    header = http_content_type_encoding(content_type)
    return _name(header) if header is not None and _is_text_encoding(header) else None


@functools.lru_cache(maxsize=256)
def _is_text_encoding(name: str) -> bool:
    """False for what codecs.lookup knows and no page is written in, such as base64 and punycode."""
    try:
        info = codecs.lookup(name)
        b"a<".decode(name, "replace")
    except (LookupError, UnicodeError, ValueError):
        return False
    return info.name not in {"idna", "punycode", "unicode-escape", "raw-unicode-escape", "utf-7", "undefined"}


def _name(encoding: str) -> str:
    return "utf-8" if encoding in {"utf8", "utf_8", "UTF-8"} else encoding


def _decoded(body: bytes, encoding: str) -> Decoded:
    if encoding == _FALLBACK:
        with contextlib.suppress(UnicodeDecodeError):  # the usual case without a second copy; else decoded below
            return Decoded(text=body.decode(), encoding=encoding, utf8=body)
    try:
        text = body.decode(encoding, "replace")
    except (UnicodeError, ValueError):  # stateful codecs such as utf-16 may refuse a truncated tail
        text = body.decode(_FALLBACK, "replace")
    return Decoded(text=text, encoding=encoding, utf8=utf8_of(text))
