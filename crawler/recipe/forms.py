"""Fills in a form as a browser would: which fields it has, what they hold, where it goes.

Works on a parsed page; knows nothing of logins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote_plus, urlsplit, urlunsplit

from crawler.recipe.queries import compile_css
from crawler.recipe.urls import http_link

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crawler.recipe.documents import Document, Scope
    from crawler.recipe.queries import CssQuery

_FORMS: Final = compile_css("form", row=False)
_PASSWORDS: Final = compile_css("input[type=password]", row=True)
_FIELDS: Final = compile_css("input, select, textarea, button", row=True)
_OFF: Final = compile_css(":scope[disabled]", row=True)
_CHECKED: Final = compile_css(":scope[checked]", row=True)
_OPTIONS: Final = compile_css("option", row=True)
_CHOSEN: Final = compile_css("option[selected]", row=True)
_ATTRIBUTES: Final = {
    name: compile_css(f":scope::attr({name})", row=True) for name in ("name", "type", "value", "action", "method", "id")
}

#: A form with more fields is none that people fill in.
_MAX_FIELDS: Final = 2_000

#: Types of `<input>` that give nothing, or only when they are clicked.
_SILENT: Final = frozenset({"button", "reset", "image", "file"})


@dataclass(frozen=True, kw_only=True, slots=True)
class FilledForm:
    """What a browser would send."""

    url: str
    method: str  # GET or POST
    body: bytes


def find_form(document: Document, css: CssQuery | None) -> Scope | None:
    """The form that a selector names, or the first one that asks for a password."""
    forms = document.root.rows(css or _FORMS) or []
    if css is not None:
        return next(iter(forms), None)
    return next((form for form in forms if form.rows(_PASSWORDS)), None)


def asks_for_password(form: Scope) -> bool:
    """Whether a form has a field for a password."""
    return bool(form.rows(_PASSWORDS))


def fill(form: Scope, data: Sequence[tuple[str, str]]) -> FilledForm | None:
    """The form with these values; a field that is not named keeps its own. None if it leads to no http(s) address."""
    document = form.document
    given = {name for name, _ in data}
    pairs = [(name, value) for name, value in _own(form) if name not in given]
    action = _attribute(form, "action") or document.url
    url = http_link(document.base_url, action)
    if url is None:
        return None
    text = "&".join(f"{_quoted(n, document.encoding)}={_quoted(v, document.encoding)}" for n, v in [*pairs, *data])
    if (_attribute(form, "method") or "get").lower() == "post":
        return FilledForm(url=url, method="POST", body=text.encode("ascii"))
    return FilledForm(url=urlunsplit(urlsplit(url)._replace(query=text)), method="GET", body=b"")


def names_of(form: Scope) -> list[str]:
    """The names of its fields."""
    return list(dict.fromkeys(filter(None, (_attribute(field, "name") for field in _fields(form)))))


def _fields(form: Scope) -> list[Scope]:
    return (form.rows(_FIELDS) or [])[:_MAX_FIELDS]


def _own(form: Scope) -> list[tuple[str, str]]:
    """Names and values of what is in the form, with its first submit button."""
    pairs: list[tuple[str, str]] = []
    submitted = False
    for field in _fields(form):
        name, kind = _attribute(field, "name"), _kind(field)
        if not name or field.rows(_OFF):
            continue
        if kind == "submit":
            if not submitted:
                pairs.append((name, _attribute(field, "value")))
            submitted = True
        elif kind == "select":
            chosen = field.rows(_CHOSEN) or (field.rows(_OPTIONS) or [])[:1]
            pairs += [(name, _attribute(option, "value") or str(option.own() or "")) for option in chosen[:1]]
        elif kind == "textarea":
            pairs.append((name, str(field.own() or "")))
        elif kind in ("checkbox", "radio"):
            if field.rows(_CHECKED):
                pairs.append((name, _attribute(field, "value") or "on"))
        elif kind not in _SILENT:
            pairs.append((name, _attribute(field, "value")))
    return pairs


def _kind(field: Scope) -> str:
    """`select`, `textarea`, or the type of an `<input>`; a button that sends the form is `submit`."""
    element = str(field.own(as_="html"))[:9].lower()
    for name in ("select", "textarea"):
        if element.startswith(f"<{name}"):
            return name
    kind = _attribute(field, "type").lower()
    return kind or ("submit" if element.startswith("<button") else "text")


def _attribute(scope: Scope, name: str) -> str:
    return next((str(value) for value in scope.values(_ATTRIBUTES[name]) if value is not None), "")


def _quoted(text: str, encoding: str) -> str:
    """The text as it stands in a body, in the encoding of its page if that has all of its characters."""
    try:
        return quote_plus(text.encode(encoding))
    except (UnicodeEncodeError, LookupError):
        return quote_plus(text)
