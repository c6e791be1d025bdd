"""Patterns of JavaScript and .NET: what their engines refuse, and what recipes have instead."""

import re

import pytest

from crawler.recipe.importing.foreign_regex import NotTranslated, doubled, problem, replacement, translated, undoubled
from crawler.recipe.regex import compile_regex


@pytest.mark.parametrize(
    "pattern",
    ["(a", "a)", "[a", "*a", "a\\", "a|*b", "(*a)", "a**", "(?a)", "[(", "(\\d+)\\.(?=\\d{3}(\\D"],
)
def test_what_javascript_refuses_is_broken(pattern):
    assert problem(pattern) is not None


@pytest.mark.parametrize(
    "pattern",
    [
        "a",
        "(a)",
        "[(]",
        "a]",
        "a*?",
        "(?:a)+",
        "(?=a)b",
        "(?<!a)b",
        "(?<n>a)",
        "\\(",
        "[\\]]",
        "a{2}",
        "{",
        "|a",
        "^$",
        "[^]",
    ],
)
def test_what_javascript_takes_is_not_broken(pattern):
    assert problem(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "there"),
    [
        (r"(\d+)/(\d+)", r"(\d+)/(\d+)"),
        (r"(?<year>\d{4})", r"(\d{4})"),
        (r"(?'year'\d{4})", r"(\d{4})"),
        (r"a\/b", r"a\/b"),
        ("[^]", "(?s:.)"),
        ("[A-Za-z0-9-_א-ת]+", "[A-Za-z0-9-_א-ת]+"),
    ],
)
def test_a_pattern_is_rewritten_where_it_must_be(pattern, there):
    assert translated(pattern) == there
    compile_regex(there)


def test_groups_become_ones_that_only_hold_together():
    assert translated(r"(a)(?:b)[(](\()", groups=False) == r"(?:a)(?:b)[(](?:\()"


@pytest.mark.parametrize(
    ("pattern", "near"),
    [(r"(?=.*\d)[a-z\d]+", r"[a-z\d]+"), (r"a(?!b[)])c", "ac"), (r"\bNEW\b", "NEW"), (r"(?<=€)\d+", r"\d+")],
)
def test_what_re2_has_not_comes_with_a_pattern_that_is_near(pattern, near):
    with pytest.raises(NotTranslated) as refused:
        translated(pattern)
    assert f"'{near}'" in refused.value.hint


@pytest.mark.parametrize("pattern", ["(?=a)", r"(a)\1", "", "(?>a)b", "(?=a"])
def test_what_comes_near_nothing_is_refused(pattern):
    with pytest.raises(NotTranslated):
        translated(pattern)


@pytest.mark.parametrize(
    ("text", "there"), [("$1 x", r"\1 x"), ("$&", r"\0"), ("$$", "$"), ("$", "$"), (r"\d", r"\\d"), ("${n}", "${n}")]
)
def test_a_replacement_names_its_groups_with_backslashes(text, there):
    assert replacement(text) == there


def test_backslashes_that_are_there_twice_are_seen_and_halved():
    assert doubled(r"^\\d+$")
    assert not doubled(r"^\d+$")
    assert undoubled(r"^\\d+\\.x$") == r"^\d+\.x$"


def test_long_and_nested_patterns_take_no_time():
    assert problem("(" * 50_000) is not None
    assert problem("[" * 50_000) is not None
    with pytest.raises(NotTranslated):
        translated("(?=" * 300)
    assert re.fullmatch(".*", "")
