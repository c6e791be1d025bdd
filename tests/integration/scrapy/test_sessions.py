"""Crawls of sites that show their pages to those only who are logged in."""

from __future__ import annotations

import asyncio
import base64
import json

import pytest
from fleet import Shared, Worker, rows_of
from login_site import PASSWORD, RECIPE, USER, LoginSite
from loopback import html, jsonp, names

from crawler.extensions import sessions
from crawler.sample_shop.httpd import HttpResponse


@pytest.fixture
def secrets(tmp_path, monkeypatch):
    """Writes secrets where a crawl looks for them."""
    folder = tmp_path / "secrets"
    folder.mkdir()
    monkeypatch.setenv("CRAWLERY_SECRETS_DIR", str(folder))

    def write(**values: str) -> None:
        for name, value in values.items():
            (folder / name).write_text(value + "\n", encoding="utf-8")

    write(shop_password=PASSWORD)
    return write


@pytest.fixture
def members(site, secrets):
    """The site that forgets people."""
    served = LoginSite()
    site.server._handler = served.handle
    served.url, served.server = site.url, site.server
    return served


def goods(count: int) -> list[str]:
    return sorted(f"Good {number}" for number in range(count))


def test_a_crawl_logs_in_once_with_the_fields_of_the_form_and_where_robots_txt_forbids_it(members, crawl):
    result = crawl(RECIPE, site=members.url)
    assert names(result) == goods(20)
    assert (members.logins, members.refused, members.strangers) == (1, 0, 0)
    assert result.summary.outcome == "complete"
    assert result.stats["session/logins"] == 1


@pytest.mark.parametrize("walls", [False, True])
def test_a_session_that_ends_in_between_costs_one_login_and_no_row(members, crawl, walls):
    members.lasts, members.walls = 8, walls
    result = crawl(RECIPE, site=members.url)
    assert names(result) == goods(20)
    assert result.outcomes == {"ok": 21}
    assert members.logins == len(members.ended) + 1 == 3
    assert members.strangers >= 2
    assert result.stats["session/ended"] == 2


def test_a_session_that_ends_before_the_last_page_is_noticed_by_it(members, crawl):
    members.goods, members.lasts = 1, 2  # one of them is the page behind the login
    result = crawl(RECIPE, site=members.url)
    assert names(result) == ["Good 0"]
    assert members.logins == 2


def test_pages_that_never_show_a_login_end_as_blocked_and_cost_fewer_logins_than_answers(members, crawl, monkeypatch):
    monkeypatch.setattr(sessions, "_LONGEST_S", 0.5)
    members.goods, members.odd = 40, frozenset({7, 30})
    result = crawl(RECIPE, {"CONCURRENT_REQUESTS_PER_DOMAIN": 1}, site=members.url)
    assert names(result) == sorted(set(goods(40)) - {"Good 7", "Good 30"})
    assert result.outcomes == {"ok": 39, "blocked": 2}
    assert members.logins < 8  # their answers are 14; how many come one after the other is a matter of time
    assert "nobody is logged in on this page" in result.ledger.failures[0].reason


def test_pages_of_a_type_that_says_so_are_asked_for_by_a_stranger(members, crawl):
    text = RECIPE.replace("good: {item: good,", "good: {session: false, item: good,")
    result = crawl(text, site=members.url)
    assert names(result) == ["Please log in"]
    assert members.logins == 1


@pytest.mark.parametrize("wrong", ["password", "missing", "form"])
def test_a_login_that_fails_is_tried_once_and_ends_a_crawl_of_one_process_with_the_reason(
    members, crawl_broken, secrets, wrong, tmp_path
):
    text = RECIPE
    if wrong == "password":
        secrets(shop_password="wrong")
    elif wrong == "missing":
        (tmp_path / "secrets" / "shop_password").unlink()
    else:
        text = RECIPE.replace("{who:", "{name:").replace(", word:", ", pass:")
    result = crawl_broken(text, site=members.url)
    says = {
        "password": "could not log in: the site says: Wrong name or password; resume the job",
        "missing": "could not log in: there is no secret 'shop_password'",
        "form": "could not log in: the form has no field 'name'; it has csrf, who, word, go",
    }[wrong]
    assert result.reason == "blocked"
    assert says in result.stats["blocked/why"]
    assert result.items == []
    assert members.refused == (1 if wrong == "password" else 0)
    assert result.summary.exit_code != 0


def test_a_login_after_which_no_page_is_good_ends_the_crawl_and_loses_no_page(members, crawl_broken):
    text = RECIPE.replace("valid_if: a.logout", "valid_if: a.sign-out")
    result = crawl_broken(text, site=members.url)
    assert result.reason == "blocked"
    assert "logged in, but its pages are those of somebody who is not" in result.stats["blocked/why"]
    assert members.logins == 2


