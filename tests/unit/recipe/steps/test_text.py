"""Steps on text."""

from decimal import Decimal

import pytest

from crawler.recipe.steps import StepError, StepFailed, build_step, run_steps
from crawler.recipe.values import MISSING

NBSP = "\N{NO-BREAK SPACE}"


def run(name, argument, value):
    return run_steps([build_step(name, argument)], value, base_url="")


@pytest.mark.parametrize(
    ("name", "argument", "value", "result"),
    [
        ("strip", MISSING, f" {NBSP}a b\n", "a b"),
        ("strip", "-*", "*-a-*", "a"),
        ("strip", MISSING, 12, "12"),
        ("squeeze", MISSING, f"a{NBSP}\u2009\n b ", "a b"),
        ("lower", MISSING, "ÄB", "äb"),
        ("upper", MISSING, Decimal("1.50"), "1.50"),
        ("prepend", "a ", "b", "a b"),
        ("append", " cm", 40, "40 cm"),
        # replace
        ("replace", {"text": "a", "with": ""}, "banana", "bnn"),
        ("replace", {"text": ".", "with": "|"}, "a.b", "a|b"),
        ("replace", {"pattern": "a|b", "with": ""}, "abcab", "c"),
        ("replace", {"pattern": r"(\w+), (\w+)", "with": r"\2 \1"}, "Kohn, Hans", "Hans Kohn"),
        ("replace", {"pattern": r"(\d)", "with": r"<\0>"}, "a1", "a<1>"),
        ("replace", {"pattern": "a", "with": "$1"}, "a", "$1"),
        ("replace", {"text": ",", "with": 5}, "1,2", "152"),
        ("replace", {"text": "a", "with": ""}, "a", MISSING),
        ("replace", {"pattern": "x", "with": "y"}, "a", "a"),
        # regex
        ("regex", r"(\d+) left", "only 12 left", "12"),
        ("regex", r"\d+", "only 12 left", "12"),
        ("regex", r"\d+", "none", MISSING),
        ("regex", r"(?:a)(b)?", "ac", MISSING),
        ("regex", "a|b", "xb", "b"),
        ("regex", {"pattern": r"#(\w+)", "all": True}, "#a b #c", ["a", "c"]),
        ("regex", {"pattern": r"#(\w+)", "all": True}, "none", MISSING),
        ("regex", r"^[\w-]+$", "כיסא-עץ", "כיסא-עץ"),
        # reject
        ("reject", "^(בחר|Choose)", ["בחר צבע", "אדום"], ["אדום"]),
        ("reject", ["^a", "z$"], ["ab", "bz", "c"], ["c"]),
        ("reject", "^a", "abc", MISSING),
        ("reject", "^a", "bc", "bc"),
        # split
        ("split", ",", "a, b,,c ,", ["a", "b", "c"]),
        ("split", {"pattern": r"\s*[;/]\s*"}, "a ;b/ c", ["a", "b", "c"]),
        ("split", {"text": "|"}, "a|b", ["a", "b"]),
        ("split", "|", "a.b", ["a.b"]),
        ("split", ",", ",,", MISSING),
        # truncate
        ("truncate", 5, "abcde", "abcde"),
        ("truncate", 5, "ab cdef", "ab"),
        ("truncate", 5, "ab cd ef", "ab cd"),
        ("truncate", 5, "abcdefgh", "abcde"),
        ("truncate", {"length": 5, "words": False}, "ab cdef", "ab cd"),
        ("truncate", {"length": 6, "end": "..."}, "ab cdef", "ab..."),
        ("truncate", {"length": 6, "end": "…"}, "ab cdef", "ab…"),
        ("truncate", {"length": 7, "end": "…"}, "ab cdef", "ab cdef"),
        ("truncate", 3, f"a{NBSP}bcd", "a"),
        # slug
        ("slug", MISSING, "  Hello, World!  ", "hello-world"),
        ("slug", MISSING, "Ünïcode_1 ½", "ünïcode-1-1-2"),
        ("slug", MISSING, "हिन्दी शब्द", "हिन्दी-शब्द"),
        ("slug", MISSING, {"a": "Red", "b": None, "c": 4}, "red-4"),
        ("slug", MISSING, "!!!", MISSING),
    ],
)
def test_a_step_changes_text(name, argument, value, result):
    assert run(name, argument, value) == result


