"""By what an answer shows that it is not the page, but something that keeps crawlers out: pure functions.

A sign that is wrong costs a whole job, so each of them is one that ordinary pages do not have. Many sites carry the
scripts of such services on every page, a captcha in a form, a login in their header: none of that is a sign. Words of a
page count only together with what the page is - its title, a status that refuses, or hardly any text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: Statuses by which a site refuses.
_REFUSALS: Final = frozenset({401, 403, 405, 429, 503})

#: By which one service lets a page wait for a challenge.
_ACCEPTED: Final = 202

#: Longer pages are pages: those of the known services have up to 50 kB.
_MOST_BYTES: Final = 128 * 1024

#: The title stands among the first bytes.
_HEAD_BYTES: Final = 8 * 1024

#: A page that says no more than this to a reader says nothing but that it keeps out, in characters; and how long its
#: source may be.
_FEW_CHARACTERS: Final = 200
_FEW_BYTES: Final = 8 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class _Header:
    """A header that only such answers have, with one of these values (none: any), at one of the statuses."""

    name: str
    values: tuple[str, ...] = ()
    statuses: frozenset[int] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Page:
    """A page of a service: all of `words` are in it, and one thing more.

    Attributes:
        service: whose it is.
        words: bytes that are in its source.
        titles: of which one is its title, whole, in lower case.
        statuses: that are enough without a title.
        few: so is having hardly any text.
    """

    service: str
    words: tuple[bytes, ...]
    titles: tuple[str, ...] = ()
    statuses: frozenset[int] = frozenset()
    few: bool = False


_HEADERS: Final = (
    _Header(name="cf-mitigated", values=("challenge",)),
    _Header(name="x-amzn-waf-action", values=("challenge", "captcha")),
    _Header(name="x-dd-b", statuses=_REFUSALS),
    _Header(name="x-datadome", statuses=_REFUSALS - {503}),
    _Header(name="x-sucuri-block", statuses=_REFUSALS),
    _Header(name="x-kpsdk-ct", statuses=frozenset({403, 429})),
)

#: The headers that are looked at, as Scrapy spells them, and their names.
SIGN_HEADERS: Final = {header.name.title().encode(): header.name for header in _HEADERS}

_PAGES: Final = (
    _Page(service="Cloudflare", words=(b"_cf_chl_opt",), titles=("just a moment...",), statuses=_REFUSALS),
    _Page(service="Cloudflare", words=(b"/cdn-cgi/challenge-platform/",), titles=("just a moment...",)),
    _Page(service="Cloudflare", words=(b"challenges.cloudflare.com",), titles=("just a moment...",)),
    _Page(service="Cloudflare", words=(b"cf-error-details",), titles=("attention required! | cloudflare",)),
    _Page(service="DataDome", words=(b"captcha-delivery.com",), statuses=_REFUSALS, few=True),
    _Page(
        service="HUMAN",
        words=(b"px-captcha", b"_pxAppId"),
        titles=("access to this page has been denied", "access to this page has been denied."),
        statuses=_REFUSALS,
    ),
    _Page(service="Imperva", words=(b"_Incapsula_Resource",), few=True),
    _Page(
        service="AWS WAF",
        words=(b"gokuProps", b"awswaf.com"),
        titles=("human verification",),
        statuses=_REFUSALS | {_ACCEPTED},
    ),
    _Page(service="Akamai", words=(b"errors.edgesuite.net",), titles=("access denied",)),
)

#: Those that may be short instead, and titles of the others.
_SHORT_PAGES: Final = tuple(page for page in _PAGES if page.few)
_TITLES: Final = frozenset(title for page in _PAGES for title in page.titles)

#: Written without a flag for the case of letters, with which every byte would be tried in place of every `<`.
_TITLE_BEGINS: Final = re.compile(rb"<[Tt][Ii][Tt][Ll][Ee][^>]{0,200}>")
_TITLE_ENDS: Final = re.compile(rb"</[Tt][Ii][Tt][Ll][Ee]")
_UNSEEN: Final = re.compile(
    rb"<(script|style|head|template)\b.*?</\1\s*>|<!--.*?-->|<[^>]*>", re.IGNORECASE | re.DOTALL
)
_PASSWORD: Final = re.compile(rb"<input\b[^>]{0,200}?\btype\s*=\s*[\"']?password\b", re.IGNORECASE)

#: A step of a path at which people log in.
_LOGIN: Final = re.compile(r"/(log-?in|log-?on|sign-?in|sign_in|user-login|wp-login|anmelden|connexion)(\.\w+)?(/|$)")


def challenge_sign(status: int, headers: Mapping[str, str], body: bytes) -> str:
    """What an answer shows of a service that keeps crawlers out; "" for any other answer.

    Args:
        status: of the answer.
        headers: names in lower case.
        body: unpacked; empty if it is no HTML.
    """
    for header in _HEADERS if headers else ():
        value = headers.get(header.name)
        if value is None or (header.statuses is not None and status not in header.statuses):
            continue
        if not header.values or value.strip().lower() in header.values:
            return f"challenge page ({header.name}: {value.strip()[:40]})"
    if not body or len(body) > _MOST_BYTES:
        return ""
    pages: Iterable[_Page] = _PAGES
    if status not in _REFUSALS and status != _ACCEPTED and _title(body) not in _TITLES:  # as nearly all pages are
        if len(body) > _FEW_BYTES:
            return ""
        pages = _SHORT_PAGES
    for page in pages:
        if _shows(page, status, body):
            return f"challenge page of {page.service}"
    return ""


def _shows(page: _Page, status: int, body: bytes) -> bool:
    for word in page.words:
        if word not in body:
            return False
    return status in page.statuses or _title(body) in page.titles or (page.few and _is_few(body))


def _title(body: bytes) -> str:
    begins = _TITLE_BEGINS.search(body, 0, _HEAD_BYTES)
    ends = _TITLE_ENDS.search(body, begins.end(), _HEAD_BYTES) if begins is not None else None
    if begins is None or ends is None:
        return ""
    return " ".join(body[begins.end() : ends.start()].decode("latin-1").lower().split())


def _is_few(body: bytes) -> bool:
    """Whether a reader is told hardly anything."""
    return len(body) <= _FEW_BYTES and len(b" ".join(_UNSEEN.sub(b" ", body).split())) <= _FEW_CHARACTERS


def is_nothing(status: int, content_type: str, body: bytes) -> bool:
    """Whether a document was to come, and there are not even words: a status of success, no other type than HTML."""
    if status != 200 or (body and not body.isspace()):
        return False
    return content_type.partition(";")[0].strip().lower() in ("", "text/html", "application/xhtml+xml")


def is_login_address(url: str) -> bool:
    """Whether people log in at this address, as its path says."""
    return _LOGIN.search(urlsplit(url).path.lower()) is not None


def has_login_form(body: bytes) -> bool:
    """Whether a page asks for a password."""
    return _PASSWORD.search(body, 0, _MOST_BYTES) is not None
