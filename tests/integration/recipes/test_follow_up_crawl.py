"""Products whose stock and reviews come from an API: one row per product, whatever becomes of the further requests."""

import csv
import json
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import crawler.errors
from crawler.sample_shop.httpd import HttpResponse, HttpServer
from crawler.sample_shop.server import running_server

ROOT = Path(crawler.errors.__file__).parents[1]
PRODUCTS = 12
RECIPE = """\
schema_version: 1
name: joined
version: "1.0.0"
inputs: {site: {type: string, format: uri}}
fetch: {retry: {times: 1, backoff: 50ms..100ms}}
limits: {delay: 10ms}
start:
  - urls: "{{ inputs.site }}/"
    page: listing
pages:
  listing:
    follow:
      - links: a
        page: product
  product:
    item: product
    fields:
      sku: .sku
      name: h1
      price: {css: .price, process: [{price: {locale: de}}]}
      added: {css: .added, process: [{date: {locale: de, relative: true}}]}
      partner:
        request: {url: "{{ item.partner_link }}"}
        css: b
      partner_link: a.partner::attr(href)
      reviews:
        request:
          url: "{{ inputs.site }}/api/reviews"
          query: {sku: "{{ item.sku }}"}
        jmespath: total
        process: [integer]
        default: 0
      rating:
        request:
          url: "{{ inputs.site }}/api/reviews"
          query: {sku: "{{ item.sku }}"}
        jmespath: rating
      stock:
        - .stock
        - request: {url: "/stock/{{ item.sku }}"}
          css: b
      label: "{{ item.name }} ({{ item.reviews }})"
items:
  product:
    version: 1
    fields:
      sku: {type: string, required: true}
      name: {type: string, required: true}
      reviews: {type: integer}
      rating: {type: decimal}
      stock: {type: integer}
      label: {type: string}
      price: {type: decimal}
      added: {type: string, format: date}
      partner: {type: string}
      partner_link: {type: string}
"""


class Shop:
    """The site; `asked` counts requests by address."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()

    def __call__(self, request):
        where = request.path + ("?" + request.parameters["sku"] if "sku" in request.parameters else "")
        self.asked[where] += 1
        if request.path == "/":
            links = "".join(f"<a href='/p/{number}'>P {number}</a>" for number in range(PRODUCTS))
            return HttpResponse(body=f"<!doctype html>{links}".encode())
        if request.path.startswith("/p/"):
            number = int(request.path.removeprefix("/p/"))
            stock = "<i class=stock>9</i>" if number == 11 else ""
            partner = "<a class=partner href=http://elsewhere.invalid/x>x</a>" if number == 8 else ""
            sold = "<b class=price>1.234 €</b> <i class=added>gestern</i>"
            page = f"<h1>Product {number}</h1><p class=sku>S{number}</p>{stock}{partner}{sold}"
            return HttpResponse(body=f"<!doctype html><meta charset=utf-8>{page}".encode())
        if request.path == "/api/reviews":
            return self.reviews(int(request.parameters["sku"].removeprefix("S")))
        if request.path.startswith("/stock/"):
            return HttpResponse(body=b"<p>There are <b>4</b></p>")
        return HttpResponse(status=404)

    def reviews(self, number):
        answers = {
            1: HttpResponse(status=404),
            2: HttpResponse(status=503),
            3: HttpResponse(body=b"<p>no JSON</p>"),
            4: HttpResponse(status=302, headers=(("Location", "http://elsewhere.invalid/"),)),
            5: HttpResponse(status=302, headers=(("Location", "/api/reviews?sku=S6"),)),
            7: HttpResponse(body=b"{}", content_type="application/json"),
        }
        body = json.dumps({"total": number, "rating": "4.50"}).encode()
        return answers.get(number, HttpResponse(body=body, content_type="application/json"))


def crawl(recipe, folder, name, site):
    (folder / f"{name}.yaml").write_text(recipe, encoding="utf-8")
    out = folder / "out.csv"
    command = [sys.executable, "-m", "crawler.cli", "crawl", str(folder / f"{name}.yaml")]
    command += ["--input", f"site={site}", "-o", str(out), "--summary", str(folder / "summary.json")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=110)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    with out.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file)), json.loads((folder / "summary.json").read_text())


@pytest.fixture(scope="module")
def crawled(tmp_path_factory):
    shop = Shop()
    with running_server(HttpServer(shop)) as server:
        rows, summary = crawl(RECIPE, tmp_path_factory.mktemp("joined"), "joined", server.url)
    return rows, summary, shop.asked


def test_each_product_is_one_row_whatever_becomes_of_its_further_requests(crawled):
    rows, _, _ = crawled
    assert sorted(row["sku"] for row in rows) == sorted(f"S{number}" for number in range(PRODUCTS))


def test_a_row_has_what_the_answers_gave_and_the_default_where_there_was_none(crawled):
    rows, _, _ = crawled
    found = {row["sku"]: (row["reviews"], row["rating"], row["stock"], row["label"]) for row in rows}
    expected = {
        f"S{number}": (str(number), "4.50", "4", f"Product {number} ({number})") for number in range(PRODUCTS)
    }
    for lost in (1, 2, 3, 4, 7):
        expected[f"S{lost}"] = ("0", "", "4", f"Product {lost} (0)")
    expected["S5"] = ("6", "4.50", "4", "Product 5 (6)")
    expected["S11"] = ("11", "4.50", "9", "Product 11 (11)")
    assert found == expected


def test_fields_that_ask_for_the_same_share_one_request_and_what_the_page_says_is_not_asked_for(crawled):
    _, _, asked = crawled
    assert asked["/api/reviews?S0"] == 1
    assert asked["/stock/S0"] == 1
    assert asked["/stock/S11"] == 0
    assert asked["/api/reviews?S2"] == 2  # tried again once, as any page


def test_a_request_that_failed_is_a_failed_page_and_no_lost_list(crawled):
    _, summary, _ = crawled
    assert not summary["lost_lists"]
    assert summary["outcome"] == "partial"
    assert summary["rejects"] == {"product": {}}


def test_a_request_to_another_domain_is_not_made_and_its_row_is_given_out_all_the_same(crawled):
    rows, summary, _ = crawled
    [row] = [row for row in rows if row["sku"] == "S8"]
    assert (row["partner_link"], row["partner"], row["stock"]) == ("http://elsewhere.invalid/x", "", "4")
    assert "elsewhere.invalid/x" not in json.dumps(summary["failures"])


def test_prices_and_relative_dates_are_read_as_their_locale_says(crawled):
    rows, _, _ = crawled
    days = [(datetime.now(UTC) - timedelta(days=ago)).date().isoformat() for ago in (1, 2)]
    assert {row["price"] for row in rows} == {"1234"}
    assert {row["added"] for row in rows} <= set(days)
    assert len({row["added"] for row in rows}) >= 1
