"""What one item page shows, and the rules that may read it."""

import pytest

from crawler.recipe.propose_dom import see
from crawler.recipe.propose_item import facts_of, page_candidates, words_shown

URL = "https://x.example/p/1.html"


def facts(body):
    return facts_of(see(f"<!DOCTYPE html><html>{body}</html>", url=URL, base_url=URL))


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ("<h1>Oak</h1>", "Oak"),
        ("<h1>Shop</h1><title>Oak | Shop</title><h1>Oak</h1>", "Shop"),
        ("<title>Oak chair</title><header><h1>The Shop</h1></header><main><h1>Oak chair</h1></main>", "Oak chair"),
        ("<header><h1>Logo</h1></header><main><h1>Oak</h1></main>", "Oak"),
        ("<h1> </h1><p>x</p>", None),
    ],
)
def test_the_heading_is_the_one_of_the_title_or_of_the_content(body, name):
    assert facts(body).value("name") == name


@pytest.mark.parametrize(
    ("body", "price", "old"),
    [
        ("<h1>O</h1><p>€5.00</p>", "€5.00", None),
        ("<h1>O</h1><p><del>€6.00</del> <ins>€5.00</ins></p>", "€5.00", "€6.00"),
        ("<header class=header>Basket €0.00</header><h1>O</h1><b>€5.00</b>", "€5.00", None),
        ("<b>€5.00</b><h1>O</h1><aside class=related><b>€1.00</b></aside>", "€5.00", None),
        ("<h1>O</h1><table><tr><td>€4.90</table><p>€5.00</p>", "€5.00", None),
        ("<h1>O</h1><p>€5.00</p><table><tr><td><del>€9.00</del></table>", "€5.00", None),
        ("<h1>O</h1><p>Price on request</p>", None, None),
    ],
)
def test_the_price_is_the_items_own_and_of_today(body, price, old):
    if price == "€5.00" and "€9.00" in body:
        body = body.replace("<p>", "<div>" + "word " * 30 + "<p>")
    found = facts(body)
    assert (found.value("price"), found.value("regular_price")) == (price, old)


def test_a_description_may_stand_below_its_heading():
    body = '<div id="product_description" class="sub-header"><h2>Description</h2></div><p>' + "A long text. " * 5
    found = facts(body).known["description"]
    assert found.value.startswith("A long text.")
    assert found.after is not None


@pytest.mark.parametrize(
    ("body", "attribute"),
    [
        ('<h1>Oak</h1><img src="/logo.png"><img src="/1.jpg" alt="Oak">', "src"),
        ('<h1>Oak</h1><div class="gallery"><img src="data:x" data-src="/1.jpg"></div>', "data-src"),
        ('<h1>Oak</h1><img src="/logo.png">', None),
        ('<h1>Oak</h1><div class="related"><img src="/2.jpg" alt="Oak"></div>', None),
    ],
)
def test_the_picture_is_named_like_the_item_or_stands_in_a_gallery(body, attribute):
    found = facts(body).known.get("image")
    assert (found.attribute if found else None) == attribute


def test_tables_of_two_cells_and_lists_of_definitions_are_facts():
    body = """<table><tr><th>UPC</th><td>a1</td></tr><tr><th>Country</th><th>Price</th><td>x</td></tr></table>
    <dl><dt>Weight</dt><dd>5 kg</dd><dt>Empty</dt></dl>"""
    assert facts(body).table == {"UPC": "a1", "Weight": "5 kg"}


def test_facts_are_read_by_their_heading_and_prices_as_prices():
    body = "<table><tr><th>Buyer's price</th><td>€5.00</td></tr></table><dl><dt>Weight</dt><dd>5 kg</dd></dl>"
    rules = {one.field: one.rule for one in page_candidates([facts(body)])}
    assert rules["buyer_s_price"] == {
        "xpath": '//th[normalize-space()="Buyer\'s price"]/following-sibling::td[1]',
        "process": ["price"],
    }
    assert rules["weight"] == {"xpath": "//dt[normalize-space()='Weight']/following-sibling::dd[1]"}


def test_a_price_beside_struck_prices_is_read_without_them():
    body = "<h1>O</h1><p class=price><del>€6.00</del> <ins>€5.00</ins></p>"
    first = next(one for one in page_candidates([facts(body)]) if one.field == "price")
    assert first.rule == {"css": ".price", "remove": ["del", "s", "strike"], "process": ["price"]}


def test_availability_is_not_read_by_a_class_that_says_the_state():
    body = '<h1>O</h1><p class="in-stock availability">In stock</p>'
    rules = [one.rule for one in page_candidates([facts(body)]) if one.field == "availability"]
    assert rules
    assert not any("in-stock" in str(rule) for rule in rules)


def test_what_each_sample_shows_is_wanted_of_every_rule():
    samples = [facts("<h1>A</h1><b class=price>€1</b>"), facts("<h1>B</h1>")]
    wanted = {one.field: one.wanted for one in page_candidates(samples)}
    assert wanted["name"] == ("A", "B")
    assert wanted["price"] == ("€1", None)


@pytest.mark.parametrize(("prices", "currency"), [(("€1", "€2"), "EUR"), (("€1", "£2"), None), (("$1", "$2"), None)])
def test_a_currency_is_only_a_constant_if_its_sign_is_clear_everywhere(prices, currency):
    candidates = page_candidates([facts(f"<h1>A</h1><b class=price>{price}</b>") for price in prices])
    rules = [one.rule for one in candidates if one.field == "currency"]
    assert rules == ([{"const": currency}] if currency else [])


def test_paragraphs_are_counted_without_menus():
    seen = see("<nav><p>menu</p></nav><p>12345</p>", url=URL, base_url=URL)
    assert words_shown(seen) == 5
