"""First recipes: from pages to YAML that loads, holds on every sample and says what was found."""

from decimal import Decimal

import pytest

from crawler.errors import PageError
from crawler.recipe.extract import extract_page
from crawler.recipe.loader import load_recipe_text
from crawler.recipe.model import PageInput, PageRequest
from crawler.recipe.propose import Draft, FieldDraft, Level, item_fields, recipe_text, sample_of
from crawler.recipe.propose_data import looks_like_item
from crawler.recipe.propose_item import field_name
from crawler.recipe.propose_list import NextPage
from crawler.recipe.propose_rows import row_draft
from crawler.recipe.values import MISSING

LINKED = """<!DOCTYPE html><title>{name} | Shop</title>
<meta property="og:type" content="product"><meta property="og:title" content="{name}">
<script type="application/ld+json">{{"@type": "BreadcrumbList", "name": "Product"}}</script>
<script type="application/ld+json">{{"@graph": [{{"@type": "WebPage"}}, {{"@type": ["Product"], "name": "{name}",
 "sku": "{sku}", "brand": {{"name": "Oakley"}}, "image": ["/1.jpg", "/2.jpg"],
 "offers": {{"price": "{price}", "priceCurrency": "EUR", "availability": "https://schema.org/InStock"}}}}]}}</script>
<header class="site-header">Basket: <span class="price">€0.00</span></header>
<main><h1>{name}</h1><p class="price">{old}<span class="amount">€{price}</span></p></main>
<aside class="related"><h1>Others</h1><p class="price"><span class="amount">€1.00</span></p></aside>"""

BARE = """<!DOCTYPE html><title>{name}</title><ul class="breadcrumb"><li><a href="/">Home</a><li><a href="/b/">Books</a>
<li>{name}</ul><article class="product_page"><div id="product_gallery"><img src="../{sku}.jpg" alt="{name}"></div>
<div class="product_main"><h1>{name}</h1><p class="price_color">£{price}</p>
<p class="instock availability">In stock</p></div>
<div id="product_description" class="sub-header"><h2>Product Description</h2></div>
<p>A long description of {name}, which is longer than a heading.</p>
<table><tr><th>UPC</th><td>{sku}</td></tr><tr><th>Price (excl. tax)</th><td>£{price}</td></tr>
<tr><th>Country</th><th>Standard</th><td>no fact</td></tr></table></article>"""


def sample(html, number):
    url = f"https://x.example/p/{number}.html"
    return sample_of(PageInput(request=PageRequest(url=url, page=None), url=url, body=html.encode()))


def samples(page, *, old=""):
    values = [("Oak chair", "A-1", "5.00", ""), ("Pine chair", "A-2", "1290.50", old)]
    return [
        sample(page.format(name=name, sku=sku, price=price, old=before), number)
        for number, (name, sku, price, before) in enumerate(values)
    ]


def fields_of(pages):
    fields, told = item_fields(pages)
    return {one.name: one for one in fields}, told


def test_json_ld_is_read_wherever_the_product_is():
    found, told = fields_of(samples(LINKED))
    assert (told.type, told.sources) == ("Product", {"ld": {"jsonld": "Product"}})
    assert [str(value) for value in found["price"].values] == ["5.00", "1290.50"]
    assert found["sku"].values == ("A-1", "A-2")
    assert found["brand"].values == ("Oakley", "Oakley")
    assert found["availability"].values == ("InStock", "InStock")
    assert found["images"].values[0] == ["/1.jpg", "/2.jpg"]


def test_a_field_has_the_page_and_meta_tags_as_further_alternatives():
    found, _ = fields_of(samples(LINKED))
    assert found["name"].origins == ("json-ld", "page", "meta")
    assert found["name"].rules[1:] == ({"css": "main h1"}, {"meta": "og:title"})


def test_an_old_price_beside_the_price_is_not_taken_for_it():
    pages = samples(LINKED.replace('"offers"', '"other"'), old='<del><span class="amount">€1500.00</span></del> ')
    found, _ = fields_of(pages)
    assert [str(value) for value in found["price"].values] == ["5.00", "1290.50"]
    assert found["regular_price"].values == (MISSING, Decimal("1500.00"))


def test_a_page_without_structured_data_gives_what_it_shows():
    found, told = fields_of(samples(BARE))
    assert (told.type, told.sources) == ("", {})
    assert found["name"].rules == ("h1",)
    assert [str(value) for value in found["price"].values] == ["5.00", "1290.50"]
    assert found["currency"].rules == ({"const": "GBP"},)
    assert found["category"].values == ("Books", "Books")
    assert found["image"].values == ("../A-1.jpg", "../A-2.jpg")
    assert found["upc"].values == ("A-1", "A-2")
    assert found["description"].rules[0] == {"css": "#product_description + p"}
    assert "country" not in found


MARKED = """<!DOCTYPE html><title>{name}</title><div itemscope itemtype="https://schema.org/Product">
<h1 itemprop="name">{name}</h1><meta itemprop="sku" content="{sku}"><p itemprop="offers" itemscope
itemtype="https://schema.org/Offer"><b class="price" itemprop="price" content="{price}">€{price}</b>
<meta itemprop="priceCurrency" content="EUR"><link itemprop="availability" href="https://schema.org/InStock"></p></div>"""


def test_microdata_is_read_as_what_it_is_and_the_page_stands_behind_it():
    found, told = fields_of(samples(MARKED))
    assert told.sources == {"md": {"microdata": "Product"}}
    assert found["name"].rules == ({"from": "md", "jmespath": "name"}, "h1")
    assert found["sku"].rules == ({"from": "md", "jmespath": "sku"},)
    assert found["price"].origins == ("page", "microdata")
    assert found["availability"].values == ("InStock", "InStock")


