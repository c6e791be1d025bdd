"""YAML and JSON of other systems: read with places, and never at a price."""

import pytest

from crawler.recipe.diagnostics import Report
from crawler.recipe.importing.foreign_text import MAX_NODES, read_foreign
from crawler.recipe.yaml_nodes import plain


def read(content):
    report = Report()
    node = read_foreign(content.encode() if isinstance(content, str) else content, file="old", report=report)
    return node, [str(problem) for problem in report.problems()]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: &x [1, 02]\nb: *x\n", {"a": [1, "02"], "b": [1, "02"]}),
        ("base: &b {q: 1, r: 1}\nc: {<<: *b, r: 2}\n", {"base": {"q": 1, "r": 1}, "c": {"q": 1, "r": 2}}),
        ("a: 1\na: 2\n", {"a": 2}),
        ("a: !!str 5\nb: yes\nc: ~\nd: true\n", {"a": "5", "b": "yes", "c": None, "d": True}),
        ("a: 1\n---\nb: 2\n", {"a": 1}),
        ('{"a": [1, -2, {"b": "x\\/y\\u05d0\\ud83d\\ude00"}], "c": null, "d": {}, "e": [], "f": true}',
         {"a": [1, -2, {"b": "x/yא\U0001f600"}], "c": None, "d": {}, "e": [], "f": True}),
        ('\t{"tab":\t"is blank in JSON"}\n', {"tab": "is blank in JSON"}),
        ("{a: this is YAML}", {"a": "this is YAML"}),
    ],
)  # fmt: skip
def test_what_other_systems_take_is_read(text, value):
    node, problems = read(text)
    assert plain(node) == value
    assert not problems


def test_places_in_json_are_lines_and_columns():
    node, _ = read('{"a": 1,\n  "b": [true,\n\n "c"]}')
    b = node.by_key["b"]
    assert (b.mark.line, b.mark.column) == (2, 3)
    assert (b.node.items[1].mark.line, b.node.items[1].mark.column) == (4, 2)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\xff", "old:1:1: the file is not UTF-8"),
        (b"a: [", "this is no YAML"),
        (b"[" * 100_000, "nested deeper than 40 levels"),
        (b"a:\n" + b"".join(b" " * n + b"- \n" for n in range(1, 99)), "nested deeper than 40 levels"),
        (b"a: &a [1,2,3,4,5,6,7,8,9]\n"
         + b"".join(b"%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n" % (n + 1, n + 1, n, n, n, n, n, n, n, n)
                    for n in range(97, 110)), "more than 20,000 keys and values"),
        (b"[" + b"1," * (MAX_NODES + 5) + b"1]", "more than 20,000 keys and values"),
        (b"a: *nothing", "`*nothing` is no anchor"),
        (b"a: \x07", "not allowed"),
        (b"x" * (1 << 21), "at most 1,048,576 are read"),
        (b"? [a]\n: 1", "a key is a text"),
    ],
)  # fmt: skip
def test_what_is_broken_or_a_bomb_is_refused_with_its_place(content, says):
    node, problems = read(content)
    assert node is None
    assert len(problems) == 1
    assert says in problems[0]
