"""Patterns of recipes run on RE2, with letters and blanks of every script."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.recipe.regex import MAX_PATTERN_LENGTH, RegexError, compile_regex


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"^[\w-]+$", "כיסא-12", "כיסא-12"),
        (r"\w+", "é̀à café", "é̀à"),  # combining marks are letters, too
        (r"\W+", "ab, ₪cd", ", ₪"),
        (r"[\W]+", "ab, ₪cd", ", ₪"),
        (r"[^\W]+", "-שלום-", "שלום"),
        (r"[^\W\d_]+", "12_שלום", "שלום"),
        (r"[\W_]+", "a_b", "_"),
        (r"[\W]", "_", None),
        (r"a\sb", "a\u00a0b", "a\u00a0b"),
        (r"a[\s,]b", "a\u2009b", "a\u2009b"),
        (r"[^\s]+", "\u3000ab\u00a0", "ab"),
        (r"\S+", "\u00a0ab\u2003", "ab"),
        (r"[\S]+", "\u00a0ab\u2003", "ab"),
        (r"\d+", "٣ 42", "42"),  # ASCII digits only
        (r"\D+", "1٣2", "٣"),
        (r"(?i)größe", "GRÖSSE GRÖẞE", "GRÖẞE"),
        (r"(?i)ÉTÉ", "été", "été"),
        (r"\u20ac\d", "€5", "€5"),
        (r"\x{20AC}\d", "€5", "€5"),
        (r"[[:alpha:]]+", "12ab", "ab"),
        (r"[]x]+", "a]x]", "]x]"),
        (r"[^]x]+", "]ab", "ab"),
        (r"[(?=]+", "a(?=b", "(?="),
        (r"\Q(?=\E", "a(?=b", "(?="),
        (r"\p{Hebrew}+", "a שלום", "שלום"),
        (r"\pL+", "12é", "é"),
    ],
)
def test_a_pattern_finds_what_a_reader_expects(pattern, text, found):
    match = compile_regex(pattern).search(text)
    assert (match and match.group()) == found


@given(st.text(max_size=30))
def test_white_space_is_what_python_calls_white_space(text):
    expected = [char for char in text if char.isspace()]
    assert [match.group() for match in compile_regex(r"\s").finditer(text)] == expected
    assert [match.group() for match in compile_regex(r"[\s]").finditer(text)] == expected
    others = [char for char in text if not char.isspace() and not "\ud800" <= char <= "\udfff"]
    assert [match.group() for match in compile_regex(r"[\S]").finditer(text)] == others


@given(st.text(st.characters(exclude_categories=["Cn", "Cs"]), max_size=30))
def test_inside_and_outside_of_a_class_word_characters_are_the_same(text):
    plain = [match.group() for match in compile_regex(r"\w").finditer(text)]
    assert plain == [match.group() for match in compile_regex(r"[\w]").finditer(text)]
    others = [match.group() for match in compile_regex(r"[\W]").finditer(text)]
    assert others == [match.group() for match in compile_regex(r"\W").finditer(text)]
    assert sorted([*plain, *others]) == sorted(text)


@pytest.mark.parametrize(
    ("pattern", "message", "hint"),
    [
        (r"(?=a)b", "look-ahead", "group 1"),
        (r"a(?!b)", "negative look-ahead, (?!...), at character 2", "group 1"),
        (r"(?<=a)b", "look-behind", "group 1"),
        (r"(?<!a)b", "negative look-behind", "group 1"),
        (r"(a)\1", r"\1 at character 4", "alternatives"),
        (r"(?P<x>a)(?P=x)", "back-reference", "alternatives"),
        (r"a++", "possessive quantifier, ++", "write +"),
        (r"a{2,3}+", "possessive quantifier, {2,3}+", "write {2,3}"),
        (r"(?>a)", "atomic group", "(?:...)"),
        (r"(?x)a b", "flag 'x'", "i (ignore case)"),
        (r"(?#note)a", "comment", "#"),
        (r"\bprice\b", r"\b at character 1", r"(?:^|\W)"),
        (r"\Bx", r"\B", r"\w"),
        (r"a\Z", r"\Z", r"\z"),
        (r"\h", r"\h", r"\s"),
        (r"(", "missing )", None),
        (r"[a", "missing ]", None),
        (r"a{1001}", "repetition", None),
        ("\\", "trailing", None),
        (r"\\d(", "missing )", "single quotes"),
        ("\ud800", "surrogate", None),
        ("x" * (MAX_PATTERN_LENGTH + 1), "1001 characters", None),
    ],
)
def test_what_re2_has_not_is_refused_with_the_cure(pattern, message, hint):
    with pytest.raises(RegexError) as error:
        compile_regex(pattern)
    assert message in error.value.args[0]
    if hint is not None:
        assert error.value.hint is not None
        assert hint in error.value.hint


def test_groups_keep_their_numbers_and_positions_count_characters():
    regex = compile_regex(r"(\w+)(?: (\d+))?")
    assert regex.groups == 2
    match = regex.search("שלום 12")
    assert match is not None
    assert (match.group(1), match.group(2), match.span(2), match.span()) == ("שלום", "12", (5, 7), (0, 7))
    match = regex.search("שלום")
    assert match is not None
    assert (match.group(2), match.span(2)) == (None, (-1, -1))


@pytest.mark.parametrize(
    ("pattern", "replacement", "text", "result"),
    [
        (r"(\w+) (\w+)", r"\2 \1", "שלום a, b c", "a שלום, c b"),
        (r"\s+", "", "a\u00a0 b", "ab"),
        (r"x", r"\\1", "axb", r"a\1b"),
        (r"x", "$1", "axb", "a$1b"),
        (r"(a)|(b)", r"[\1\2]", "ab", "[a][b]"),
        (r"x*", "-", "ab", "-a-b-"),
        (r"(.)", r"\0\0", "é", "éé"),
    ],
)
def test_a_replacement_names_groups_and_nothing_else(pattern, replacement, text, result):
    assert compile_regex(pattern).sub(replacement, text) == result


@pytest.mark.parametrize("replacement", [r"\2", r"\n", "\\", r"\g<1>"])
def test_a_replacement_that_means_nothing_is_refused_at_load(replacement):
    with pytest.raises(RegexError):
        compile_regex("(a)").check_replacement(replacement)


def test_split_keeps_what_is_between_the_matches():
    assert compile_regex(r"\s*[,;]\s*").split("a ,b;c") == ["a", "b", "c"]
    assert compile_regex("x*").split("ab") == ["ab"]


def test_fullmatch_matches_the_whole_text_only():
    assert compile_regex(r"\w+").fullmatch("שלום")
    assert not compile_regex(r"\w+").fullmatch("שלום!")


def test_half_a_surrogate_pair_in_the_text_is_no_accident():
    match = compile_regex("b").search("a\ud800b")
    assert match is not None
    assert match.span() == (2, 3)


def test_a_pattern_that_backtracks_elsewhere_is_linear_here():
    before = time.process_time()
    assert compile_regex(r"(a|aa)+$").search("a" * 50_000 + "b") is None
    assert time.process_time() - before < 5


def test_equal_patterns_are_equal_values():
    assert compile_regex("a") == compile_regex("a")
    assert compile_regex("a") != compile_regex("b")
    assert len({compile_regex("a"), compile_regex("a")}) == 1
    assert repr(compile_regex("a")) == "Regex('a')"
