"""Sitemaps of Web Scraper: page types out of a graph of selectors."""

import json

import yaml
from old_recipes import imported_json, selector, sitemap
from old_recipes import sitemap_recipe as recipe_of


def test_elements_make_rows_and_a_value_beside_them_is_read_from_the_page():
    recipe, findings = recipe_of(
        sitemap(
            selector("card", "Element", "div.card", multiple=True),
            selector("name", "Text", "h3", ["card"], multiple=False, regex=""),
            selector("price", "Text", ".price", ["card"], multiple=False, regex=r"(\d+)\.\d+"),
            selector("heading", "Text", "h1", multiple=False),
        )
    )
    page = recipe["pages"]["start"]
    assert page["each"] == "div.card"
    assert page["fields"] == {
        "heading": {"from": "page", "css": "h1"},
        "name": "h3",
        "price": {"css": ".price", "process": [{"regex": r"(?:\d+)\.\d+"}]},
    }
    assert not findings


def test_links_lead_to_page_types_and_what_was_read_on_the_way_is_carried_along():
    recipe, _ = recipe_of(
        sitemap(
            selector("category", "Link", "nav a", multiple=True),
            selector("card", "Element", ".card", ["category"], multiple=True),
            selector("badge", "Text", ".badge", ["card"], multiple=False),
            selector("product", "Link", "h2 a", ["card"], multiple=False),
            selector("title", "Text", "h1", ["product"], multiple=False),
        )
    )
    assert list(recipe["pages"]) == ["start", "category", "product"]
    [start] = recipe["pages"]["start"]["follow"]
    assert (start["each"], start["links"], start["page"]) == ("nav a", ":scope", "category")
    [follow] = recipe["pages"]["category"]["follow"]
    assert (follow["each"], follow["links"], follow["page"]) == (".card", "h2 a", "product")
    assert follow["carry"] == {
        "category": "{{ carried.category }}",
        "category_href": "{{ carried.category_href }}",
        "badge": ".badge",
        "product": "h2 a",
        "product_href": {"css": "h2 a::attr(href)", "process": ["canonical_url"]},
    }
    assert list(recipe["pages"]["product"]["fields"]) == [
        "category", "category_href", "badge", "product", "product_href", "title",
    ]  # fmt: skip


def test_a_link_below_itself_and_a_pagination_selector_are_the_next_page():
    for kind, more in (("Link", {"multiple": True}), ("Pagination", {"paginationType": "auto"})):
        recipe, _ = recipe_of(
            sitemap(
                selector("next", kind, "a.next", ["_root", "next"], **more),
                selector("card", "Element", ".card", ["_root", "next"], multiple=True),
                selector("name", "Text", "h3", ["card"], multiple=False),
            )
        )
        assert list(recipe["pages"]) == ["start"]
        assert recipe["pages"]["start"]["paginate"] == {"next": "a.next"}
        assert recipe["pages"]["start"]["fields"] == {"name": "h3"}


def test_the_only_value_with_several_matches_makes_rows_and_others_are_lists():
    recipe, findings = recipe_of(sitemap(selector("title", "Text", "li b", multiple=True)))
    assert recipe["pages"]["start"]["each"] == "li b"
    assert recipe["pages"]["start"]["fields"] == {"title": ":scope"}
    assert not findings
    titles = selector("c", "ElementAttribute", "i", multiple=True, extractAttribute="title")
    recipe, findings = recipe_of(sitemap(selector("a", "Text", "b", multiple=True), titles))
    assert recipe["pages"]["start"]["fields"]["c"] == {"css": "i::attr(title)", "all": True}
    assert recipe["items"]["row"]["fields"]["a"] == {"type": "array", "items": {"type": "string"}}
    assert [finding.kind for finding in findings] == ["changed", "changed"]


def test_what_only_a_person_can_decide_is_told_at_its_place():
    recipe, findings = recipe_of(
        sitemap(
            selector("card", "ElementScroll", ".card", multiple=True, delay=500),
            selector("name", "Text", "b:eq(1)", ["card"], multiple=False),
            selector("price", "Text", "b", ["card"], multiple=False, regex=r"(?<=€)\d+"),
            selector("odd", "Teleport", "b"),
            start="https://shop.example/p[1-1000000]",
        )
    )
    assert [finding.path for finding in findings if finding.kind == "decide"] == [
        "startUrl[0]", "selectors[0].type", "selectors[1].selector", "selectors[2].regex", "selectors[3].type",
    ]  # fmt: skip
    assert [finding.path for finding in findings if finding.kind == "dropped"] == ["selectors[0].delay"]
    assert len(recipe["start"][-1]["for_each"]["number"]) == 2000
    assert list(recipe["pages"]["start"]["fields"]) == ["price"]


def test_a_sitemap_without_values_or_of_links_in_a_circle_ends():
    result = imported_json(sitemap())
    assert not result.recipes[0].valid
    assert any("no selector gives a value" in finding.message for finding in result.findings)
    circle = sitemap(
        selector("a", "Link", "a.a", ["_root", "b"], multiple=True),
        selector("b", "Link", "a.b", ["a"], multiple=True),
        selector("t", "Text", "h1", ["b"], multiple=False),
    )
    assert list(recipe_of(circle)[0]["pages"]) == ["start", "a", "b"]


def test_a_place_is_a_line_and_a_column_of_the_json():
    data = json.dumps(sitemap(selector("name", "Text", "b:eq(1)", multiple=False)), indent=2)
    finding = next(one for one in imported_json(data).findings if one.path == "selectors[0].selector")
    line = data.split("\n")[finding.line - 1]
    assert line[finding.column - 1 :].startswith('"selector": "b:eq(1)"')


def test_selectors_beyond_two_hundred_are_left_out_with_a_word():
    many = [selector(f"t{number}", "Text", "h1", multiple=False) for number in range(203)]
    recipe, findings = recipe_of(sitemap(*many))
    assert len(recipe["pages"]["start"]["fields"]) == 200
    assert [(finding.kind, finding.path) for finding in findings] == [("decide", "selectors[200]")]


def test_links_out_of_sitemaps_are_start_entries():
    links = selector("map", "SitemapXmlLink", "", sitemapXmlUrls=["https://a.example/s.xml"], foundUrlRegex="/p/")
    result = imported_json(sitemap(links, selector("t", "Text", "h1", ["map"], multiple=False)))
    entry = yaml.safe_load(result.recipes[0].text)["start"][0]
    assert entry == {"sitemap": "https://a.example/s.xml", "allow": ["/p/"], "page": "map"}
    links = selector("map", "SitemapXmlLink", "")
    result = imported_json(sitemap(links, selector("t", "Text", "h1", ["map"], multiple=False)))
    assert any(finding.path == "selectors[0]" and finding.kind == "decide" for finding in result.findings)
