"""Each built-in parent crawls a site of its kind from where it begins to the file, as a recipe of four lines."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys

import pytest
from kinds_of_sites import LISTED, MARKED_UP, OPENCART, RSS, SHOPIFY, SHOPIFY_PAGE, STRUCTURED
from served_site import ServedSite

CRAWLERY = [sys.executable, "-c", "import sys; from crawler.cli.main import main; sys.argv[0] = 'crawlery'; main()"]
EXPORT = "exports: [{{name: rows, item: {0}, format: csv}}]\n"


def shopify(_site, path):
    if path == "/products.json?limit=250":
        return json.dumps(SHOPIFY)
    return json.dumps({"products": []}) if path == "/products.json?limit=250&page=2" else None


def shopify_pages(_site, path):
    listing = '<main><a href="/products/shirt?variant=1">Shirt</a></main>'
    return {"/collections/all": listing, "/products/shirt?variant=1": SHOPIFY_PAGE}.get(path)


def opencart(_site, path):
    menu = '<div id="menu"><a href="/c?path=1">Desktops</a></div>'
    listing = '<div class="product-thumb"><div class="caption"><h4><a href="/p?product_id=42">Display</a></h4></div></div>'
    return {"/": menu, "/c?path=1": listing, "/p?product_id=42": OPENCART}.get(path)


def structured(_site, path):
    home = '<a href="/about">About</a> <a href="/cart/">Cart</a> <a href="/oak-chair">Oak chair</a>'
    return {"/": home, "/about": "<h1>We</h1><a href='/'>Home</a>", "/oak-chair": STRUCTURED}.get(path)


def listed(_site, path):
    home = '<div class="product-card"><a href="/oak-chair">Oak chair</a></div>'
    return {"/": home, "/oak-chair": STRUCTURED}.get(path)


def marked_up(_site, path):
    return {"/": '<a href="/oak-chair">Oak chair</a>', "/oak-chair": MARKED_UP}.get(path)


def in_a_sitemap(site, path):
    listed = f"<?xml version='1.0'?><urlset><url><loc>{site}/p/1</loc></url><url><loc>{site}/p/2</loc></url></urlset>"
    pages = {f"/p/{number}": f'<h1>Chair {number}</h1><i class="sku">C-{number}</i>' for number in (1, 2)}
    return {"/robots.txt": f"Sitemap: {site}/listed.xml", "/listed.xml": listed, **pages}.get(path)


def feed(_site, path):
    return RSS if path == "/" else None


@pytest.mark.parametrize(
    ("parent", "page", "item", "rows"),
    [
        ("shopify", shopify, "product", {"shirt": "חולצה", "MUG": "Mug"}),
        pytest.param("shopify-pages", shopify_pages, "product", {"shirt": "Shirt"}, marks=pytest.mark.long),
        pytest.param("opencart", opencart, "product", {"Product 8": "Cinema display"}, marks=pytest.mark.long),
        ("schema-org-product", structured, "product", {"C-1": "Oak chair"}),
        ("schema-org-product", marked_up, "product", {"C-1": "Oak chair"}),
        ("sitemap-only", in_a_sitemap, "product", {"C-1": "Chair 1", "C-2": "Chair 2"}),
        ("generic-shop", listed, "product", {"C-1": "Oak chair"}),
        ("rss", feed, "entry", {"n-1": "First", "https://news.example/2": "Second"}),
    ],
)
def test_a_site_of_its_kind_becomes_a_file(tmp_path, parent, page, item, rows):
    recipe = tmp_path / "mine.yaml"
    text = f'schema_version: 1\nname: mine\nversion: "1.0.0"\nextends: {parent}@1\nlimits: {{delay: 1ms}}\n'
    own = LISTED if parent == "sitemap-only" else ""
    recipe.write_text(text + own + EXPORT.format(item), encoding="utf-8")
    with ServedSite(page) as site:
        name = {"rss": "feed", "sitemap-only": "sitemap"}.get(parent, "site")
        below = {"rss": "/", "generic-shop": "/", "sitemap-only": "/robots.txt"}.get(parent, "")
        value = site.url + below
        done = subprocess.run(
            [*CRAWLERY, "crawl", str(recipe), "-i", f"{name}={value}", "-o", "rows.csv"],
            cwd=tmp_path,
            env={**os.environ, "EGRESS_ALLOW": ""},
            capture_output=True,
            text=True,
            check=False,
            timeout=110,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    with (tmp_path / "rows.csv").open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    key, title = ("id", "title") if item == "entry" else ("sku", "name")
    assert {row[key]: row[title] for row in found} == rows
