"""A shop that shows its goods as JSON-LD, microdata, JavaScript, XML, CSV and JSON lines, crawled from end to end."""

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

import crawler.errors
from crawler.sample_shop.httpd import HttpResponse, HttpServer
from crawler.sample_shop.server import running_server

ROOT = Path(crawler.errors.__file__).parents[1]
RECIPES = Path(__file__).parent / "sources"

PAGES = {
    "/": ("text/html", '<a href="/p/ld">1</a> <a href="/p/md">2</a> <a href="/p/js">3</a> <a href="/p/broken">4</a>'),
    "/p/ld": (
        "text/html",
        """<script type="application/ld+json">{"@context": "https://schema.org", "@graph": [
        {"@type": "Product", "sku": "X-9", "name": "Related", "url": "/p/other"},
        {"@type": "Product", "sku": "LD-1", "name": "Oak chair", "url": "/p/ld", "brand": {"@id": "#b"},
         "image": {"@type": "ImageObject", "url": "/1.jpg"},
         "offers": {"price": "89.50", "availability": "http://schema.org/InStock"}},
        {"@type": "Brand", "@id": "#b", "name": "Acme"}]}</script>""",
    ),
    "/p/md": (
        "text/html",
        """<div itemscope itemtype="http://schema.org/Product"><h1 itemprop="name">Ash table</h1>
        <meta itemprop="sku" content="MD-1"><img itemprop="image" src="/2.jpg"><p itemprop="brand" itemscope>
        <b itemprop="name">Acme</b></p><p itemprop="offers" itemscope itemtype="http://schema.org/Offer">
        <b itemprop="price" content="249">€ 249,00</b><link itemprop="availability"
        href="https://schema.org/OutOfStock"></p></div>""",
    ),
    "/p/js": (
        "text/html",
        "<script>var shop = {id: 1};\nvar productData = {sku: 'JS-1', // now\n name: 'Birch stool', price: 49.00,};</script>",
    ),
    "/p/broken": (
        "text/html",
        """<script type="application/ld+json">{"@type": "Product", "sku": "no "one"</script><script>productData = {sku:
        </script><div itemscope itemtype="http://schema.org/Product"><b itemprop="sku">B-1</b>
        <i itemprop="name">Pine desk</i></div>""",
    ),
    "/feed.xml": (
        "application/xml",
        """<?xml version="1.0"?><rss xmlns:x="http://base.google.com/ns/1.0"><channel><item><x:title>no</x:title>
        <title>Elm bench</title><x:id>XML-1</x:id><x:price>120.00 EUR</x:price><x:image_link>/3.jpg</x:image_link>
        </item></channel></rss>""",
    ),
    "/stock.csv": ("text/csv", "sku;Product name;price\nCSV-1;Beech shelf;12,50\nCSV-2;Too;many;cells\n"),
    "/stock.jsonl": ("application/x-ndjson", '{"sku": "JL-1", "name": "Fir box", "price": 5.10}\n{"sku": "JL-2"\n'),
    "/offers.js": ("text/javascript", "showOffers({offers: [{sku: 'CB-1', name: 'Yew bowl', price: 7}]});"),
}
EXPECTED = {
    "LD-1": ("Oak chair", Decimal("89.50"), "Acme", "InStock", ["/1.jpg"]),
    "MD-1": ("Ash table", Decimal(249), "Acme", "OutOfStock", ["/2.jpg"]),
    "JS-1": ("Birch stool", Decimal("49.00"), None, None, None),
    "B-1": ("Pine desk", None, None, None, None),
    "XML-1": ("Elm bench", Decimal("120.00"), None, None, ["/3.jpg"]),
    "CSV-1": ("Beech shelf", Decimal("12.50"), None, None, None),
    "JL-1": ("Fir box", Decimal("5.10"), None, None, None),
    "CB-1": ("Yew bowl", Decimal(7), None, None, None),
}


def site(request):
    if request.path not in PAGES:
        return HttpResponse(status=404)
    content_type, body = PAGES[request.path]
    return HttpResponse(body=body.encode(), content_type=f"{content_type}; charset=utf-8")


@pytest.fixture(scope="module")
def crawled(tmp_path_factory):
    """(rows by SKU, rejects, the log)."""
    out = tmp_path_factory.mktemp("sources") / "out.jsonl"
    with running_server(HttpServer(site)) as server:
        command = [sys.executable, "-m", "scrapy", "crawl", "sources", "-a", f"site={server.url}", "-O", str(out)]
        env = {**os.environ, "RECIPES_PATH": str(RECIPES)}
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=110)
    assert done.returncode == 0, done.stderr[-3000:]
    rows = [json.loads(line, parse_float=Decimal) for line in out.read_text().splitlines()]
    rejects = [json.loads(line) for line in out.with_name("out.rejects.jsonl").read_text().splitlines()]
    return server.url, {row["sku"]: row for row in rows}, rejects, done.stderr


def test_every_way_to_show_a_good_gives_its_row(crawled):
    url, rows, _, _ = crawled
    assert rows.keys() == EXPECTED.keys()
    for sku, (name, price, brand, availability, images) in EXPECTED.items():
        row = rows[sku]
        found = (row["name"], row["price"], row["brand"], row["availability"], row["images"])
        absolute = None if images is None else [url + image for image in images]
        assert found == (name, price, brand, availability, absolute), sku


def test_lines_that_are_no_rows_are_kept_as_rejects_with_their_number_and_text(crawled):
    _, _, rejects, _ = crawled
    told = {(reject["url"].rpartition("/")[2], reject["values"]["line"], reject["values"]["text"]) for reject in rejects}
    assert told == {("stock.csv", 3, "CSV-2;Too;many;cells"), ("stock.jsonl", 2, '{"sku": "JL-2"')}
    assert {reason["rule"] for reject in rejects for reason in reject["reasons"]} == {"parse"}


def test_what_was_broken_or_chosen_is_counted(crawled):
    *_, log = crawled
    for counter in ("recipe/jsonld_unparsed': 1", "recipe/rows_unparsed': 2", "recipe/source_unparsed': 1"):
        assert counter in log
    assert "recipe/ambiguous/sources.ld': 1" in log
