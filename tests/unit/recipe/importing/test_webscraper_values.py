"""Values of Web Scraper's sitemaps."""

from old_recipes import ROOT, selector, sitemap
from old_recipes import sitemap_recipe as recipe_of


def test_values_of_all_kinds():
    columns = [{"header": "Size", "name": "size", "extract": True}, {"header": "x", "extract": False}]
    recipe, _ = recipe_of(
        sitemap(
            selector("html", "HTML", ".d", multiple=False),
            selector("image", "Image", "img.a", multiple=False),
            selector("data", "ElementAttribute", ".x", multiple=False, extractAttribute="data-id"),
            selector("all", "Grouped", ".tag"),
            selector("link", "Link", "a.buy", multiple=False),
            {"id": "here", "type": "SelectorPageURL", "parentSelectors": ROOT},
            selector("sizes", "Table", "table.s", tableDataRowSelector="tr.row", columns=columns),
        )
    )
    assert recipe["pages"]["start"]["fields"] == {
        "html": {"css": ".d", "as": "html"},
        "image": "img.a::attr(src)",
        "data": ".x::attr(data-id)",
        "link": "a.buy",
        "link_href": "a.buy::attr(href)",
        "here": {"response": "url"},
        "all": {"css": ".tag", "all": True},
        "sizes": {"each": "table.s tr.row", "fields": {"size": {"table": {"header": "Size"}}}},
    }
