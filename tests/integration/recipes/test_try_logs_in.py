"""`crawlery recipe try` and `record` look at pages behind a login as a crawl does."""

from __future__ import annotations

import base64

import pytest
from click.testing import CliRunner
from login_site import PASSWORD, RECIPE, LoginSite
from served_site import ServedSite

from crawler.cli.main import cli
from crawler.sample_shop.httpd import HttpResponse

FETCHES = """
schema_version: 1
name: members
version: "1.0.0"
inputs:
  site: {type: string, format: uri}
  word: {type: string, secret: shop_password}
session: SESSION
start: [{urls: "{{ inputs.site }}/", page: good}]
pages: {good: {item: good, fields: {name: h1}}}
items: {good: {version: 1, fields: {name: {type: string}}}}
"""


class Members(ServedSite):
    """The site that shows its pages to those who are logged in."""

    def __init__(self, site):
        super().__init__(lambda _site, _path: None)
        self.handle = site.handle if isinstance(site, LoginSite) else site

    def _answer(self, request):
        self.asked.append(request.target)
        return self.handle(request)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "members.yaml").write_text(RECIPE, encoding="utf-8")
    (tmp_path / "secrets" / "local").mkdir(parents=True)
    (tmp_path / "secrets" / "shop_password").write_text(f"{PASSWORD}\n", encoding="utf-8")
    monkeypatch.delenv("CRAWLERY_SECRETS_DIR", raising=False)
    monkeypatch.setenv("RECIPES_PATH", str(tmp_path / "recipes"))
    monkeypatch.setenv("EGRESS_ALLOW", "")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments, code=0):
    result = CliRunner().invoke(cli, ["recipe", *arguments])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result.output


def tried(site, path, *more, code=0, command="try"):
    return run(command, "members", f"{site.url}{path}", "-i", f"site={site.url}", *more, code=code)


def test_a_page_behind_a_form_is_shown_as_a_crawl_sees_it(folder):
    members = LoginSite()
    with Members(members) as site:
        said = tried(site, "/g/3", "--page", "good")
    assert "logged in" in said
    assert "Good 3" in said
    assert (members.logins, members.refused, members.strangers) == (1, 0, 0)
    assert PASSWORD not in said


def test_what_is_recorded_is_the_page_and_not_the_login(folder):
    with Members(LoginSite()) as site:
        tried(site, "/g/3", "--page", "good", command="record")
    text = (folder / "recipes" / "members.yaml").read_text(encoding="utf-8")
    assert "name: Good 3" in text
    saved = b"".join(file.read_bytes() for file in (folder / "recipes" / "members").iterdir())
    assert b"Good 3" in saved
    assert PASSWORD not in text
    assert b"sid=" not in saved
    assert "1 passed" in run("test", "members")


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (lambda folder: (folder / "secrets" / "shop_password").write_text("wrong"), "the site says: Wrong name or"),
        (lambda folder: (folder / "secrets" / "shop_password").unlink(), "there is no secret 'shop_password'"),
        (lambda folder: (folder / "secrets" / "shop_password").write_text("a\nb"), "is no single line"),
        (
            lambda folder: (folder / "secrets" / "shop_password").rename(folder / "secrets" / "local" / "shop_password"),
            "there is no secret 'shop_password'",
        ),
    ],
    ids=["wrong", "missing", "two lines", "of a client"],
)
def test_who_cannot_log_in_is_told_why(folder, break_it, says):
    break_it(folder)
    members = LoginSite()
    with Members(members) as site:
        said = tried(site, "/g/3", "--page", "good", code=2)
    assert "could not log in: " in said
    assert says in " ".join(said.split())
    assert members.logins == 0
    assert members.asked["/g/3"] == 0


def test_a_form_that_comes_back_is_a_login_that_has_failed_even_if_no_error_is_named(folder):
    text = RECIPE.replace("    error: .error\n", "")
    (folder / "recipes" / "members.yaml").write_text(text, encoding="utf-8")
    members = LoginSite()

    def answer(request):
        if request.path == "/login":
            return HttpResponse(body=b'<form action="/login" method="post"><input name="who"><input type="password" name="word"></form>')
        return members.handle(request)

    with Members(answer) as site:
        said = tried(site, "/g/3", "--page", "good", code=2)
    assert "the site shows the form again" in said
    assert members.asked["/g/3"] == 0


def test_a_page_of_a_stranger_is_an_error_as_in_a_crawl(folder):
    members = LoginSite(odd=frozenset({3}))
    with Members(members) as site:
        said = tried(site, "/g/3", "--page", "good", code=2)
    assert "SessionExpired" in said


def test_for_a_page_type_without_a_session_nobody_logs_in(folder):
    text = RECIPE.replace("good: {item: good,", "good: {session: false, item: good,")
    (folder / "recipes" / "members.yaml").write_text(text, encoding="utf-8")
    members = LoginSite()
    with Members(members) as site:
        said = tried(site, "/g/3", "--page", "good")
    assert "Please log in" in said
    assert members.logins == 0


def test_for_a_saved_page_nobody_logs_in(folder):
    (folder / "page.html").write_text('<h1>Saved</h1><a class="logout">x</a>', encoding="utf-8")
    (folder / "secrets" / "shop_password").unlink()
    said = run("try", "members", "page.html", "--page", "good", "--url", "https://x.example/", "-i", "site=https://x.example")
    assert "Saved" in said


@pytest.mark.parametrize(
    ("session", "header", "value"),
    [
        ("{bearer: {secret: shop_password}}", "authorization", "Bearer abc"),
        ("{cookies: {secret: shop_password}}", "cookie", "abc"),
        (
            '{basic: {username: reader, password: "{{ inputs.word }}"}}',
            "authorization",
            "Basic " + base64.b64encode(b"reader:abc").decode(),
        ),
        (
            '{request: {url: "{{ inputs.site }}/token", json: {word: "{{ inputs.word }}"}}, token: t}',
            "authorization",
            "Bearer t-abc",
        ),
    ],
    ids=["bearer", "cookies", "basic", "token"],
)
def test_what_is_shown_goes_to_the_hosts_of_the_session_and_to_nobody_else(
    folder, monkeypatch, session, header, value
):
    monkeypatch.setenv("EGRESS_ALLOW", "127.0.0.1")
    (folder / "recipes" / "members.yaml").write_text(FETCHES.replace("SESSION", session), encoding="utf-8")
    (folder / "secrets" / "shop_password").write_text("abc", encoding="utf-8")
    shown: dict[str, list[str]] = {}

    def answer(request):
        shown.setdefault(request.path, []).append(request.headers.get(header, ""))
        if request.path == "/token":
            assert b'"abc"' in request.body
            return HttpResponse(body=b'{"t": "t-abc"}', content_type="application/json")
        if request.path == "/away":
            return HttpResponse(status=302, headers=(("Location", f"{other.url}/seen"),), body=b"")
        return HttpResponse(body=b"<h1>Good</h1>")

    with Members(answer) as other, Members(answer) as site:
        tried(site, "/g")
        tried(site, "/away")
        run("try", "members", f"{other.url}/elsewhere", "-i", f"site={site.url.replace('127.0.0.1', 'localhost')}")
    assert shown["/g"] == [value]
    assert shown["/away"] == [value]
    assert shown["/seen"] == [""]
    assert shown["/elsewhere"] == [""]


def test_explain_says_how_a_recipe_logs_in(folder):
    said = run("explain", "members")
    assert "Logs in" in said
    assert "with the first form that asks for a password of {{ inputs.site }}/login, of which it fills in who, word" in said
    assert "nobody is logged in, and it comes back, unless" in said
