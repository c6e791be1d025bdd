"""Gives a page's values the types of their fields, losing nothing: the half of a contract that changes values.

Plain digits become numbers with the page's own precision, `true` and `false` booleans, relative URLs absolute ones.
Whatever would need a guess is refused: `1,5` is no number, one value is no list, a list is no text.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import urlsplit

from w3lib.url import safe_url_string

from crawler.recipe.fields import Broken, FieldSpec
from crawler.recipe.scalars import (
    MAX_DIGITS,
    PLAIN_DECIMAL,
    NotScalar,
    decimal_of,
    describe,
    integer_of,
    number_of,
    text_of,
    whole_text,
)
from crawler.recipe.urls import absolute_url, plain_link
from crawler.recipe.values import MISSING, Value, is_missing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from crawler.recipe.fields import Rule

#: The value and the page's base URL to the accepted value. Raises Broken.
Coerce: TypeAlias = "Callable[[Value, str], Value]"

#: Levels of lists and objects in one value.
MAX_DEPTH: Final = 100

#: What a URI may hold as it is (RFC 3986 section 2); anything else is escaped.
_URI = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")


def compile_field(spec: FieldSpec) -> Coerce:
    """The function that accepts a value for this field: None for a missing one, unless it is required."""
    present = _present(spec)
    required = spec.required

    def accept(value: Value, base_url: str) -> Value:
        if is_missing(value):
            if required:
                raise Broken("required", "is missing")
            return None
        return present(value, base_url)

    quick = _QUICK.get("uri" if spec.type == "string" and spec.format == "uri" else spec.type)
    return accept if quick is None else quick(accept, spec.rules)


# What most values are, without a question more than it takes to know that; anything else is accepted slowly.


def _plain_text_or(slowly: Coerce, rules: Sequence[Rule]) -> Coerce:
    def accept(value: Value, base_url: str) -> Value:
        if value.__class__ is not str or not value or value.isspace():
            return slowly(value, base_url)
        text = value if value.isascii() else whole_text(value)
        for rule in rules:
            rule(text)
        return text

    return accept


def _plain_uri_or(slowly: Coerce, rules: Sequence[Rule]) -> Coerce:
    def accept(value: Value, base_url: str) -> Value:
        plain = plain_link(base_url, value) if value.__class__ is str and not rules else None
        return slowly(value, base_url) if plain is None else plain

    return accept


def _plain_decimal_or(slowly: Coerce, rules: Sequence[Rule]) -> Coerce:
    def accept(value: Value, base_url: str) -> Value:
        if value.__class__ is not str or len(value) >= MAX_DIGITS or PLAIN_DECIMAL.fullmatch(value) is None:
            return slowly(value, base_url)
        number = Decimal(value)
        for rule in rules:
            rule(number)
        return number

    return accept


#: By the type of a field, or its format.
_QUICK: Final = {"string": _plain_text_or, "uri": _plain_uri_or, "decimal": _plain_decimal_or}


def _plain_texts_or(slowly: Coerce) -> Coerce:
    def array(value: Value, base_url: str) -> Value:
        found = []
        for member in value if value.__class__ is list else (None,):
            if member.__class__ is not str or not member or member.isspace():
                return slowly(value, base_url)
            found.append(member if member.isascii() else whole_text(member))
        return found

    return array


def _plain_uris_or(slowly: Coerce) -> Coerce:
    def array(value: Value, base_url: str) -> Value:
        found = []
        for member in value if value.__class__ is list else (None,):
            plain = plain_link(base_url, member) if member.__class__ is str else None
            if plain is None:
                return slowly(value, base_url)
            found.append(plain)
        return found

    return array


def _present(spec: FieldSpec) -> Coerce:
    """The function that accepts a value that is not missing."""
    convert = _converter(spec)
    rules = spec.rules

    def present(value: Value, base_url: str) -> Value:
        accepted = convert(value, base_url)
        for rule in rules:
            rule(accepted)
        return accepted

    return present if rules else convert


def _converter(spec: FieldSpec) -> Coerce:
    if spec.type == "string":
        return _uri if spec.format == "uri" else _string
    if spec.type == "array":
        if spec.items is None:
            return _any_array
        members = _array(_present(spec.items))
        if spec.items.type != "string" or spec.items.rules:
            return members
        return _plain_uris_or(members) if spec.items.format == "uri" else _plain_texts_or(members)
    if spec.type == "object":
        if spec.properties is None:
            return _any_object
        return _object({name: compile_field(inner) for name, inner in spec.properties.items()})
    return {"integer": _integer, "number": _number, "decimal": _decimal, "boolean": _boolean}[spec.type]


def _string(value: Value, _base_url: str) -> str:
    if isinstance(value, str):
        return value if value.isascii() else whole_text(value)
    if isinstance(value, bool):
        raise Broken("type", f"{describe(value)} is a boolean, a text is wanted; the step `map` can name it")
    try:
        return text_of(value)
    except NotScalar as error:
        raise Broken("type", f"{error} is no text") from None


def _uri(value: Value, base_url: str) -> str:
    text = _string(value, base_url)
    plain = plain_link(base_url, text)
    if plain is not None:
        return plain
    url = absolute_url(base_url, text)
    if url is not None and _URI.fullmatch(url) is None:
        try:
            escaped = safe_url_string(url)
        except ValueError:  # w3lib is stricter than urllib in places
            escaped = ""
        url = escaped if _URI.fullmatch(escaped) else None  # a blank in the host name cannot be escaped
    parts = None if url is None else urlsplit(url)
    if url is None or parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise Broken("format", f"{describe(value)} is no http(s) URL")
    return url


def _integer(value: Value, _base_url: str) -> int:
    try:
        return integer_of(value)
    except NotScalar as error:
        raise Broken("type", f"no integer: {error}") from None


def _decimal(value: Value, _base_url: str) -> Decimal:
    try:
        return number_of(value)
    except NotScalar as error:
        raise Broken("type", f"no decimal: {error}; the steps `price` and `number` read more") from None


def _number(value: Value, _base_url: str) -> Decimal | int:
    if isinstance(value, int) and not isinstance(value, bool):
        return _integer(value, "")
    try:
        return number_of(value, exponent=True)
    except NotScalar as error:
        raise Broken("type", f"no number: {error}; the steps `price` and `number` read more") from None


def _boolean(value: Value, _base_url: str) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip() in ("true", "false"):
        return value.strip() == "true"
    raise Broken("type", f"{describe(value)} is neither true nor false")


def _listed(value: Value) -> list[Value]:
    if isinstance(value, list | tuple):
        return [member for member in value if not is_missing(member)]
    raise Broken("type", f"{describe(value)} is one value, a list is wanted; add `all: true` to the rule")


def _any_array(value: Value, _base_url: str) -> list[Value]:
    return [_plain(member, 1) for member in _listed(value)]


def _any_object(value: Value, _base_url: str) -> dict[str, Value]:
    if not isinstance(value, dict):
        raise Broken("type", f"{describe(value)} is no object")
    plain: dict[str, Value] = _plain(value, 0)
    return plain


def _array(accept: Coerce) -> Coerce:
    def array(value: Value, base_url: str) -> list[Value]:
        accepted = []
        for index, member in enumerate(_listed(value)):
            try:
                accepted.append(accept(member, base_url))
            except Broken as broken:
                raise Broken(broken.rule, f"member {index + 1}: {broken.message}", f"[]{broken.inside}") from None
        return accepted

    return array


def _object(fields: Mapping[str, Coerce]) -> Coerce:
    def accept(value: Value, base_url: str) -> dict[str, Value]:
        if not isinstance(value, dict):
            raise Broken("type", f"{describe(value)} is no object")
        accepted: dict[str, Value] = {}
        for name, field in fields.items():
            try:
                accepted[name] = field(value.get(name, MISSING), base_url)
            except Broken as broken:
                raise Broken(broken.rule, broken.message, f".{name}{broken.inside}") from None
        for name, member in value.items():
            if name not in accepted:
                accepted[str(name)] = _plain(member, 1)
        return accepted

    return accept


def _plain(value: Value, depth: int) -> Value:
    """A copy that JSON can hold: null for missing members, exact numbers, text keys."""
    if isinstance(value, str):
        return whole_text(value)
    if isinstance(value, bool) or value is None:
        return value
    if value is MISSING:
        return None
    if depth >= MAX_DEPTH:
        raise Broken("type", f"is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, dict):
        copy: dict[str, Value] = {}
        for key, member in value.items():
            copy[whole_text(str(key))] = _plain(member, depth + 1)
        return copy
    if isinstance(value, list | tuple):
        members: list[Value] = []
        for member in value:
            members.append(_plain(member, depth + 1))  # noqa: PERF401 - a comprehension would double the stack depth
        return members
    if isinstance(value, int | float | Decimal):
        try:
            number = decimal_of(value)
        except NotScalar as error:
            raise Broken("type", f"{error}") from None
        return value if isinstance(value, int) else number
    raise Broken("type", f"{describe(value)} is nothing that JSON can hold")