def test_workers_of_one_job_log_in_once_for_each_session_that_ends(members, crawl_together):
    members.goods, members.lasts = 80, 25
    frontier = Shared()
    text = RECIPE
    ended = crawl_together(text, frontier=frontier, workers=(Worker("a"),), site=members.url)
    rows = asyncio.run(rows_of(frontier))
    assert sorted(values["name"] for _, values in rows) == goods(80)
    assert members.logins == len(members.ended) + 1
    assert {result.reason for result in ended.values()} == {"finished"}


def test_nothing_that_is_secret_reaches_the_frontier_or_the_log(members, crawl_together, caplog):
    members.walls, members.lasts = True, 5
    frontier = Shared()
    crawl_together(RECIPE, frontier=frontier, workers=(Worker("a"),), site=members.url)
    bodies = b"".join(lease.request.body for _, lease in frontier.given)
    for secret in (PASSWORD.encode(), b"sid=", b"Cookie"):
        assert secret not in bodies
    assert PASSWORD not in caplog.text


# --- follow-up requests ----------------------------------------------------------------------------------------------

TWINS = RECIPE.replace(
    "fields: {name: h1}",
    'fields: {name: h1, number: {response: url, process: [{regex: "([0-9]+)$"}]}, '
    'twin: {request: {url: "/g/1{{ item.number }}"}, css: h1}}',
).replace("required: true}}}", "required: true}, number: {type: string}, twin: {type: string}}}")


def twins(result) -> dict[str, str | None]:
    return {item["name"]: item.get("twin") for item in result.items}


def test_answers_to_follow_up_requests_of_strangers_are_no_values_either(members, crawl):
    members.goods, members.lasts = 10, 6
    result = crawl(TWINS, site=members.url)
    assert twins(result) == {f"Good {number}": f"Good 1{number}" for number in range(10)}
    assert members.logins == len(members.ended) + 1


def test_a_row_whose_answer_never_shows_a_login_is_given_out_without_it(members, crawl, monkeypatch):
    monkeypatch.setattr(sessions, "_LONGEST_S", 0.5)
    members.goods, members.odd = 10, frozenset({17})
    result = crawl(TWINS, {"CONCURRENT_REQUESTS_PER_DOMAIN": 1}, site=members.url)
    wanted = {f"Good {number}": f"Good 1{number}" for number in range(10)}
    assert twins(result) == {**wanted, "Good 7": None}
    assert result.outcomes["blocked"] == 1


# --- without a form ---------------------------------------------------------------------------------------------------

HEAD = """
schema_version: 1
name: api
version: "1.0.0"
inputs:
  site: {type: string, format: uri}
  user: {type: string, default: reader}
  password: {type: string, secret: shop_password}
fetch: {retry: {backoff: 20ms..50ms}}
session:
%s
start:
  - {urls: "{{ inputs.site }}/", page: list}
pages:
  list: {parse: json, follow: [{links: "items[*].url", page: good}]}
  good: {parse: json, item: good, fields: {name: name}}
items:
  good: {version: 1, key: [name], fields: {name: {type: string, required: true}}}
"""


@pytest.fixture
def api(site, secrets):
    """An API that wants to be shown something with every request; `site.shown` are the answers to what it was shown."""
    site.seen = []
    site.wanted = ("authorization", "Bearer t-1")

    def guarded(answer):
        def page(request):
            header, value = site.wanted
            site.seen.append(request.headers.get(header))
            return answer if request.headers.get(header) == value else jsonp({"error": "who?"}, status=401)

        return page

    site["/"] = guarded(jsonp({"items": [{"url": "/g/1"}, {"url": "/g/2"}, {"url": "/moved"}]}))
    for number in (1, 2, 3):
        site[f"/g/{number}"] = guarded(jsonp({"name": f"Good {number}"}))
    site["/moved"] = guarded(HttpResponse(status=302, headers=(("Location", "/g/3"),), body=b""))
    return site


THREE = ["Good 1", "Good 2", "Good 3"]


def test_a_request_logs_in_and_its_token_is_shown(api, crawl):
    asked = []

    def login(request):
        asked.append(json.loads(request.body))
        return jsonp({"data": {"access": "t-1"}})

    api["/session"] = login
    text = HEAD % (
        '  request: {url: "{{ inputs.site }}/session", '
        'json: {user: "{{ inputs.user }}", pass: "{{ inputs.password }}"}}'
        "\n  token: data.access\n  error: error\n  valid_if: {jmespath: '!error'}"
    )
    result = crawl(text, site=api.url)
    assert names(result) == THREE
    assert asked == [{"user": USER, "pass": PASSWORD}]
    assert set(api.seen) == {"Bearer t-1"}


