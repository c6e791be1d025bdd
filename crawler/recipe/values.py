"""What "missing" means: the one definition that rules, steps, templates and the contract share."""

from __future__ import annotations

import enum
from typing import Any, Final, TypeAlias

#: Any value JSON can hold, plus Decimal. Page data has no narrower type until a contract has coerced it.
Value: TypeAlias = Any


class Missing(enum.Enum):
    """The type of `MISSING`; an enum so that type checkers can narrow on `is MISSING`."""

    MISSING = "missing"

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing.MISSING


def is_missing(value: Value) -> bool:
    """True for no match, null, text that is empty after stripping, and a list with no non-missing member.

    `0` and `false` are values.
    """
    if isinstance(value, str):  # the usual case
        return not value or value.isspace()
    if value is MISSING or value is None:
        return True
    if not isinstance(value, list):
        return False
    lists = [value]  # no recursion: the lists of a page's JSON may lie in each other hundreds deep
    while lists:
        for member in lists.pop():
            if isinstance(member, list):
                lists.append(member)
            elif not is_missing(member):
                return False
    return True


def holds(value: Value) -> bool:
    """Whether a condition (`while`, `when`, `drop_if`) holds: not missing and not false, `[]` or `{}`."""
    return not is_missing(value) and value is not False and value not in ([], {})
