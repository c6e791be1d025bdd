"""Small texts compile, or are reported at their own place; what templates refer to is remembered."""

import pytest

from crawler.recipe.compile_texts import Scopes, TextCompiler
from crawler.recipe.diagnostics import Report
from crawler.recipe.yaml_reader import read_yaml

PATH = ("x",)


def scalar(written: str):
    return read_yaml(f"x: {written}\n", file="r.yaml", report=Report()).get("x")


@pytest.fixture
def texts():
    return TextCompiler(Report())


def told(texts) -> list[tuple[int, str, str]]:
    return [(p.column, p.message, p.hint or "") for p in texts.report.problems()]


def test_a_regex_compiles_and_a_wrong_one_is_reported(texts):
    assert texts.regex(scalar(r"'a(\d+)'"), PATH).pattern == r"a(\d+)"
    assert texts.regex(scalar("'a('"), PATH) is None
    assert told(texts)[0][0] == 4
    assert "does not compile" in told(texts)[0][1]


@pytest.mark.parametrize(
    ("written", "doubled"),
    [
        (r"'\\d'", True),
        (r"\\d", True),
        ("|\n  \\\\d", True),
        (r'"\\d"', False),
        (r"'\d'", False),
        (r"'[\]d'", False),
    ],
)
def test_two_backslashes_are_only_right_in_double_quotes(texts, written, doubled):
    assert texts.doubled_backslash(scalar(written), PATH) is doubled
    assert bool(texts.report) is doubled


def test_a_corrected_line_is_given_where_the_text_stands_in_one_line(texts):
    texts.doubled_backslash(scalar(r"'a\\.b\\d' # why"), PATH)
    assert told(texts)[0][2] == r"write: x: 'a\.b\d' # why"


def test_templates_remember_what_they_refer_to_and_where(texts):
    scopes = Scopes(names=frozenset({"inputs", "carried", "row"}), bare=frozenset({"word"}), page="p", depth=2)
    texts.template(scalar('"{{ inputs.a }}/{{ word }}/{{ row.b.c }}"'), PATH, scopes)
    assert [(use.scope, use.name, use.page, use.depth) for use in texts.uses] == [
        ("inputs", "a", "p", 2),
        ("", "word", "p", 2),
        ("row", "b", "p", 2),
    ]


def test_a_scope_that_does_not_exist_here_is_refused(texts):
    assert texts.template(scalar('"{{ item.a }}"'), PATH, Scopes()) is None
    assert told(texts)[0][1:] == ("`item.a` is not known here", "`item.` exists only in `fields`; here: inputs.")


def test_templates_inside_of_values_are_reported_where_they_stand(texts):
    value = scalar('{a: ["{{ inputs.x }}", "{{ nonsense }}"], b: 1}')
    assert texts.value(value, PATH, Scopes()) is None
    assert [problem.path for problem in texts.report.problems()] == ["x.a[1]"]
    assert [use.name for use in texts.uses] == ["x"]


def test_a_value_without_templates_is_itself(texts):
    assert texts.value(scalar("{a: [1, b]}"), PATH, Scopes()).render({}) == {"a": [1, "b"]}


@pytest.mark.parametrize(("language", "written"), [("css", "'h1['"), ("xpath", "'//h1['"), ("jmespath", "'a['")])
def test_a_selector_that_does_not_compile_is_reported(texts, language, written):
    assert texts.query(language, scalar(written), PATH, row=False) is None
    assert told(texts)[0][0] == 4


@pytest.mark.parametrize("language", ["css", "xpath", "jmespath"])
def test_a_selector_that_a_comment_cut_short_is_refused(texts, language):
    assert texts.query(language, scalar("div #main"), PATH, row=False) is None
    assert told(texts)[0][2].startswith('write: x: "div #main"')


@pytest.mark.parametrize("word", ["h1", "main", "svg", "h1.a", "a b", ".price", "#x", "*", "[a]"])
def test_elements_and_selectors_are_no_forgotten_constants(texts, word):
    assert not texts.no_element(scalar(f"'{word}'"), PATH)


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("GBP", "did you mean {const: GBP}?"),
        ("InStock", "did you mean {const: InStock}?"),
        ("in-stock", "did you mean {const: in-stock}?"),
        ("Title", "did you mean {const: Title}? or 'title'?"),
        ("spna", "did you mean 'span' or {const: spna}?"),
        ("12a", "did you mean {const: 12a}?"),
    ],
)
def test_one_word_that_is_no_element_is_a_forgotten_constant(texts, word, hint):
    assert texts.no_element(scalar(f"'{word}'"), PATH)
    assert told(texts)[0][2] == hint


def test_steps_are_built_with_their_places(texts):
    found = texts.steps(scalar("[strip, {regex: '(a)'}]"), PATH)
    assert [(step.name, mark.column, path) for step, mark, path in found] == [
        ("strip", 5, ("x", 0)),
        ("regex", 12, ("x", 1)),
    ]
    assert texts.steps(None, PATH) == []


@pytest.mark.parametrize(
    ("written", "column", "path"),
    [
        ("[stirp]", 5, "x[0]"),
        ("[{stirp: a}]", 5, "x[0]"),
        ("[{regex: '('}]", 13, "x[0].regex"),
        ("[{price: {whihc: first}}]", 14, "x[0].price.whihc"),
        ("[{price: {which: frist}}]", 14, "x[0].price.which"),
        ("[{regex: }]", 13, "x[0].regex"),
        ("[strip, {limit: many}]", 20, "x[1].limit"),
    ],
)
def test_a_wrong_step_is_reported_at_its_name_argument_or_option(texts, written, column, path):
    assert texts.steps(scalar(written), PATH) is None
    (problem,) = texts.report.problems()
    assert (problem.column, problem.path) == (column, path)


def test_every_wrong_step_of_a_chain_is_reported(texts):
    assert texts.steps(scalar("[stirp, strip, {limit: many}]"), PATH) is None
    assert len(texts.report.problems()) == 2
