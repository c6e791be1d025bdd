"""What is sent to log in, and to whom: a password goes into no address and no message, and to no stranger."""

from __future__ import annotations

import pytest

from crawler.errors import LoginFailed
from crawler.recipe.loader import load_recipe_text
from crawler.recipe.model import PageInput, PageRequest
from crawler.recipe.sessions import check_answer, form_request, may_log_in_at

RECIPE = """
schema_version: 1
name: one
version: "1.0.0"
inputs: {word: {type: string, secret: shop_password}}
session:
  login: {url: "https://shop.example/login", formcss: form, formdata: {user: me, pw: "{{ inputs.word }}"}}
start: [{urls: "https://shop.example/", page: page}]
pages: {page: {item: thing, fields: {name: h1}}}
items: {thing: {version: 1, fields: {name: {type: string}}}}
"""
POST = '<form method="post"><input name="user"><input name="pw" type="password"></form>'


def page_of(html: str, url: str = "https://shop.example/login", status: int = 200) -> PageInput:
    request = PageRequest(url=url, page=None)
    return PageInput(request=request, url=url, body=html.encode(), status=status, headers={"content-type": "text/html"})


def sent(html: str, url: str = "https://shop.example/login", text: str = RECIPE):
    recipe = load_recipe_text(text)
    return form_request(recipe, recipe.session.way, page_of(html, url), {"word": "hunter2"})


def refused(html: str, url: str = "https://shop.example/login", text: str = RECIPE) -> str:
    with pytest.raises(LoginFailed) as failed:
        sent(html, url, text)
    assert "hunter2" not in str(failed.value)
    return str(failed.value)


def test_a_form_that_posts_is_filled_in():
    request = sent(POST)
    assert (request.method, request.url, request.body) == ("POST", "https://shop.example/login", b"user=me&pw=hunter2")


@pytest.mark.parametrize("kind", ["password", "text"])
def test_a_form_that_would_send_the_password_in_the_address_is_not_sent(kind):
    said = refused(f'<form><input name="user"><input name="pw" type="{kind}"></form>')
    assert "would send the password in the address" in said
    assert "`session.request`" in said


def test_a_form_without_a_secret_may_be_sent_in_the_address():
    text = RECIPE.replace(', pw: "{{ inputs.word }}"', "").replace("inputs: {word", "inputs: {other")
    assert sent('<form><input name="user"></form>', text=text).url == "https://shop.example/login?user=me"


@pytest.mark.parametrize(("html", "status"), [(POST, 200), ("", 500), ("", 403)])
def test_messages_show_no_query(html, status):
    recipe = load_recipe_text(RECIPE)
    with pytest.raises(LoginFailed) as failed:
        check_answer(recipe, recipe.session.way, page_of(html, "https://shop.example/in?pw=hunter2#x", status))
    assert "https://shop.example/in" in str(failed.value)
    assert "hunter2" not in str(failed.value)
    assert "https://shop.example/in" in refused("<p>no form</p>", "https://shop.example/in?pw=hunter2")


@pytest.mark.parametrize(
    "url",
    [
        "http://evil.example/login",
        "https://evil.example/login",
        "http://shop.example/login",
        "https://notshop.example/",
    ],
)
def test_a_form_is_not_filled_in_where_a_redirect_has_led_to_a_stranger_or_to_http(url):
    assert "name its host in `session.domains`" in refused(POST, url)


@pytest.mark.parametrize(
    "action", ["http://shop.example/x", "https://evil.example/x", "//evil.example/x", "https://notshop.example/x"]
)
def test_a_form_that_leads_to_a_stranger_or_to_http_is_not_sent(action):
    html = POST.replace("<form", f'<form action="{action}"')
    assert "leads to another site, which is not told who we are" in refused(html)


@pytest.mark.parametrize("url", ["https://in.shop.example/a", "https://sso.example/a", "https://eu.sso.example/a"])
def test_the_site_itself_and_the_domains_of_the_session_may_ask_for_the_password(url):
    text = RECIPE.replace("session:\n", "session:\n  domains: [shop.example, sso.example]\n")
    assert sent(POST, url, text).url == url
    html = POST.replace("<form", f'<form action="{url}"')
    assert sent(html, text=text).url == url
    assert "`session.domains`" in refused(POST, url.replace("https:", "http:"), text)


def test_from_https_a_login_does_not_go_back_to_the_http_it_came_from():
    sites = ("http://shop.example/login",)
    assert may_log_in_at("http://shop.example/x", sites)
    assert may_log_in_at("https://shop.example/x", sites)
    assert not may_log_in_at("http://shop.example/x", sites, sent_by="https://shop.example/login")
