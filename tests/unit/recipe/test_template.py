"""Templates: substitution and steps, types kept where the template is the whole text."""

import contextlib
from decimal import Decimal
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.recipe.steps import StepFailed
from crawler.recipe.template import (
    Reference,
    TemplateError,
    compile_value,
    is_template,
    parse_template,
)
from crawler.recipe.values import MISSING

SCOPES = {
    "inputs": {
        "site": "https://shop.example",
        "max": 5,
        "rate": Decimal("0.50"),
        "on": True,
        "tags": ["a", "b"],
        "empty": "",
        "nothing": None,
        "deep": {"list": [{"name": "first"}, {"name": "last"}], "a b": 1, "7": "seven"},
    },
    "carried": MappingProxyType({"category": "Oak & Ash"}),
    "item": {"sku": "A-1"},
    "row": {"attributes": {"Color": "Red", "Size": "XL"}},
    "": {"category": "chairs"},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("", ""),
        ("{{ inputs.site }}/c/", "https://shop.example/c/"),
        ("{{inputs.site}}/{{ item.sku }}", "https://shop.example/A-1"),
        ("n={{ inputs.max }}&r={{ inputs.rate }}&o={{ inputs.on }}", "n=5&r=0.50&o=true"),
        ("{{ item.sku }}-{{ row.attributes | slug }}", "A-1-red-xl"),
        ("{{ carried.category | slug }}/", "oak-ash/"),
        ("{{ inputs.tags | join: ', ' }}.", "a, b."),
        ('{"a": {"id": "{{ item.sku }}"}}', '{"a": {"id": "A-1"}}'),
        ("{{ inputs.deep.list.0.name }}/{{ inputs.deep.list.-1.name }}", "first/last"),
        ("{{ item.sku }} }", "A-1 }"),
    ],
)
def test_values_become_part_of_the_text(text, value):
    assert parse_template(text).render(SCOPES) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ inputs.max }}", 5),
        ("{{ inputs.rate }}", Decimal("0.50")),
        ("{{ inputs.on }}", True),
        ("{{ inputs.tags }}", ["a", "b"]),
        ("  {{ inputs.tags | limit: 1 }}\n", ["a"]),
        ("{{ row.attributes }}", {"Color": "Red", "Size": "XL"}),
        ('{{ inputs.deep."a b" }}', 1),
        ("{{ inputs.deep.'a b' }}", 1),
        ("{{ inputs.deep.7 }}", "seven"),
        ("{{ inputs.max | append: '0' | integer }}", 50),
    ],
)
def test_a_whole_template_keeps_the_type(text, value):
    rendered = parse_template(text).render(SCOPES)
    assert rendered == value
    assert type(rendered) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "{{ inputs.unknown }}",
        "a {{ inputs.unknown }}",
        "{{ inputs.empty }}",
        "{{ inputs.nothing }}/{{ inputs.site }}",
        "{{ inputs.site.deeper }}",
        "{{ inputs.tags.2 }}",
        "{{ inputs.tags.x }}",
        "{{ inputs.tags.-3 }}",
        "{{ inputs.tags.99999999999999999999 }}",
        "{{ inputs.site | regex: 'nomatch' }}",
        "{{ inputs.unknown | slug }}!",
    ],
)
def test_a_missing_part_makes_the_whole_missing(text):
    assert parse_template(text).render(SCOPES) is MISSING


def test_a_scope_that_is_not_there_is_missing():
    assert parse_template("{{ item.sku }}").render({}) is MISSING


@pytest.mark.parametrize("text", ["x{{ inputs.tags }}", "x{{ row.attributes }}"])
def test_a_list_or_object_inside_text_fails_with_its_reference(text):
    with pytest.raises(StepFailed, match="in a text must be one value"):
        parse_template(text).render(SCOPES)


def test_a_step_that_fails_says_which_it_was():
    with pytest.raises(StepFailed) as failure:
        parse_template("{{ item.sku | lower | integer }}").render(SCOPES)
    assert (failure.value.index, failure.value.name) == (1, "integer")


