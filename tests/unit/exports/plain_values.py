"""Any plain values, as pages may give them and the frontier keeps them; and whether two are the same, types and all."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal

from hypothesis import strategies as st

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
DECIMALS = st.one_of(
    st.decimals(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        [Decimal(text) for text in ("5", "-0", "0E-10", "1E+3", "NaN", "-Infinity", "1.50", "9" * 40, "1E-400", "-0.0")]
    ),
)
ZONES = st.sampled_from([None, dt.UTC, dt.timezone(dt.timedelta(hours=5, minutes=30, seconds=15))])
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(),
    TEXTS,
    st.binary(max_size=12),
    DECIMALS,
    st.dates(),
    st.datetimes(timezones=ZONES),
)
HASHABLE = st.recursive(
    SCALARS.filter(lambda value: not isinstance(value, Decimal) or not value.is_snan()),
    lambda inner: st.one_of(st.lists(inner, max_size=3).map(tuple), st.frozensets(inner, max_size=3)),
    max_leaves=4,
)
VALUES = st.recursive(
    st.one_of(SCALARS, HASHABLE, st.sets(HASHABLE, max_size=3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.lists(inner, max_size=3).map(tuple), st.dictionaries(TEXTS, inner, max_size=3)
    ),
    max_leaves=8,
)
ROWS = st.dictionaries(TEXTS, VALUES, max_size=6)


def shown(value):
    """A value with its types, so that 1, 1.0, Decimal(1) and True differ, and NaN equals itself."""
    kind = type(value)
    if kind is dict:
        return kind, [(name, shown(member)) for name, member in value.items()]
    if kind in (list, tuple):
        return kind, [shown(member) for member in value]
    if kind in (set, frozenset):
        return kind, sorted(repr(shown(member)) for member in value)
    if kind is float:
        return kind, "nan" if math.isnan(value) else value.hex()
    if kind is Decimal:
        return kind, str(value)
    if kind is dt.datetime:
        return kind, value.isoformat()
    return kind, value