STATE = """<!DOCTYPE html><title>{name} - Shop</title><div id="app"></div>
<script id="__NEXT_DATA__" type="application/json">{{"props": {{"page-data": {{"user": {{"name": "Dana"}}, "product":
{{"title": "{name}", "sku": "{sku}", "price": {{"amount": {price}, "currency": "EUR"}}, "brand": {{"name": "Oakley"}},
"related": [{{"name": "Other", "price": 1}}]}}}}}}}}</script>"""


def test_a_page_that_scripts_make_is_read_from_what_it_brings_along_for_them():
    found, told = fields_of(samples(STATE))
    assert told.sources == {"state": {"css": "script#__NEXT_DATA__::text", "parse": "json"}}
    assert found["name"].rules == ({"from": "state", "jmespath": 'props."page-data".product.title'},)
    assert found["sku"].values == ("A-1", "A-2")
    assert [str(value) for value in found["price"].values] == ["5.00", "1290.50"]
    assert found["currency"].values == ("EUR", "EUR")
    assert found["brand"].values == ("Oakley", "Oakley")


def test_what_scripts_bring_along_stands_behind_what_the_page_shows_and_must_agree_with_it():
    page = STATE.replace('<div id="app"></div>', '<h1>{name}</h1><p class="price">€{price}</p>')
    found, _ = fields_of(samples(page))
    assert found["name"].origins == ("page", "state")
    assert found["price"].origins == ("page", "state")
    cents = page.replace('"amount": {price}', '"amount": 1{sku}'.replace("{sku}", "00"))
    assert fields_of(samples(cents))[0]["price"].origins == ("page",)


def test_another_things_data_is_not_taken_for_the_pages():
    page = STATE.replace('"title": "{name}"', '"title": "Somebody else"')
    with_name = page.replace('<div id="app"></div>', "<h1>{name}</h1>")
    found, told = fields_of(samples(with_name))
    assert set(found) == {"name"}
    assert told.sources == {}


@pytest.mark.parametrize("broken", ["{{broken", "[1]", ""])
def test_data_that_is_none_is_passed_over(broken):
    page = BARE + f'<script id="state" type="application/json">{broken}</script>'
    assert fields_of(samples(page))[1].sources == {}


def test_a_selector_that_fits_the_first_sample_by_chance_is_not_proposed():
    pages = samples(BARE)
    pages[1] = sample(BARE.format(name="Pine", sku="A-2", price="7.00", old="").replace("price_color", "cost"), 1)
    found, _ = fields_of(pages)
    assert "price" not in found


@pytest.mark.parametrize("page", [LINKED, BARE, MARKED, STATE])
def test_the_recipe_loads_and_gives_the_values_found(page):
    pages = samples(page)
    fields, told = item_fields(pages)
    draft = Draft(
        name="first",
        url="https://x.example/c/?a=1",
        item="product",
        listing=Level(
            links="li a", count=2, next=NextPage(paginate={"next": "a[rel~=next]"}, url="https://x.example/2")
        ),
        sources=told.sources,
        fields=fields,
        required=frozenset({"name"}),
    )
    text = recipe_text(draft)
    recipe = load_recipe_text(text)
    for one in pages:
        request = PageRequest(url=one.input.url, page="product")
        result = extract_page(recipe, PageInput(request=request, url=one.input.url, body=one.input.body))
        assert not result.rejects
        assert result.rows[0].values["name"] in {"Oak chair", "Pine chair"}
    assert "# Oak chair" in text
    assert 'urls: "{{ inputs.site }}/c/?a=1"' in text


def test_a_page_that_says_it_is_a_product_looks_like_one():
    assert looks_like_item(samples(LINKED)[0].seen)
    assert not looks_like_item(samples(BARE)[0].seen)


def test_a_page_that_is_no_html_is_refused_with_its_kind():
    page_input = PageInput(
        request=PageRequest(url="https://x.example/", page=None),
        url="https://x.example/",
        body=b"{}",
        headers={"content-type": "application/json"},
    )
    with pytest.raises(PageError, match="is json, not HTML"):
        sample_of(page_input)


QUOTE = """<div class="quote"><span class="text">Quote number {n} is a long one.</span>
by <small class="author">A{n}</small>
<p><a class="tag" href="/t/a">a</a><a class="tag" href="/t/{n}">t{n}</a></p></div>"""
QUOTES = "".join(QUOTE.format(n=n) for n in range(5))


def test_repeated_elements_become_rows_with_their_parts():
    draft = row_draft(sample(QUOTES, 1).seen)
    assert draft.each == ".quote"
    assert draft.count == 5
    assert {one.name: one.rule for one in draft.fields} == {
        "text": {"css": ".text"},
        "author": {"css": ".author"},
        "tag": {"css": ".tag", "all": True},
    }


def test_rows_become_a_recipe_that_loads():
    draft = row_draft(sample(QUOTES, 1).seen)
    assert draft is not None
    fields = tuple(
        FieldDraft(name=one.name, rules=(one.rule,), spec=one.spec, values=(one.sample,), origins=("page",))
        for one in draft.fields
    )
    text = recipe_text(Draft(name="quotes", url="https://x.example/", item="row", rows=draft, fields=fields))
    assert load_recipe_text(text).pages["listing"].rows is not None


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("UPC", "upc"),
        ("Price (excl. tax)", "price_excl_tax"),
        ("Numéro d'article", "numero_d_article"),
        ("צבע", ""),
        ("3 years", ""),
    ],
)
def test_headings_become_names_of_fields(heading, name):
    assert field_name(heading) == name
