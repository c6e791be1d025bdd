"""Steps of the replaced system, one by one: what they did, and what was meant."""

import pytest

from crawler.recipe.importing.replaced_steps import read_step


@pytest.mark.parametrize(
    ("step", "meant"),
    [
        ("₪->", {"replace": {"pattern": "₪", "with": ""}}),
        (r"\s{2,}-> ", {"replace": {"pattern": r"\s{2,}", "with": " "}}),
        ("->x", None),
        (r"\\d->x", {"replace": {"pattern": r"\d", "with": "x"}}),
        (r"replace:[^\d.,]", {"replace": {"pattern": r"[^\d.,]", "with": ""}}),
        ("replace:a|", {"replace": {"pattern": "a", "with": ""}}),
        ("replace:|a", None),
        ("replace:(a|b)|x", {"replace": {"pattern": "(a|b)", "with": "x"}}),
        (r"replace:(a|b)|\s|", {"replace": {"pattern": r"(a|b)|\s", "with": ""}}),
        ("replace:a->b", {"replace": {"pattern": "a", "with": "b"}}),
        ("limit:500", {"truncate": 500}),
        ("trim", "strip"),
        ("Uppercase:", "upper"),
        ("prefix:EUR ", {"prepend": "EUR "}),
        ("dance:all night", None),
        ("", None),
        (None, None),
    ],
)
def test_a_step_that_did_nothing_says_why_and_what_was_meant(step, meant):
    did = read_step(step)
    assert did.nothing
    assert did.steps == ()
    assert did.meant == meant


@pytest.mark.parametrize(
    ("step", "steps"),
    [
        (",->.", ({"replace": {"pattern": ",", "with": "."}},)),
        ("(a)(b)->$2$1", ({"replace": {"pattern": "(a)(b)", "with": r"\2\1"}},)),
        ("replace:a| ", ({"replace": {"pattern": "a", "with": " "}},)),
        ("trim: \t", ("strip",)),
        ("trim:*!", ("strip", {"strip": "*!"})),
        ("trim:a-z", ("strip", {"replace": {"pattern": "^[a-z]+|[a-z]+$", "with": ""}})),
    ],
)
def test_a_step_that_did_something_does_the_same_here(step, steps):
    did = read_step(step)
    assert did.steps == steps
    assert did.nothing is None
    assert did.doubt is None


@pytest.mark.parametrize(
    ("step", "meant"),
    [
        (r"replace:^\s+|\s+$", "strip"),
        ("replace:^a.*|^b.*", {"replace": {"pattern": "^a.*|^b.*", "with": ""}}),
        ("replace:a|b|c", {"replace": {"pattern": "a|b|c", "with": ""}}),
        (r"\bx->y", None),
    ],
)
def test_a_step_that_cannot_have_been_meant_is_doubted(step, meant):
    did = read_step(step)
    assert did.doubt
    assert did.steps == ()
    assert did.meant == meant
