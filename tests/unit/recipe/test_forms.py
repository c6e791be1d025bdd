"""Forms filled in as a browser would."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest

from crawler.recipe.documents import parse_document
from crawler.recipe.forms import asks_for_password, fill, find_form, names_of
from crawler.recipe.queries import compile_css

URL = "https://shop.test/in/login?a=1"


def form_of(html: str, css: str | None = None, url: str = URL):
    document = parse_document(html.encode(), kind="html", url=url)
    return find_form(document, None if css is None else compile_css(css, row=False))


def sent(html: str, *data: tuple[str, str], css: str | None = "form"):
    filled = fill(form_of(html, css), data)
    body = filled.body.decode() if filled.method == "POST" else filled.url.partition("?")[2]
    return parse_qsl(body, keep_blank_values=True)


def test_what_is_in_the_form_goes_along_and_what_is_said_takes_its_place():
    html = (
        '<form method=POST><input type=HIDDEN name=csrf value="a b&c"><input name=who value=old><input name=empty>'
        "<textarea name=note>some\ntext</textarea></form>"
    )
    assert sent(html, ("who", "me"), ("more", "é")) == [
        ("csrf", "a b&c"),
        ("empty", ""),
        ("note", "some text"),
        ("who", "me"),
        ("more", "é"),
    ]


def test_only_what_a_browser_would_send_is_sent():
    html = (
        "<form method=post><input name=off value=1 disabled><input value=nameless><input type=file name=f>"
        "<input type=image name=i><input type=reset name=r value=1><button type=button name=b value=1>x</button>"
        "<input type=checkbox name=no value=1><input type=checkbox name=yes checked><input type=radio name=x value=1>"
        "<input type=radio name=x value=2 checked><input type=submit name=go value=Go>"
        "<button name=go2 value=2>x</button>"
        "</form>"
    )
    assert sent(html) == [("yes", "on"), ("x", "2"), ("go", "Go")]


def test_a_select_gives_its_chosen_option_or_the_first():
    html = (
        "<form method=post><select name=a><option value=1>x<option value=2 selected>y</select>"
        "<select name=b><option>one two</option><option>three</option></select><select name=c></select></form>"
    )
    assert sent(html) == [("a", "2"), ("b", "one two")]


@pytest.mark.parametrize(
    ("attributes", "url"),
    [
        ("", URL),
        ('action=""', URL),
        ('action="do?x=1"', "https://shop.test/in/do?x=1"),
        ('action="//id.shop.test/do#top"', "https://id.shop.test/do"),
    ],
)
def test_a_form_goes_where_its_action_says(attributes, url):
    assert fill(form_of(f"<form method=post {attributes}></form>", "form"), []).url == url


def test_a_form_that_gets_has_no_body_and_new_parameters():
    filled = fill(form_of('<form action="/find?old=1"><input name=q></form>', "form"), [("q", "a b")])
    assert (filled.method, filled.url, filled.body) == ("GET", "https://shop.test/find?q=a+b", b"")


def test_a_form_that_leads_nowhere_is_none():
    assert fill(form_of('<form action="javascript:go()"></form>', "form"), []) is None


def test_without_a_selector_it_is_the_form_that_asks_for_a_password():
    html = "<form id=s><input name=q></form><form id=l><input name=who><input type=password name=word></form>"
    form = form_of(html)
    assert names_of(form) == ["who", "word"]
    assert asks_for_password(form)
    assert not asks_for_password(form_of(html, "#s"))
    assert form_of("<form><input name=q></form>") is None
    assert form_of(html, "#none") is None


def test_the_encoding_of_the_page_is_that_of_the_form():
    page = '<meta charset="windows-1255"><form method=post><input name=who></form>'.encode("windows-1255")
    document = parse_document(page, kind="html", url=URL)
    form = find_form(document, compile_css("form", row=False))
    assert fill(form, [("who", "דנה")]).body == b"who=%E3%F0%E4"
    assert fill(form, [("who", "漢")]).body == b"who=%E6%BC%A2"


def test_a_form_with_fields_without_end_is_cut():
    form = form_of("<form method=post>" + "<input name=a value=1>" * 10_000 + "</form>", "form")
    assert len(fill(form, []).body) < 10_000
