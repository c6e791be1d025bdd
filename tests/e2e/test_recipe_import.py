"""Recipes of other systems, imported and crawled as their owners would: the rows are what the shop sells."""

import json
from decimal import Decimal

import pytest

REPLACED = """\
name: Chairs
version: '1.0.0'
siteUrl: {site}/c/furniture/chairs/
selectors:
  title: [h1.no-such, h1.product-name]
  price: ['.summary .price > .amount', '.summary .price del .amount']
  salePrice: .summary .price ins .amount
  sku: .meta .sku
  description: .description
  images: .gallery a.zoom
  stock: .summary .availability
  category: .no-breadcrumb
  attributes: .variations-form
  variations: .variations-form select
  variationForm: form.variations-form
  productLinks: ['.no-card a', article.product-card h2 a]
  pagination: {{nextPage: .pager .next}}
transforms:
  title: ['trim: ', 'replace:bench|Bench', '\\s+->']
  price: ['replace:[^\\d.]', ',->']
behavior: {{rateLimit: 10, maxConcurrent: 4}}
validation: {{requiredFields: [title]}}
"""


def rows_of(workplace, recipe, *options):
    workplace.crawlery("crawl", recipe, "-o", f"{recipe}.jsonl", *options)
    lines = (workplace.folder / f"{recipe}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line, parse_float=Decimal) for line in lines]


@pytest.fixture
def chairs(shop):
    """What the shop says it has in its list of chairs, by SKU."""
    return {one.sku: one for one in shop.catalogue.products if one.category.slug == "chairs"}


def test_a_recipe_of_the_replaced_system_gives_the_shops_products(workplace, shop, chairs):
    (workplace.folder / "old.yaml").write_text(REPLACED.format(site=shop.url), encoding="utf-8")
    output = workplace.crawlery("recipe", "import", "old.yaml", code=1)  # it has a sale price: that is to decide
    assert output.count(": did nothing: ") == 3
    assert "wrote recipes/chairs.yaml (it loads)" in output
    rows = {row["sku"]: row for row in rows_of(workplace, "chairs")}
    assert rows.keys() == chairs.keys()
    for sku, row in rows.items():
        product = chairs[sku]
        assert row["name"] == " ".join(product.name.replace("bench", "Bench").split())
        assert row["category"] == "Chairs"
        assert row["price"] == product.price
        if product.regular_price is not None:
            assert row["regular_price"] == product.regular_price
        variants = row.get("variants") or []
        assert {one["sku"]: Decimal(one["price"]) for one in variants} == {
            one.sku: one.price for one in product.variations
        }


def selector(name, kind, css, *parents, **more):
    return {
        "id": name,
        "type": f"Selector{kind}",
        "selector": css,
        "parentSelectors": parents,
        "multiple": False,
        **more,
    }


COLUMNS = [{"header": "SKU", "name": "SKU", "extract": True}]
WEBSCRAPER = {
    "_id": "chair_map",
    "startUrl": ["{site}/c/furniture/chairs/"],
    "selectors": [
        selector("next", "Pagination", ".pager .next a", "_root", "next"),
        selector("list", "Text", "h1", "_root"),
        selector("card", "Element", "article.product-card", "_root", "next", multiple=True),
        selector("product", "Link", "h2 a", "card"),
        selector("sku", "Text", ".meta .sku", "product"),
        selector("first word", "Text", "h1", "product", regex=r"(\S)\S*"),
        selector("images", "ElementAttribute", ".thumbs a", "product", multiple=True, extractAttribute="href"),
        selector("versions", "Table", "table.variations", "product", tableDataRowSelector="tbody tr", columns=COLUMNS),
    ],
}


def test_a_sitemap_of_web_scraper_gives_the_shops_products_with_what_the_list_says_of_them(workplace, shop, chairs):
    text = json.dumps(WEBSCRAPER, indent=1).replace("{site}", shop.url)
    (workplace.folder / "map.json").write_text(text, encoding="utf-8")
    output = workplace.crawlery("recipe", "import", "map.json", "-o", "recipes/mapped.yaml")
    assert "wrote recipes/mapped.yaml (it loads)" in output
    rows = {row["sku"]: row for row in rows_of(workplace, "mapped")}
    assert rows.keys() == chairs.keys()
    for sku, row in rows.items():
        product = chairs[sku]
        assert row["list"] == "Chairs"
        assert row["product"] == " ".join(product.name.split())
        assert row["product_href"] == shop.url + product.path
        assert row["first_word"] == product.name.split()[0]
        assert row["images"] == [shop.url + image for image in product.images] or not product.images[1:]
        assert [one["sku"] for one in row["versions"] or []] == [one.sku for one in product.variations]


CARDIGANN = """\
id: search-shop
links: [{site}/]
search:
  paths: [{{path: "{{{{ if .Keywords }}}}search{{{{ else }}}}c/toys/{{{{ end }}}}"}}]
  inputs: {{q: "{{{{ .Keywords }}}}"}}
  rows: {{selector: article.product-card}}
  fields:
    title: {{selector: h2 a}}
    details: {{selector: h2 a, attribute: href}}
    page: {{selector: h2 a, attribute: href, filters: [{{name: split, args: [/, 2]}}]}}
    name: {{text: "{{{{ if .Result.x }}}}{{{{ .Result.x }}}}{{{{ else }}}}{{{{ .Result.title }}}}{{{{ end }}}}"}}
    x: {{selector: .no-such-thing, optional: true}}
    discount: {{case: {{"p.price del": 1, "*": 0}}}}
    found: {{selector: ":root main > p"}}
"""


def test_a_definition_of_cardigann_searches_the_shop(workplace, shop):
    (workplace.folder / "finder.yml").write_text(CARDIGANN.format(site=shop.url), encoding="utf-8")
    workplace.crawlery("recipe", "import", "finder.yml", code=1)  # of its condition the part for keywords is taken
    rows = rows_of(workplace, "search-shop", "-i", "keywords=bench")
    wanted = [one for one in shop.catalogue.products if "bench" in one.name.casefold()]
    assert 0 < len(wanted) <= 20
    assert [row["details"] for row in rows] == [shop.url + one.path for one in wanted]
    for row, product in zip(rows, wanted, strict=True):
        assert row["title"] == row["name"] == " ".join(product.name.split())
        assert row["page"] == product.path.split("/")[2]
        assert row["discount"] == (1 if product.regular_price is not None else 0)
        assert row["found"] == f"{len(wanted)} found."
