"""Logins and further addresses of Cardigann definitions: sessions and mirrors."""

from __future__ import annotations

import pytest
from old_recipes import FINDER_ROWS as ROWS
from old_recipes import definition_recipe as recipe_of
from old_recipes import imported_text

from crawler.recipe.extract import start_requests
from crawler.recipe.loader import load_recipe_text

HEAD = "id: my-finder\nname: Finder\nlinks: [https://finder.example/LINKS]\n"
SEARCH = (
    "search:\n  path: find\n  inputs: {q: '{{ .Keywords }}', mode: all words}\n"
    + ROWS
    + ("  fields:\n    title: {selector: a.name}\n")
)
DATA = "  inputs: {user: '{{ .Config.username }}', pass: '{{ .Config.password }}', keep: 'on'}\n"
SENT = {"user": "{{ inputs.username }}", "pass": "{{ inputs.password }}", "keep": "on"}
SECRETS = {
    "password": {"type": "string", "secret": "my_finder_password"},
    "username": {"type": "string", "secret": "my_finder_username"},
}


def definition(login, links=""):
    return HEAD.replace("LINKS", links) + login + SEARCH


@pytest.mark.parametrize(
    ("login", "session"),
    [
        (
            "login:\n  path: login.php\n  form: form#in\n  error: [{selector: .bad}, {selector: .worse}]\n"
            "  test: {path: index.php, selector: 'a[href*=logout]'}\n" + DATA,
            {
                "login": {
                    "url": "{{ inputs.site }}/login.php",
                    "formcss": "form#in",
                    "formdata": SENT,
                    "error": [{"css": ".bad"}, {"css": ".worse"}],
                },
                "valid_if": {"css": "a[href*=logout]", "as": "html"},
            },
        ),
        (
            "login:\n  path: take.php\n  method: post\n  error: [{selector: .bad}]\n" + DATA,
            {"request": {"url": "{{ inputs.site }}/take.php", "form": SENT}, "error": {"css": ".bad"}},
        ),
    ],
    ids=["form", "post"],
)
def test_a_login_becomes_a_session_whose_secrets_are_named(login, session):
    recipe, findings = recipe_of(definition(login))
    assert recipe["session"] == session
    assert {name: recipe["inputs"][name] for name in SECRETS} == SECRETS
    (told,) = findings
    assert (told.kind, told.path) == ("decide", "login")
    assert "write secrets/my_finder_username, secrets/my_finder_password" in str(told)


def test_cookies_of_a_browser_are_a_secret_too():
    recipe, (told,) = recipe_of(definition("login: {method: cookie, inputs: {cookie: '{{ .Config.cookie }}'}}\n"))
    assert recipe["session"] == {"cookies": {"secret": "my_finder_cookie"}}
    assert set(recipe["inputs"]) == {"site", "keywords"}
    assert "write secrets/my_finder_cookie" in str(told)


@pytest.mark.parametrize(
    "login",
    [
        "login: {path: login.php}\n",
        "login: {method: oneurl, path: a}\n",
        "login: 7\n",
        "login: {method: post}\n",
        "login:\n  path: /api\n  method: get\n" + DATA,
    ],
)
def test_a_login_that_has_no_equal_is_told(login):
    recipe, (told,) = recipe_of(definition(login))
    assert "session" not in recipe
    assert (told.kind, told.path) == ("decide", "login")
    assert "not carried over" in str(told)


def test_selectors_that_are_none_here_are_left_out_of_a_session():
    login = "login:\n  path: a\n  form: 'form:eq(1)'\n  error: [{selector: 'p:eq(2)'}]\n  test: {selector: 'a:gt(1)'}\n"
    recipe, _ = recipe_of(definition(login + DATA))
    assert recipe["session"] == {"login": {"url": "{{ inputs.site }}/a", "formdata": SENT}}


MIRRORED = ", https://finder2.example/, https://finder3.example"


def test_further_addresses_are_mirrors():
    text = definition("", MIRRORED)
    recipe, (told,) = recipe_of(text)
    assert (told.kind, told.path) == ("changed", "links[1]")
    query = "find?q={{ inputs.keywords | url_encode }}&mode=all%20words"
    assert recipe["start"] == [
        {
            "urls": {
                "any": [
                    f"{{{{ inputs.site }}}}/{query}",
                    f"https://finder2.example/{query}",
                    f"https://finder3.example/{query}",
                ]
            },
            "page": "search",
        }
    ]


def test_mirrors_are_asked_for_what_was_searched_for():
    (made,) = imported_text(definition("", MIRRORED)).recipes
    recipe = load_recipe_text(made.text)
    (request,) = start_requests(recipe, recipe.inputs.resolve({"keywords": "oak & ash"}))
    assert request.url == "https://finder.example/find?q=oak%20%26%20ash&mode=all%20words"
    assert request.mirrors[0] == "https://finder2.example/find?q=oak%20%26%20ash&mode=all%20words"


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("path: find", "path: find\n  method: post"),
        lambda text: text.replace("all words", "'x {{ .Keywords }}'"),
        lambda text: text.replace("path: find", "path: https://other.example/find"),
        lambda text: text.replace("name: Finder", "name: Finder\nencoding: windows-1251"),
    ],
    ids=["a form", "a text with a part", "another host", "another encoding"],
)
def test_where_a_search_is_more_than_an_address_further_ones_are_left_out(change):
    recipe, findings = recipe_of(change(definition("", MIRRORED)))
    assert "request" in recipe["start"][0]
    assert ("dropped", "links[1]") in [(finding.kind, finding.path) for finding in findings]
