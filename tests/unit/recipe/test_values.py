"""Missing and holding have one definition."""

from __future__ import annotations

from decimal import Decimal

import pytest

from crawler.recipe.values import MISSING, holds, is_missing


@pytest.mark.parametrize("value", [MISSING, None, "", "  \n\t", [], [None], ["", MISSING], [[], [None]]])
def test_nothing_there_is_missing(value):
    assert is_missing(value)
    assert not holds(value)


@pytest.mark.parametrize("value", [0, False, Decimal(0), "0", {}, ["", "x"], [0]])
def test_zero_and_false_are_values(value):
    assert not is_missing(value)


@pytest.mark.parametrize(("value", "expected"), [(True, True), (0, True), ("no", True), (False, False), ({}, False)])
def test_a_condition_holds_unless_missing_false_or_empty(value, expected):
    assert holds(value) is expected


def test_missing_is_falsy_and_names_itself():
    assert not MISSING
    assert repr(MISSING) == "MISSING"
