"""Problems say where and what; near words are found; reports stay readable."""

import pytest

from crawler.recipe.diagnostics import MAX_PROBLEMS, Problem, Report, did_you_mean, nearest, one_of, render_path
from crawler.recipe.yaml_nodes import Mark, SourceFile

SOURCE = SourceFile("books.yaml", "a: b\n")


def mark(line: int = 1, column: int = 1) -> Mark:
    return Mark(SOURCE, line, column)


def test_a_problem_reads_as_file_line_column_path_message_and_hint():
    problem = Problem(file="a.yaml", line=3, column=5, path="pages.book", message="unknown key 'x'", hint="try 'y'")
    assert str(problem) == "a.yaml:3:5: pages.book: unknown key 'x'; try 'y'"


def test_a_problem_of_the_whole_file_has_neither_path_nor_hint():
    assert str(Problem(file="a.yaml", line=1, column=1, path="", message="empty")) == "a.yaml:1:1: empty"


@pytest.mark.parametrize(
    ("path", "rendered"),
    [((), ""), (("pages",), "pages"), (("pages", "book", "process", 0, "join"), "pages.book.process[0].join")],
)
def test_a_path_is_rendered_with_dots_and_brackets(path, rendered):
    assert render_path(path) == rendered


@pytest.mark.parametrize(
    ("word", "candidates", "found"),
    [
        ("pgae", ["page", "item"], ("page",)),
        ("sa", ["as", "all"], ("as",)),
        ("fild", ["field", "fields", "file"], ("field", "file")),
        ("maxPages", ["max_pages"], ("max_pages",)),
        ("css", ["css"], ()),
        ("zz", ["as", "css"], ()),
        ("x" * 100, ["x" * 99], ()),
        ("", ["as"], ()),
    ],
)
def test_the_nearest_words_are_those_a_slip_of_the_finger_away(word, candidates, found):
    assert nearest(word, candidates) == found


def test_did_you_mean_offers_every_word_that_is_equally_near():
    assert did_you_mean("fild", ["field", "file"]) == "did you mean 'field' or 'file'?"
    assert did_you_mean("quantity", ["css"]) is None


def test_lists_of_names_read_as_a_sentence():
    assert (one_of([]), one_of(["a"]), one_of(["a", "b", "c"])) == ("", "a", "a, b or c")


def test_a_report_keeps_file_order_and_says_nothing_twice():
    report = Report()
    report.add(mark(2), ("b",), "second")
    report.add(mark(1), ("a",), "first")
    report.add(mark(2), ("b",), "second")
    assert [problem.message for problem in report.problems()] == ["first", "second"]


def test_a_report_knows_below_which_paths_something_is_wrong():
    report = Report()
    report.add(mark(), ("pages", "book", "item"), "wrong")
    assert report.touches(("pages",))
    assert report.touches(("pages", "book", "item"))
    assert not report.touches(("pages", "listing"))


def test_a_report_counts_the_problems_that_nobody_would_read():
    report = Report()
    for number in range(MAX_PROBLEMS + 5):
        report.add(mark(number + 1), (), "wrong")
    assert report.full
    assert len(report.problems()) == MAX_PROBLEMS + 1
    assert report.problems()[-1].message == "and 5 more problems"


def test_an_empty_report_is_false():
    assert not Report()
