"""What is written is read back as it was meant, by the strict reader of recipes too."""

from decimal import Decimal

import pytest
import yaml

from crawler.recipe.yaml_writer import EditRefused, block, flow, quoted, scalar, with_test

RECIPE = """\
# a recipe with comments
schema_version: 1
name: books   # kept
tests:
  # the first page
  - page: book
    snapshot: a.html
    url: https://x.example/a   # its URL
    expect: {title: A}

exports: []  # after the tests
"""


@pytest.mark.parametrize(
    "value",
    [
        "plain",
        "two words",
        "",
        " ends ",
        "yes",
        "null",
        "1.10",
        "12",
        "# no comment",
        "a: b",
        "a #b",
        "{{ inputs.site }}",
        "*",
        "@x",
        "%a",
        "- a",
        "[0]",
        'say "hi"',
        "it's",
        "back\\slash",
        "line\nbreak",
        "tab\there",
        "\u2028\u0085\x7f\ufeff",
        "שלום",
        "🎲",
        "a::attr(href)",
        "!tag",
        "&anchor",
        "~",
        "=1+1",
        True,
        None,
        0,
        -5,
    ],
)
def test_every_scalar_is_read_back_as_it_was(value):
    assert yaml.safe_load(scalar(value)) == value
    assert yaml.safe_load(flow({"k": [value]})) == {"k": [value]}
    assert yaml.safe_load("\n".join(block({"k": {"inner": [value, {"x": value}]}}))) == {
        "k": {"inner": [value, {"x": value}]}
    }


def test_a_decimal_is_text_so_that_no_digit_is_lost():
    assert scalar(Decimal("1290.00")) == '"1290.00"'


def test_text_in_quotes_is_all_printable():
    assert quoted("a\x00\u2029b").isprintable()


def test_small_maps_stay_on_one_line_and_large_ones_do_not():
    assert list(block({"sku": {"type": "string", "required": True}})) == ["sku: {type: string, required: true}"]
    wide = {"fields": {f"field_{n}": {"type": "string", "required": True} for n in range(9)}}
    assert all(len(line) <= 120 for line in block(wide))


def test_a_test_is_added_after_the_last_one_and_comments_stay():
    changed = with_test(RECIPE, {"page": "book", "snapshot": "b.html", "url": "https://x.example/b", "expect": {}})
    assert [test["snapshot"] for test in yaml.safe_load(changed)["tests"]] == ["a.html", "b.html"]
    for line in RECIPE.splitlines():
        assert line in changed.splitlines()
    assert changed.index("b.html") < changed.index("exports")


def test_a_test_of_the_same_saved_page_is_replaced_in_place():
    changed = with_test(RECIPE, {"page": "book", "snapshot": "a.html", "url": "https://x.example/new", "expect": {}})
    assert [test["url"] for test in yaml.safe_load(changed)["tests"]] == ["https://x.example/new"]
    assert "exports: []  # after the tests" in changed
    assert "# the first page" in changed


@pytest.mark.parametrize(
    "before",
    [
        "name: a\n",
        "name: a",
        "name: a\ntests:\n",
        "name: a\ntests: []\n",
        "name: a\ntests: [{page: p, snapshot: x.html}]\nlast: 1\n",
        "name: a\ntests: [{page: p, snapshot: x.html},]\n",
        "name: a\ntests:\n- page: p\n  snapshot: x.html\n  expect:\n    body: |\n      text\n\n# end\nlast: 1\n",
        "tests:\n  - page: p\n    snapshot: x.html\n    expect: {a: [1,\n      2]}\nlast: 1\n",
        "tests:\n  - page: p\n    snapshot: x.html\n    url:\nlast: 1\n",
        "tests:\r\n  - page: p\r\n    snapshot: x.html\r\nlast: 1\r\n",
    ],
)
def test_a_test_can_be_added_however_the_list_is_written(before):
    entry = {"page": "p", "snapshot": "new.html", "url": "https://x.example/", "expect": {"rows": {"count": 2}}}
    old = yaml.safe_load(before) or {}
    new = yaml.safe_load(with_test(before, entry))
    assert new["tests"] == [*(old.get("tests") or []), entry]
    assert {key: value for key, value in new.items() if key != "tests"} == {
        key: value for key, value in old.items() if key != "tests"
    }


@pytest.mark.parametrize("text", ["tests: {a: 1}\n", "tests: later\n", "- a\n"])
def test_what_is_no_list_of_tests_is_refused(text):
    with pytest.raises(EditRefused):
        with_test(text, {"snapshot": "a.html"})
