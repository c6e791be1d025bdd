"""Previews: one page of a recipe, given or fetched, without keeping anything and without harm from either."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from concurrent.futures import Future
from dataclasses import replace

import pytest
from api_in_process import Calls
from canary import Canary

from crawler.sample_shop.httpd import HttpResponse, HttpServer
from crawler.trials.process import LIMITS

RECIPE = """\
schema_version: 1
name: chairs
version: "1.0.0"
inputs: {site: {type: string, default: "https://shop.test"}}
fetch: {headers: {X-Shop: "{{ inputs.site }}"}}
start: [{urls: "{{ inputs.site }}/", page: listing}]
pages:
  listing:
    match: ['/$']
    follow: [{links: li a, page: chair}]
    paginate: {next: a.next}
  chair:
    match: ['/p/']
    item: chair
    fields:
      name: h1
      price: {any: [.sale .price, .price], process: [price]}
      size: .size
items:
  chair:
    version: 1
    key: [name]
    fields: {name: {type: string}, price: {type: decimal, required: true}, size: {type: string}}
"""
URL = "https://shop.test/p/1"
CHAIR = "<div class=sale></div><h1>Chair</h1><p class=price>49.90</p>"
ROBOTS = b"User-agent: *\nDisallow: /private\n"


class Site:
    """Answers by path and keeps who asked for what."""

    def __init__(self) -> None:
        self.pages = {"/robots.txt": HttpResponse(body=ROBOTS, content_type="text/plain")}
        self.asked: list[str] = []
        self.headers: dict[str, str] = {}

    def handle(self, request):
        self.asked.append(request.path)
        self.headers = dict(request.headers)
        page = self.pages.get(request.path, HttpResponse(status=404, body=b"<h1>Gone</h1><p class=price>1</p>"))
        return page if isinstance(page, HttpResponse) else HttpResponse(body=page.encode())


@pytest.fixture(scope="module")
def site():
    """A shop on an address of its own."""
    site = Site()
    started: Future = Future()

    async def serve():
        stop = asyncio.Event()
        async with HttpServer(site.handle, host="127.0.0.3") as server:
            started.set_result((asyncio.get_running_loop(), stop, server.url))
            await stop.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    loop, stop, site.url = started.result(timeout=60)
    yield site
    loop.call_soon_threadsafe(stop.set)
    thread.join(timeout=60)


@pytest.fixture(scope="module")
def preview(new_calls, callers):
    """Calls an API that may ask the shop and nothing else of this machine."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("EGRESS_ALLOW", "127.0.0.3")
        with new_calls() as app:
            calls = Calls(app)

            def call(**order):
                order = {"recipe_text": RECIPE, "url": URL, **order}
                body = {name: value for name, value in order.items() if value is not None}
                return calls("POST", "/v1/recipes/preview", callers.alice, json=body)

            yield call


def refused(answer) -> dict[str, str]:
    assert answer.status_code == 422, answer.text
    assert answer.json["code"] == "unprocessable"
    return {error["pointer"]: error["message"] for error in answer.json["errors"]}


def test_a_page_that_is_given_shows_rows_and_where_each_value_came_from(preview):
    answer = preview(body=CHAIR)
    assert answer.status_code == 200, answer.text
    assert b'"price":49.90' in answer.data  # with its digits
    found = answer.json
    assert (found["page"], found["outcome"], found["rows_found"]) == ("chair", "ok", 1)
    assert found["rows"] == [{"name": "Chair", "price": 49.9, "size": None}]
    price = next(field for field in found["fields"] if field["path"] == "price")
    assert (price["alternative"], price["alternatives"], price["source"]) == (2, 2, "css: .price")
    assert price["selectors"] == [{"selector": "css: .sale .price", "part": ".sale", "matches": 1, "note": ""}]


def test_links_and_refused_rows_are_shown_too(preview):
    found = preview(url="https://shop.test/", body="<li><a href=/p/1>x</a></li><a class=next href=/?p=2>").json
    assert found["links"] == [{"page": "chair", "found": 1, "urls": [URL]}]
    assert (found["next"], found["rows"]) == ("https://shop.test/?p=2", [])
    found = preview(body="<h1>Chair</h1>").json
    assert (found["rows_found"], found["rejects_found"]) == (0, 1)
    assert found["rejects"] == [{"values": {"name": "Chair"}, "reasons": ["price is missing"]}]


ASKS = RECIPE.replace(
    "      size: .size\n",
    '      size: .size\n      stock: {request: {url: "/stock?of={{ item.name }}"}, jmespath: stock}\n',
).replace("size: {type: string}}", "size: {type: string}, stock: {type: integer}}")


def test_fields_that_wait_for_further_requests_are_named(preview, site):
    site.asked.clear()
    answer = preview(recipe_text=ASKS, page="chair", body=CHAIR)
    assert answer.json["rows"] == [{"name": "Chair", "price": 49.9, "size": None, "stock": None}]
    (note,) = answer.json["notes"]
    assert note == (
        "stock: a crawl would make further requests for them, which are not made here:"
        " GET https://shop.test/stock?of=Chair"
    )
    assert site.asked == []
    assert preview(page="chair", body=CHAIR).json["notes"] == []


LOGS_IN = RECIPE.replace("start:", "session: {bearer: {secret: shop_token}}\nstart:")


def test_a_page_behind_a_login_is_said_to_be_what_a_stranger_sees(preview, site):
    site.pages["/p/7"] = CHAIR
    url = f"{site.url}/p/7"
    (note,) = preview(recipe_text=LOGS_IN, url=url).json["notes"]
    assert note.startswith("a crawl would log in before it asks for this page, which is not done here")
    assert "authorization" not in {name.lower() for name in site.headers}
    assert preview(recipe_text=LOGS_IN, body=CHAIR).json["notes"] == []