@pytest.mark.parametrize(
    ("argument", "value", "result"),
    [
        ({"One": 1, "Two": 2}, "Two", 2),
        ({1: "one"}, Decimal(1), "one"),
        ({True: "yes", False: "no"}, False, "no"),
        ({"true": "InStock", "false": "OutOfStock"}, True, "InStock"),
        ({"-": None}, "-", MISSING),
        ({"a": False}, "a", False),
        ({"values": {"out-of-stock": 0, "in-stock": 1}, "by": "contains"}, "stock in-stock", 1),
        ({"values": {"stock": 0, "in-stock": 1}, "by": "contains"}, "stock in-stock", 0),
        ({"values": {"^in": 1, "k$": 2}, "by": "regex"}, "stock", 2),
        ({"values": {"in": 0, "in stock": 1}, "by": "prefix"}, "in stock", 0),
        ({"values": {"in stock": 1, "in": 0}, "by": "prefix"}, "in stock", 1),
        ({"values": {"stock": 1}, "by": "prefix", "else": 0}, "in stock", 0),
        ({"values": {"a": 1}, "else": 0}, "b", 0),
        ({"values": {"a": 1}, "else": None}, "b", MISSING),
        ({"values": {"a": 1}, "by": "contains", "else": False}, "b", False),
        ({"values": "the word `values`"}, "values", "the word `values`"),
    ],
)
def test_map_puts_another_value_in_place_of_a_known_one(argument, value, result):
    assert run("map", argument, value) is result or run("map", argument, value) == result


def test_map_names_the_first_five_values_it_knows():
    with pytest.raises(StepFailed, match=r"^'x' is none of 0, 1, 2, 3, 4, \.\.\.$"):
        run("map", dict.fromkeys(range(6), "a"), "x")
    with pytest.raises(StepFailed, match=r"^'x' is none of 0, 1, 2, 3, 4$"):
        run("map", dict.fromkeys(range(5), "a"), "x")


@pytest.mark.parametrize(
    ("argument", "value"),
    [({"One": 1}, "Two"), ({"One": 1}, "one"), ({"values": {"a": 1}, "by": "contains"}, "b"), ({"a": 1}, ["a", "b"])],
)
def test_map_without_a_match_fails_and_says_what_was_known(argument, value):
    with pytest.raises(StepFailed, match=r"is none of (One|a)"):
        run("map", argument, value)


@pytest.mark.parametrize(
    ("name", "argument", "message"),
    [
        ("strip", 5, "needs the characters"),
        ("strip", "", "needs the characters"),
        ("lower", "x", "takes no argument"),
        ("slug", {}, "takes no argument"),
        ("prepend", MISSING, "needs a text"),
        ("append", 5, "needs a text"),
        ("replace", "a|b", "needs a map"),
        ("replace", MISSING, "needs a map"),
        ("replace", {"with": ""}, "either `pattern` or `text`"),
        ("replace", {"pattern": "a", "text": "a", "with": ""}, "either `pattern` or `text`"),
        ("replace", {"text": "a"}, "needs `with`"),
        ("replace", {"text": "a", "with": None}, "needs `with`"),
        ("replace", {"text": "", "with": "x"}, "needs a `text`"),
        ("replace", {"pattern": "(a)", "with": "$1"}, "groups are written with a backslash"),
        ("replace", {"pattern": "(a)", "with": r"\2"}, "`with`: "),
        ("replace", {"pattern": "(?=a)", "with": ""}, "look-ahead"),
        ("regex", MISSING, "needs a pattern"),
        ("regex", "(a)(b)", "has 2 groups"),
        ("regex", "(a", "pattern '\\(a'"),
        ("regex", {"pattern": "a", "all": "yes"}, "must be true or false"),
        ("reject", [], "empty list"),
        ("reject", [5], "needs a pattern"),
        ("split", MISSING, "needs the text"),
        ("split", {}, "either `pattern` or `text`"),
        ("map", {}, "needs a map"),
        ("map", "One", "needs a map"),
        ("map", {"One": 1, "else": 0}, "stand beside `values`"),
        ("map", {"values": {}, "else": 0}, "`values` is empty"),
        ("map", {"values": {"a": 1}, "by": "startswith"}, "must be one of"),
        ("map", {"values": {"a": 1}, "default": 0}, "no option `default`"),
        ("map", {"values": {"(": 1}, "by": "regex"}, "pattern"),
        ("map", {"a": [1]}, "must be a text, number"),
        ("map", {"": 1}, "empty text"),
        ("map", {None: 1}, "cannot look for null"),
        ("truncate", 0, "at least 1"),
        ("truncate", "5", "whole number"),
        ("truncate", {"words": True}, "whole number"),
        ("truncate", {"length": 3, "end": "..."}, "shorter than `length`"),
        ("truncate", {"length": 3, "end": None}, "shorter than `length`"),
    ],
)
def test_a_wrong_argument_is_refused_before_anything_runs(name, argument, message):
    with pytest.raises(StepError, match=message) as error:
        build_step(name, argument)
    assert error.value.args[0].startswith(f"`{name}` ")