def test_references_are_listed_in_order():
    template = parse_template("{{ inputs.a.b }}{{ category.0 }}{{ row.c }}", names=frozenset({"category"}))
    assert template.references == (
        Reference(scope="inputs", path=("a", "b")),
        Reference(scope="", path=("category", "0")),
        Reference(scope="row", path=("c",)),
    )
    assert list(map(str, template.references)) == ["inputs.a.b", "category.0", "row.c"]


def test_a_bare_name_is_read_where_it_is_allowed():
    template = parse_template("/c/{{ category }}", names=frozenset({"category"}))
    assert template.render(SCOPES) == "/c/chairs"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("{{ site }}", "bare name", "inputs.site"),
        ("{{ catgory }}", "bare name", "category"),
        ("{{ input.site }}", "no scope `input`", "`inputs.site`"),
        ("{{ zzz.site }}", "no scope `zzz`", "inputs, carried, item, row"),
        ("{{ inputs }}", "is a scope", "inputs.NAME"),
        ("{{ inputs.site", "without `}}`", "{{ inputs.name }}"),
        ("{{ inputs.site }", "without `}}`", None),
        ("inputs.site }}", "without `{{`", "{{ inputs.name }}"),
        ("{{ inputs.a }} }}", "without `{{`", None),
        ("{{ }}", "empty", None),
        ("{{ inputs.site + 1 }}", "'+' is not expected", "path and steps"),
        ("{{ inputs.site or 'x' }}", "not expected", None),
        ("{{ inputs..site }}", "'.' is not expected", None),
        ("{{ inputs.site | }}", "step's name", None),
        ("{{ inputs.site | slugg }}", "no step `slugg`", "slug"),
        ("{{ inputs.site | limit: 0 }}", "at least 1", "limit: 10"),
        ("{{ inputs.site | slug | split: ',' | join: '' | limit: 2 }}", "works on a list", None),
        ("{{ inputs.site | append: 'x }}", "quote is not closed", None),
        ('{{ inputs.site | append: "x }}', "Unterminated string", None),
        ("{{ inputs.site | slice: [1 2] }}", "whole numbers", None),
        ("{{ inputs.site | price: {which first} }}", "not expected", None),
        ("{{ inputs.site | slice: " + "[" * 20 + "]" * 20 + " }}", "nested too deep", None),
        ("{% if inputs.site %}x{% endif %}", "paths and steps only", None),
    ],
)
def test_a_wrong_template_says_what_is_wrong_and_what_to_write(text, message, hint):
    with pytest.raises(TemplateError) as error:
        parse_template(text, names=frozenset({"category"}))
    assert message in error.value.args[0]
    assert hint is None or hint in (error.value.hint or "")


def test_text_without_braces_is_no_template():
    assert is_template("{{ inputs.a }}")
    assert not is_template("{ inputs.a }")


def test_all_texts_of_a_value_are_filled_in_and_missing_members_left_out():
    value = compile_value(
        {
            "q": "{{ inputs.site }}",
            "n": [1, "{{ inputs.max }}", "{{ inputs.unknown }}", "", None, False],
            "gone": "{{ inputs.empty }}",
            "deep": {"k": "x-{{ item.sku }}"},
            1: "plain",
        }
    )
    assert value.render(SCOPES) == {
        "q": "https://shop.example",
        "n": [1, 5, "", None, False],
        "deep": {"k": "x-A-1"},
        "1": "plain",
    }
    assert [str(reference) for reference in value.references] == [
        "inputs.site",
        "inputs.max",
        "inputs.unknown",
        "inputs.empty",
        "item.sku",
    ]


def test_a_value_that_is_one_missing_template_is_missing():
    assert compile_value("{{ inputs.unknown }}").render(SCOPES) is MISSING


def test_a_rendered_constant_is_the_callers_own():
    value = compile_value({"a": [1]})
    value.render({})["a"].append(2)
    assert value.render({}) == {"a": [1]}


@given(st.text(alphabet=st.sampled_from("{}|.:'\"[],ab1 \n%\\é"), max_size=30))
def test_any_text_is_a_template_or_an_error_of_its_own_kind(text):
    for written in (text, "{{ inputs." + text, "{{ inputs.a | " + text + " }}"):
        with contextlib.suppress(TemplateError):
            parse_template(written)
