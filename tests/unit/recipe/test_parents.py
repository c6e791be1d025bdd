"""The parents that are built in: each of them finds what its kind of site has, and is found by its name alone."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from kinds_of_sites import ATOM, LISTED, MARKED_UP, OPENCART, RSS, SHOPIFY, SHOPIFY_PAGE, STRUCTURED

from crawler.errors import RecipeError
from crawler.recipe.diagnostics import Report
from crawler.recipe.extract import extract_page, start_requests
from crawler.recipe.loader import load_recipe, load_recipe_text
from crawler.recipe.model import PageInput, PageRequest
from crawler.recipe.parents import BUILT_IN, built_in_names
from crawler.recipe.yaml_nodes import MapNode
from crawler.recipe.yaml_reader import read_yaml

SITE = "https://shop.example"
CHILD = 'schema_version: 1\nname: child\nversion: "1.0.0"\nextends: {0}@1\n'


@pytest.fixture
def child(tmp_path):
    """A recipe that only extends a parent."""

    def load(parent, more=""):
        path = tmp_path / "child.yaml"
        path.write_text(CHILD.format(parent) + more, encoding="utf-8")
        return load_recipe(path)

    return load


def page(recipe, name, body, url=f"{SITE}/p", content_type="text/html", **inputs):
    given = {("feed" if "feed" in recipe.inputs.fields else "site"): SITE, **inputs}
    request = PageRequest(url=url, page=name)
    headers = {"content-type": f"{content_type}; charset=utf-8"}
    return extract_page(
        recipe,
        PageInput(request=request, url=url, body=body.encode(), headers=headers, inputs=recipe.inputs.resolve(given)),
    )


@pytest.mark.parametrize("name", built_in_names())
def test_a_recipe_that_only_extends_it_is_complete_but_for_its_site(child, name):
    recipe = child(name, LISTED if name == "sitemap-only" else "")
    key = {"rss": "feed", "sitemap-only": "sitemap"}.get(name, "site")
    (request,) = start_requests(recipe, recipe.inputs.resolve({key: SITE}))
    assert request.url.startswith(SITE)


@pytest.mark.parametrize("name", built_in_names())
def test_it_is_called_like_its_file_and_has_the_first_version(name):
    root = read_yaml((BUILT_IN / f"{name}.yaml").read_bytes(), file=name, report=Report())
    assert isinstance(root, MapNode)
    assert root.get("name").value == name
    assert root.get("version").value.startswith("1.")


def test_a_parent_beside_the_recipe_comes_first(child, tmp_path):
    (tmp_path / "rss.yaml").write_text(
        (BUILT_IN / "rss.yaml").read_text(encoding="utf-8").replace("Where the feed is", "Ours"), encoding="utf-8"
    )
    assert "Ours" in child("rss").resolved


def test_another_version_than_the_one_that_is_built_in_is_refused(tmp_path):
    path = tmp_path / "child.yaml"
    path.write_text(CHILD.replace("@1", "@2").format("rss"), encoding="utf-8")
    with pytest.raises(RecipeError, match=r"'rss' that is built in has version 1\.0\.0, not 2; write extends: rss@1"):
        load_recipe(path)


def test_a_misspelt_parent_is_told_from_those_that_are_built_in(tmp_path):
    path = tmp_path / "child.yaml"
    path.write_text(CHILD.format("wocommerce"), encoding="utf-8")
    with pytest.raises(RecipeError, match="did you mean 'woocommerce'"):
        load_recipe(path)


def test_a_job_takes_the_parent_along(child):
    resolved = child("shopify").resolved
    assert load_recipe_text(resolved).pages.keys() == {"products"}


def test_shopify_gives_products_with_variants_and_those_without(child):
    result = page(child("shopify"), "products", json.dumps(SHOPIFY), content_type="application/json", currency="ILS")
    assert result.rejects == ()
    shirt, mug = (row.values for row in result.rows)
    assert (shirt["sku"], shirt["url"]) == ("shirt", f"{SITE}/products/shirt")
    assert (shirt["price"], shirt["regular_price"]) == (Decimal("42.00"), Decimal("45.00"))
    assert shirt["attributes"] == [{"name": "צבע", "values": ["שחור", "לבן"]}, {"name": "Size", "values": ["S", "L"]}]
    assert [one["attributes"] for one in shirt["variants"]] == [["שחור", "S"], ["לבן", "L"]]
    assert [one["regular_price"] for one in shirt["variants"]] == [Decimal("45.00"), None]
    assert (mug["sku"], mug["variants"], mug["price"]) == ("MUG", None, Decimal("9.90"))
    assert mug["availability"] == "OutOfStock"
    assert result.next.url == f"{SITE}/p?page=2"


def test_shopify_pages_have_their_prices_in_cents(child):
    (row,) = page(child("shopify-pages"), "product", SHOPIFY_PAGE).rows
    assert (row.values["price"], row.values["regular_price"]) == (Decimal("42.00"), Decimal("45.00"))
    (one, other) = row.values["variants"]
    assert (one["sku"], one["price"], one["regular_price"]) == ("SH-B", Decimal("42.00"), Decimal("45.00"))
    assert (other["price"], other["regular_price"], other["availability"]) == (Decimal("50.00"), None, "OutOfStock")
    assert row.values["attributes"] == [{"name": "Colour"}]


def test_opencart_gives_prices_options_and_specifications(child):
    (row,) = page(child("opencart"), "product", OPENCART).rows
    values = row.values
    assert (values["sku"], values["name"], values["brand"]) == ("Product 8", "Cinema display", "Apple")
    assert (values["price"], values["regular_price"]) == (Decimal("110.00"), Decimal("122.00"))
    assert (values["availability"], values["category"]) == ("InStock", "Desktops > Monitors")
    assert values["attributes"] == [
        {"name": "Colour", "values": ["Red", "Blue"]},
        {"name": "Size", "values": ["Small", "Large"]},
    ]
    assert values["specifications"] == [{"name": "Clockspeed", "values": ["100mhz"]}]
    assert values["images"] == [f"{SITE}/image/1.jpg", f"{SITE}/image/2.jpg"]


@pytest.mark.parametrize("body", [STRUCTURED, MARKED_UP], ids=["JSON-LD", "microdata"])
@pytest.mark.parametrize("parent", ["schema-org-product", "generic-shop"])
def test_structured_data_is_a_product_whatever_the_page_looks_like(child, parent, body):
    recipe = child(parent)
    (row,) = page(recipe, "page" if parent == "schema-org-product" else "product", body).rows
    values = row.values
    assert (values["sku"], values["name"], values["brand"]) == ("C-1", "Oak chair", "Åsgård")
    assert (values["price"], values["currency"], values["availability"]) == (Decimal("89.50"), "EUR", "InStock")
    assert values["images"] == ["https://cdn.example/1.jpg", "https://cdn.example/2.jpg"]


@pytest.mark.parametrize("parent", ["schema-org-product", "generic-shop", "woocommerce"])
def test_the_product_of_a_page_is_found_among_other_things_and_wherever_its_price_is(child, parent):
    graph = [
        {"@type": "BreadcrumbList", "itemListElement": []},
        {"@type": "Product", "name": "Ash table", "sku": "T-9", "url": "/t"},
        {"@type": "Product", "name": "Oak chair", "sku": "C-1", "url": "/p", "brand": [{"@id": "#b"}], "gtin13": 729,
         "offers": {"priceSpecification": [{"price": 89.5, "priceCurrency": "EUR"}], "availability": "InStock"}},
        {"@type": "Brand", "@id": "#b", "name": "Acme"},
    ]  # fmt: skip
    body = f"<h1>Oak chair</h1><script type='application/ld+json'>{json.dumps({'@graph': graph})}</script>"
    if parent == "woocommerce":
        body += '<p class="summary"><b class="price">€89.50</b></p>'
    (row,) = page(child(parent), "page" if parent == "schema-org-product" else "product", body).rows
    assert {name: row.values[name] for name in ("sku", "name", "price", "currency", "brand", "gtin")} == {
        "sku": "C-1", "name": "Oak chair", "price": Decimal("89.5"), "currency": "EUR", "brand": "Acme", "gtin": "729",
    }  # fmt: skip


def test_a_group_of_products_costs_what_its_first_one_does(child):
    group = {
        "@type": "ProductGroup", "name": "Shirt", "productGroupID": "S-1",
        "hasVariant": [{"@type": "Product", "offers": {"price": "42.00", "priceCurrency": "ILS"}}],
    }  # fmt: skip
    (row,) = page(child("schema-org-product"), "page", STRUCTURED.partition("<script")[0] + ld(group)).rows
    assert (row.values["sku"], row.values["price"], row.values["currency"]) == ("S-1", Decimal("42.00"), "ILS")


def ld(node):
    return f"<script type='application/ld+json'>{json.dumps(node)}</script>"


def test_a_shop_that_says_it_in_microdata_needs_no_class_names(child):
    (row,) = page(child("woocommerce"), "product", MARKED_UP + '<p class="summary"><b class="price">89.50</b></p>').rows
    assert (row.values["sku"], row.values["currency"], row.values["brand"]) == ("C-1", "EUR", "Åsgård")


def test_what_a_sitemap_lists_is_of_the_page_type_that_the_child_gives(child):
    recipe = child("sitemap-only", LISTED)
    (request,) = start_requests(
        recipe, recipe.inputs.resolve({"sitemap": f"{SITE}/sitemap.xml", "since": "2026-11-01"})
    )
    body = f"""<urlset><url><loc>{SITE}/p/1</loc></url>
    <url><loc>{SITE}/p/2</loc><lastmod>2026-10-02</lastmod></url></urlset>"""
    found = extract_page(recipe, PageInput(request=request, url=request.url, body=body.encode(), headers={}, inputs={}))
    assert [(one.page, one.url) for one in found.requests] == [("page", f"{SITE}/p/1")]


def test_without_a_page_type_a_sitemap_is_of_no_use_and_that_is_said(child):
    with pytest.raises(RecipeError, match="pages"):
        child("sitemap-only")


def test_a_page_without_a_product_gives_links_and_no_row(child):
    result = page(
        child("schema-org-product"), "page", '<a href="/b">b</a> <a href="/c.pdf">c</a> <a href="/cart/">d</a>'
    )
    assert (result.rows, [one.url for one in result.requests]) == ((), [f"{SITE}/b"])


def test_a_shop_without_structured_data_is_read_by_its_class_names(child):
    body = """<h1>Oak chair</h1><p class="price"><del>€45</del> <ins>€42</ins></p><i class="sku">C-1</i>"""
    (row,) = page(child("generic-shop"), "product", body).rows
    assert (row.values["sku"], row.values["name"]) == ("C-1", "Oak chair")
    assert (row.values["price"], row.values["regular_price"]) == (Decimal(42), Decimal(45))


@pytest.mark.parametrize("feed", [RSS, ATOM])
def test_a_feed_is_its_entries(child, feed):
    result = page(child("rss"), "feed", feed, content_type="application/xml")
    assert result.rejects == ()
    first = result.rows[0].values
    assert (first["id"], first["title"], first["url"]) == ("n-1", "First", "https://news.example/1")
    assert first["published"] == "2024-03-05T10:00:00+00:00"
    assert (first["author"], first["categories"]) == ("Dana", ["oak", "ash"])
    assert first["attachment"] == "https://news.example/1.mp3"
    assert len(result.rows) == 2
