"""Numbers, booleans and text turned into each other without losing anything: what steps, templates and contracts share.

Nothing passes through float. A float that a caller hands in is read as the shortest decimal that names it. The bounds
here keep a page's `1e999999999` from becoming a gigabyte of zeros. Knows nothing of steps, fields or pages.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from crawler.recipe.values import Value

#: Digits of the longest number that is read or written; longer ones are ids or noise, and quadratic to convert.
MAX_DIGITS: Final = 400

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)", re.ASCII)
PLAIN_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?", re.ASCII)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_TOO_LONG: Final = 10**MAX_DIGITS

#: A tuple: `isinstance` would make a union of `a | b` anew for each value.
_NUMBERS: Final = (int, float, Decimal)


class NotScalar(ValueError):
    """The value has no lossless form of the kind asked for; the message says what it is instead."""


def describe(value: Value) -> str:
    """The value in a few words, for messages: `'12 items'`, `the list [1, 2]`, `an object`. At most ~80 characters."""
    if isinstance(value, str):
        return repr(value if len(value) <= 60 else value[:57] + "...")
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, _NUMBERS):
        try:
            return text_of(value)[:60]
        except NotScalar:
            return "a number out of range"
    return f"a {type(value).__name__}"


def text_of(value: Value) -> str:
    """The text of a scalar: digits without exponent, `true` or `false`. Raises NotScalar for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if -_TOO_LONG < value < _TOO_LONG:
            return str(value)
        raise NotScalar(f"a number of more than {MAX_DIGITS} digits")
    if isinstance(value, Decimal | float):
        return format(decimal_of(value), "f")
    raise NotScalar(describe(value))


def whole_text(text: str) -> str:
    """The text as UTF-8 can hold it: half a surrogate pair, which JSON escapes can make, becomes U+FFFD."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def decimal_of(value: int | float | Decimal) -> Decimal:  # noqa: PYI041 - a float is named, because it is handled
    """The number exactly, 1E+3 as 1000. Raises NotScalar if it is not finite or out of range."""
    if isinstance(value, int):
        if not -_TOO_LONG < value < _TOO_LONG:
            raise NotScalar(f"a number of more than {MAX_DIGITS} digits")
        return Decimal(value)
    number = Decimal(repr(float(value))) if isinstance(value, float) else value
    if not number.is_finite():
        raise NotScalar(f"{number} is not a number")
    written = str(number)
    if len(written) <= MAX_DIGITS and "E" not in written:  # as nearly all: few digits, and all are written
        return number
    _, digits, exponent = number.as_tuple()
    if abs(number.adjusted()) > MAX_DIGITS or len(digits) > MAX_DIGITS:
        if number.is_zero():
            return Decimal(0)
        raise NotScalar(f"a number of more than {MAX_DIGITS} digits")
    return number if int(exponent) <= 0 else Decimal(format(number, "f"))


def integer_of(value: Value) -> int:
    """A JSON number without fraction, or text of plain digits (`-12`, not `007`, `1,000` or `12.0`), as int.

    Raises NotScalar.
    """
    if isinstance(value, bool):
        raise NotScalar(f"{describe(value)} is a boolean")
    if isinstance(value, _NUMBERS):
        number = decimal_of(value)
        if number != number.to_integral_value():
            raise NotScalar(f"{describe(value)} has a fraction")
        return int(number)
    if isinstance(value, str):
        text = value.strip()
        if len(text) <= MAX_DIGITS and _INTEGER.fullmatch(text):
            return int(text)
        raise NotScalar(f"{describe(value)} is not plain digits")
    raise NotScalar(describe(value))


def number_of(value: Value, *, exponent: bool = False) -> Decimal:
    """A JSON number, or text of plain digits with at most one point (`-12.50`), as Decimal with its own precision.

    With `exponent` text may be any JSON number (`1e5`). Raises NotScalar.
    """
    if isinstance(value, bool):
        raise NotScalar(f"{describe(value)} is a boolean")
    if isinstance(value, _NUMBERS):
        return decimal_of(value)
    if isinstance(value, str):
        text = value.strip()
        if len(text) <= MAX_DIGITS:
            if PLAIN_DECIMAL.fullmatch(text):
                return Decimal(text)  # so few digits, and no exponent: nothing that decimal_of would change
            if exponent and _NUMBER.fullmatch(text):
                return decimal_of(Decimal(text))
        raise NotScalar(f"{describe(value)} is not plain digits")
    raise NotScalar(describe(value))
