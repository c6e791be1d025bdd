"""The shapes of `session`: what an editor is told, and hints where a key stands in the wrong place."""

from __future__ import annotations

import pytest

from crawler.recipe.diagnostics import Report
from crawler.recipe.language_session import SESSION
from crawler.recipe.shape import Schemas
from crawler.recipe.yaml_reader import read_yaml


def said(text: str) -> str:
    report = Report()
    SESSION.check(read_yaml(text, file="r.yaml", report=report), ("session",), report)
    return "\n".join(str(problem) for problem in report.problems())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{bearer: {secret: a}, error: .x}", "'error' does not belong here; it stands inside `login`"),
        ("{login: {url: u, formdata: {a: b}}, error: .x}", "it stands inside `login`, or beside `request`"),
        ("{cookies: {secret: a}, token: x}", "'token' does not belong here; it stands beside `request`"),
        ("{basic: {username: a, password: b}, cookies: {secret: a}}", "a session has one of"),
        ("{logn: {url: u, formdata: {a: b}}}", "did you mean 'login'?"),
        ("{bearer: {secret: a}, valid_fi: x}", "did you mean 'valid_if'?"),
    ],
)
def test_a_key_in_the_wrong_place_is_told_where_it_belongs(text, says):
    assert says in said(text)


def test_an_editor_knows_every_way_and_has_a_word_for_each_key():
    options = SESSION.schema(Schemas())["anyOf"]
    assert [option["required"][0] for option in options] == ["login", "request", "cookies", "basic", "bearer"]
    assert all(value["description"] for option in options for value in option["properties"].values())