def test_where_a_missing_field_stands_in_data_for_machines_is_hinted_at(preview):
    data = '<script type="application/ld+json">{"@type": "Product", "name": "Chair"}</script>'
    (note,) = preview(page="chair", body=f"{data}<p class=price>49.90</p>").json["notes"]
    assert "name: {from: ld, jmespath: name} (Chair)" in note


def test_a_recipe_of_the_deployment_is_tried_by_its_name(preview):
    found = preview(recipe_text=None, recipe="quotes@1.0.0", url="https://quotes.toscrape.com/", body="<p>none").json
    assert (found["page"], found["outcome"], found["rows_found"]) == ("listing", "empty", 0)
    assert found["cause"].startswith("listing: `")
    assert refused(preview(recipe_text=None, recipe="quotes@9", body="x")) == {
        "/body/recipe": "the recipe quotes has version 1.0.0, not 9"
    }
    assert refused(preview(recipe_text=None, recipe="nope", body="x")) == {"/body/recipe": "there is no recipe nope"}


@pytest.mark.parametrize(
    ("order", "pointer", "message"),
    [
        ({"recipe_text": "name: x"}, "/body/recipe_text", "<recipe>"),
        ({"inputs": {"site": 5}, "body": CHAIR}, "/body/inputs", "input site"),
        ({"page": "stool", "body": CHAIR}, "/body/page", "there is no page type 'stool'; there are listing, chair"),
        ({"url": "https://shop.test/x", "body": CHAIR}, "/body/page", "say which page type it is: listing, chair"),
        ({"page": "listing", "body": CHAIR}, "/body/body", "PageMismatch: listing: the final URL"),
        ({"body": "<b>" * 5_000}, "/body/body", "ParseRefused: "),
    ],
)
def test_what_cannot_be_tried_is_told_where_it_stands(preview, order, pointer, message):
    errors = refused(preview(**order))
    assert errors[pointer].startswith(message), errors


@pytest.mark.parametrize("url", ["https://[::1", "https://[A29A7CBC]:36325/", "ftp://a", "https://a b/", "https://"])
def test_addresses_that_cannot_be_taken_apart_are_refused(preview, url):
    answer = preview(url=url, body=CHAIR)
    assert answer.status_code == 400, answer.text
    assert [error["pointer"] for error in answer.json["errors"]] == ["/body/url"]


def test_a_port_that_is_none_is_no_page(preview):
    assert list(refused(preview(url="http://127.0.0.3:99999/p/1"))) == ["/body/url"]


def test_a_page_is_fetched_with_the_recipes_headers_when_robots_txt_allows_it(preview, site):
    site.pages["/p/1"] = CHAIR
    found = preview(url=f"{site.url}/p/1").json
    assert (found["rows_found"], found["status"], found["url"]) == (1, 200, f"{site.url}/p/1")
    assert site.headers["x-shop"] == "https://shop.test"
    assert site.headers["user-agent"].startswith("Crawlery/")
    gone = preview(url=f"{site.url}/p/2").json
    assert (gone["status"], gone["rows_found"]) == (404, 1)


def test_what_robots_txt_forbids_is_not_asked_for_also_behind_a_redirect(preview, site):
    site.pages["/p/there"] = HttpResponse(status=302, headers=(("Location", "/private/1"),))
    site.asked.clear()
    for path in ("/private/1", "/p/there"):
        assert refused(preview(url=f"{site.url}{path}", page="chair")) == {
            "/body/url": f"robots.txt of {site.url} forbids it"
        }
    assert "/private/1" not in site.asked


def test_rules_that_cannot_be_read_allow_nothing(preview, site):
    site.pages["/robots.txt"] = HttpResponse(status=503)
    try:
        why = refused(preview(url=f"{site.url}/p/1"))["/body/url"]
    finally:
        site.pages["/robots.txt"] = HttpResponse(body=ROBOTS, content_type="text/plain")
    assert why == f"robots.txt of {site.url} cannot be read (status 503), so nothing is allowed"


def test_places_of_this_machine_are_not_reached_and_read_like_a_closed_port(preview, site):
    with contextlib.closing(Canary("127.0.0.1", "127.0.0.2")) as canary:
        site.pages["/p/away"] = HttpResponse(status=302, headers=(("Location", canary.url()),))
        closed = refused(preview(url="http://127.0.0.3:1/p/1"))
        for url in (canary.url(), f"http://2130706433:{canary.port}/p/1", f"{site.url}/p/away"):
            assert refused(preview(url=url, page="chair")) == closed == {"/body/url": "the site cannot be reached"}
        assert canary.connections == 0


def test_a_recipe_that_asks_for_too_much_is_ended_and_the_api_stays(preview, monkeypatch):
    slow = "{xpath: '//p[count(preceding::p) > 100000]'}"  # each would be borne, all of them are too much
    endless = RECIPE.replace("name: h1", f"name: [{', '.join([slow] * 100)}]")
    with monkeypatch.context() as patch:
        patch.setattr("crawler.trials.process.LIMITS", replace(LIMITS, cpu_s=1))
        why = refused(preview(recipe_text=endless, body="<p>x</p>" * 2_000))
    assert why["/body/recipe_text"].startswith("it takes more than 1 s of processor time")
    assert preview(body=CHAIR).status_code == 200


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize("path", ["/v1/recipes/preview", "/v1/recipes/preview/"])
def test_the_call_is_no_recipe(calls, callers, method, path):
    answer = calls(method, path, callers.root)
    assert (answer.status_code, set(answer.allow)) == (405, {"POST", "OPTIONS"})
