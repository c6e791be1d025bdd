"""Each trap of YAML gets its own message and a corrected line, and the corrected line is right."""

import pytest

from crawler.recipe import yaml_traps
from crawler.recipe.diagnostics import Report
from crawler.recipe.yaml_nodes import plain
from crawler.recipe.yaml_reader import read_yaml

TRAPS = [
    ("title: *\n", "alias", 'title: "*"', "*"),
    ("title: *main\n", "alias", 'title: "*main"', "*main"),
    ("title: &main x\n", "anchor", 'title: "&main x"', "&main x"),
    ("title: @x\n", "`@`", 'title: "@x"', "@x"),
    ("title: %a\n", "`%`", 'title: "%a"', "%a"),
    ("title: `a`\n", "backtick", 'title: "`a`"', "`a`"),
    ("title: > li\n", "block of text", 'title: "> li"', "> li"),
    ("title: |x\n", "block of text", 'title: "|x"', "|x"),
    ("title: a: b\n", "second key", 'title: "a: b"', "a: b"),
    ("title: {{ inputs.x }}\n", "template", 'title: "{{ inputs.x }}"', "{{ inputs.x }}"),
    ("title: {{ inputs.x }}/y\n", "template", 'title: "{{ inputs.x }}/y"', "{{ inputs.x }}/y"),
    ('title: "\\d+"\n', "backslash", "title: '\\d+'", "\\d+"),
    ("title: //a[text()='x: y']\n", "second key", "title: \"//a[text()='x: y']\"", "//a[text()='x: y']"),
]


@pytest.mark.parametrize(("text", "message", "fixed", "meant"), TRAPS)
def test_a_trap_is_named_and_the_corrected_line_means_what_was_meant(text, message, fixed, meant):
    report = Report()
    read_yaml(text, file="r.yaml", report=report)
    (problem,) = [problem for problem in report.problems() if message in problem.message][:1]
    assert problem.line == 1
    assert problem.hint == f"write: {fixed}"
    again = Report()
    assert plain(read_yaml(fixed, file="r.yaml", report=again)) == {"title": meant}
    assert not again


@pytest.mark.parametrize(
    ("line", "fixed"),
    [
        ("- {links: a[href], page: book}", '- {links: "a[href]", page: book}'),
        ("x: {jmespath: items[*]}", 'x: {jmespath: "items[*]"}'),
        ("x: {jmespath: items[?a > `1`].b, all: true}", 'x: {jmespath: "items[?a > `1`].b", all: true}'),
        ("x: [{jmespath: a[0].b}, {const: x}]", 'x: [{jmespath: "a[0].b"}, {const: x}]'),
        ("x: {css: .a, .b, process: [strip]}", 'x: {css: ".a, .b", process: [strip]}'),
        ("x: {css: .a, .b, .c}", 'x: {css: ".a, .b, .c"}'),
        ("x: {url: {{ inputs.site }}/b, page: c}", 'x: {url: "{{ inputs.site }}/b", page: c}'),
        ("x: {xpath: //a[@href='x']} # why", "x: {xpath: \"//a[@href='x']\"} # why"),
    ],
)
def test_traps_in_braces_are_corrected_up_to_the_next_key(line, fixed):
    report = Report()
    read_yaml(line, file="r.yaml", report=report)
    assert any(problem.hint == f"write: {fixed}" for problem in report.problems()), report.problems()


def test_a_quote_that_closes_lines_later_is_reported_where_it_opens():
    report = Report()
    read_yaml('a: "h1\nb: 1\nc: ".x"\n', file="r.yaml", report=report)
    assert (report.problems()[0].line, report.problems()[0].column) == (1, 4)


@pytest.mark.parametrize("opening", ["'", '"'])
def test_a_quote_that_never_closes_is_reported_where_it_opens(opening):
    report = Report()
    read_yaml(f"a: 1\nb: {opening}h1\nc: 2\n", file="r.yaml", report=report)
    assert (report.problems()[0].line, report.problems()[0].column) == (2, 4)
    assert "never closed" in report.problems()[0].message


@pytest.mark.parametrize(
    ("line", "column", "comment"),
    [
        ("css: div #main", 9, "#main"),
        ("css: div # main", 9, None),
        ("css: div", 9, None),
        ("css: div #", 9, None),
        ("css: div ## heading", 9, None),
        ("css: div #--", 9, None),
    ],
)
def test_only_a_comment_without_a_blank_looks_like_a_swallowed_id(line, column, comment):
    assert yaml_traps.comment_after(line, column) == comment


@pytest.mark.parametrize(
    ("value", "written"),
    [("a", '"a"'), ('a "b"', "'a \"b\"'"), ("\\d", "'\\d'"), ("it's \\d", "'it''s \\d'")],
)
def test_a_value_is_quoted_so_that_nothing_in_it_needs_an_escape(value, written):
    assert yaml_traps.quoted(value) == written
    assert plain(read_yaml(f"x: {written}", file="r.yaml", report=Report())) == {"x": value}


@pytest.mark.parametrize(("text", "column"), [("a: {b: c}}\n", 10), ("a: ]\n", 4), ("}\n", 1)])
def test_a_bracket_too_many_is_called_that(text, column):
    report = Report()
    read_yaml(text, file="r.yaml", report=report)
    (problem,) = report.problems()
    assert (problem.column, "closes nothing" in problem.message) == (column, True)


def test_no_corrected_line_is_better_than_a_wrong_one():
    assert yaml_traps.corrected_line("a: b]: c", 1) is None
    assert yaml_traps.corrected_line("a: " + "x[" * 5_000, 5) is None