def test_a_token_that_is_not_taken_any_more_is_replaced(api, crawl):
    numbers = iter((1, 2, 3))
    api["/session"] = lambda _: jsonp({"token": f"t-{next(numbers)}"})
    api.wanted = ("authorization", "Bearer t-2")
    text = HEAD % '  request: {url: "{{ inputs.site }}/session", method: POST}\n  token: token'
    result = crawl(text, site=api.url)
    assert names(result) == THREE
    assert next(numbers) == 3


@pytest.mark.parametrize("kind", ["basic", "bearer", "cookies"])
def test_secrets_are_shown_with_every_request(api, crawl, secrets, kind):
    basic = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    way, wanted = {
        "basic": ('basic: {username: "{{ inputs.user }}", password: "{{ inputs.password }}"}', f"Basic {basic}"),
        "bearer": ("bearer: {secret: api_token}", "Bearer t-9"),
        "cookies": ("cookies: {secret: shop_cookies}", "sid=a1; theme=dark"),
    }[kind]
    secrets(api_token="t-9", shop_cookies="sid=a1; theme=dark")
    api.wanted = ("cookie" if kind == "cookies" else "authorization", wanted)
    result = crawl(HEAD % f"  {way}", site=api.url)
    assert names(result) == THREE
    assert set(api.seen) == {wanted}


def test_a_secret_that_is_not_taken_ends_the_crawl_and_is_not_tried_again_and_again(api, crawl_broken, secrets):
    secrets(api_token="old")
    result = crawl_broken(HEAD % "  bearer: {secret: api_token}", site=api.url)
    assert result.reason == "blocked"
    assert "the site does not accept the secret any more" in result.stats["blocked/why"]
    assert len(api.seen) <= 3


def test_other_hosts_are_shown_nothing(api, sites, crawl, secrets):
    secrets(api_token="t-1")
    other = sites[1]
    seen = []

    def page(request):
        seen.append(request.headers.get("authorization"))
        return jsonp({"name": "Elsewhere"})

    other["/g/9"] = page
    api["/"] = jsonp({"items": [{"url": "/g/1"}, {"url": f"{other.url}/g/9"}]})
    text = (HEAD % "  bearer: {secret: api_token}").replace(
        "fetch:", 'allowed_domains: ["127.0.0.1", "127.0.0.2"]\nfetch:'
    )
    result = crawl(text, site=api.url)
    assert names(result) == ["Elsewhere", "Good 1"]
    assert seen == [None]


def test_a_form_that_leads_to_another_site_is_not_filled_in(site, sites, crawl_broken, secrets):
    site["/login"] = html(
        f'<form action="{sites[1].url}/steal" method="post">'
        '<input name="who"><input type="password" name="word"></form>'
    )
    result = crawl_broken(RECIPE, site=site.url)
    assert "leads to another site, which is not told who we are" in result.stats["blocked/why"]
    assert not sites[1].hits


def test_a_login_that_the_site_sends_on_to_another_is_sent_to_nobody(site, sites, crawl_broken, secrets):
    def login(request):
        if request.method == "POST":
            return HttpResponse(status=307, headers=(("Location", f"{sites[1].url}/steal"),), body=b"")
        return html('<form method="post"><input name="who"><input type="password" name="word"></form>')

    site["/login"] = login
    result = crawl_broken(RECIPE, site=site.url)
    assert "another site, which is not told who we are" in result.stats["blocked/why"]
    assert not sites[1].hits


def test_a_form_of_another_site_is_not_filled_in(site, sites, crawl_broken, secrets):
    site["/login"] = HttpResponse(status=302, headers=(("Location", f"{sites[1].url}/login"),), body=b"")
    sites[1]["/login"] = html('<form method="post"><input name="who"><input type="password" name="word"></form>')
    result = crawl_broken(RECIPE, site=site.url)
    assert "name its host in `session.domains`" in result.stats["blocked/why"]
    assert sum(sites[1].hits.values()) == 1


def test_a_login_that_the_site_is_too_busy_for_is_tried_again(members, crawl, monkeypatch):
    monkeypatch.setattr(sessions, "_LOGIN_WAITS_S", (0.02, 0.02))
    handle, busy = members.handle, iter((503, 503))

    def answer(request):
        status = next(busy, None) if request.path == "/login" else None
        return handle(request) if status is None else html("busy", status=status)

    members.server._handler = answer
    result = crawl(RECIPE, {"RETRY_TIMES": 0}, site=members.url)
    assert names(result) == goods(20)
