"""Bytes to text, once per page: byte-order mark, the recipe's encoding, HTTP charset, `<meta>`, then UTF-8."""

from __future__ import annotations

import codecs
import functools
from typing import Final

from w3lib.encoding import (
    html_body_declared_encoding,
    http_content_type_encoding,
    read_bom,
    resolve_encoding,
)

from crawler.errors import ParseRefused

_FALLBACK: Final = "utf-8"


class Decoded:
    """A body as text, and what parsers take, each made when it is asked for: most pages of UTF-8 need no text.

    Attributes:
        encoding: the name of the encoding it was read by.
        html: for lexbor: UTF-8, in which may be bytes that are none; what is read of them comes out as U+FFFD. Halves
            of a character that have no text between them (NUL, a tag) may come together.
    """

    __slots__ = ("_text", "_utf8", "encoding", "html")

    def __init__(self, *, encoding: str, html: bytes, text: str | None = None) -> None:
        """`html` is all that is known of it, or UTF-8 if its `text` is known."""
        self.encoding = encoding
        self.html = html
        self._text = text
        self._utf8 = html if text is not None else None

    @classmethod
    def of_text(cls, text: str) -> Decoded:
        """What has never been bytes."""
        return cls(encoding=_FALLBACK, html=utf8_of(text), text=text)

    @property
    def text(self) -> str:
        """All of it; what could not be decoded is U+FFFD."""
        if self._text is None:
            self._text = self.html.decode(_FALLBACK, "replace")
        return self._text

    @property
    def utf8(self) -> bytes:
        """The text in UTF-8, for parsers that refuse anything else."""
        if self._utf8 is None:
            try:
                self._text = self.html.decode()
            except UnicodeDecodeError:
                self._utf8 = utf8_of(self.text)
            else:  # as nearly every page: without a second copy
                self._utf8 = self.html
        return self._utf8

    def start(self, characters: int) -> str:
        """The first characters of the text."""
        if self._text is not None:
            return self._text[:characters]
        # A character has four bytes at most; one that is cut through stands behind those that are wanted.
        return self.html[: 4 * characters].decode(_FALLBACK, "replace")[:characters]


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
        return Decoded(encoding=encoding, html=body)
    try:
        text = body.decode(encoding, "replace")
    except (UnicodeError, ValueError):  # stateful codecs such as utf-16 may refuse a truncated tail
        text = body.decode(_FALLBACK, "replace")
    return Decoded(encoding=encoding, html=utf8_of(text), text=text)
