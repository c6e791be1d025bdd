"""Values cut to a size that can be shown."""

from decimal import Decimal

import pytest

from crawler.recipe.shortened import MAX_CHARACTERS, MAX_LEVELS, MAX_MEMBERS, shortened
from crawler.recipe.values import MISSING


@pytest.mark.parametrize("value", [None, 0, False, Decimal("1.50"), "", "Möbel", [], {}, {"a": [1, {"b": "c"}]}])
def test_what_is_short_stays_as_it_is(value):
    assert shortened(value) == value


def test_long_texts_lists_and_maps_are_cut_and_say_so():
    assert shortened("x" * 5_000) == "x" * (MAX_CHARACTERS - 1) + "…"
    assert shortened(list(range(60))) == [*range(MAX_MEMBERS), "… 10 more"]
    assert shortened({str(number): number for number in range(60)})["…"] == "10 more"


def test_what_is_nested_too_deep_ends_in_a_mark():
    deep: list = []
    for _ in range(500):
        deep = [deep]
    cut = shortened(deep)
    for _ in range(MAX_LEVELS):
        (cut,) = cut
    assert cut == "…"


def test_nothing_is_null_and_half_a_surrogate_pair_can_be_sent():
    assert shortened(MISSING) is None
    assert shortened("a\ud83d") == "a\\ud83d"
