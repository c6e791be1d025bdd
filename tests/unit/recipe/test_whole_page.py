"""Pages whose follow-up requests are answered on the spot, for tests and previews."""

from __future__ import annotations

import sys
from pathlib import Path

from crawler.recipe.model import PageInput, PageRequest
from crawler.recipe.whole_page import no_answer, whole_page

sys.path.insert(0, str(Path(__file__).parent))

from engine import item_recipe

RECIPE = item_recipe('a: .a\nb: [.b, {request: {url: "/{{ item.a }}"}, css: b}]', page="each: li")
PAGE = "<li><p class=a>1</p></li><li><p class=a>2</p><p class=b>page</p></li>"


def whole(answer, *, trace=False):
    request = PageRequest(url="https://shop.test/", page="page")
    page_input = PageInput(request=request, url=request.url, body=PAGE.encode(), headers={"content-type": "text/html"})
    return whole_page(RECIPE, page_input, answer, trace=trace)


def answer(request):
    return PageInput(request=request, url=request.url, body=b"<b>asked</b>", headers={"content-type": "text/html"})


def test_rows_are_whole_and_those_that_waited_come_last():
    result = whole(answer)
    assert [(row.values["a"], row.values["b"]) for row in result.rows] == [("2", "page"), ("1", "asked")]
    assert result.follow_ups == ()


def test_without_answers_rows_go_on_without_them():
    assert [row.values["b"] for row in whole(no_answer).rows] == ["page", None]


def test_an_answer_that_cannot_be_read_is_one_that_never_came():
    def broken(request):
        return PageInput(request=request, url=request.url, body=b"{}", headers={"content-type": "application/json"})

    assert [row.values["b"] for row in whole(broken).rows] == ["page", None]


def test_counters_and_traces_of_answers_are_those_of_the_page():
    result = whole(answer, trace=True)
    assert result.stats == {"recipe/alternative/b/1": 1, "recipe/alternative/b/2": 1}
    assert [(trace.path, trace.value, trace.winner) for trace in result.traces if trace.path == "b"] == [
        ("b", "page", 0),
        ("b", "asked", 1),
    ]
