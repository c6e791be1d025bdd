"""Two versions of a recipe over 50 saved pages: every difference as worked out by hand; and how rows are matched.

Thirty pages of chairs and twenty of reviews are all alike but where `ODD` says otherwise; what follows from each of the
oddities for the two versions stands below, and so does every figure.
"""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from engine import recipe_of

from crawler.recipe.diff import diff_recipes
from crawler.recipe.diff_report import diff_report
from crawler.recipe.saved_pages import SavedPage

OLD = recipe_of("""\
    start: [{urls: "https://shop.test/", page: reviews}]
    pages:
      reviews:
        follow: [{links: a.item, page: chair}]
        paginate: {next: a.next}
        item: review
        each: li
        fields:
          text: b
          stars: .stars
      chair:
        item: chair
        fields:
          sku: .sku
          title: [h1, h2]
          price: {any: [.price del, .price], process: [price]}
          colour: .colour
          stock: .stock
          weight: .weight
    items:
      review:
        version: 1
        fields: {text: {type: string}, stars: {type: integer}}
      chair:
        version: 1
        key: [sku]
        fields:
          sku: {type: string}
          title: {type: string, required: true}
          price: {type: decimal}
          colour: {type: string}
          stock: {type: string}
          weight: {type: string}
    """)
NEW = recipe_of("""\
    start: [{urls: "https://shop.test/", page: reviews}]
    pages:
      reviews:
        follow: [{links: "a.item, a.more", page: chair}]
        paginate: {next: ".onward"}
        item: review
        each: li:not(.ad), .late
        fields:
          text: b
          stars: [.n, .stars]
      chair:
        match: ['/p/\\d+$']
        item: chair
        fields:
          sku: [.sku, .code]
          title: h1
          price: {any: [.price ins, .price], process: [price]}
          colour: [.colour, .shade]
          stock: .stock.in
          brand: .brand
    items:
      review:
        version: 1
        fields: {text: {type: string}, stars: {type: integer}}
      chair:
        version: 2
        key: [sku]
        fields:
          sku: {type: string}
          title: {type: string, required: true}
          price: {type: decimal}
          colour: {type: string}
          stock: {type: string}
          brand: {type: string}
    """)


def chair(number: int) -> SavedPage:
    """Chair N costs N.00, is red and in stock."""
    price = f"<del>99.00</del> <ins>{number}.00</ins>" if number in (10, 20, 30) else f"{number}.00"
    heading = "h2" if number == 14 else "h1"
    body = (
        f"<{heading}>Chair {number}</{heading}><p class={'code' if number == 13 else 'sku'}>C{number}</p>"
        f"<p class=price>{price}</p><p class={'shade' if number in (5, 15) else 'colour'}>red</p>"
        f"<p class='stock {'' if number in (7, 8) else 'in'}'>yes</p>"
    )
    body += "<p class=brand>Oak & Co</p>" if number <= 12 else ""
    body += "<p class=weight>9 kg</p>" if number >= 21 else ""
    url = f"https://shop.test/{'x' if number == 16 else 'p'}/{number}"
    return SavedPage(name=f"c{number}.html", page="chair", url=url, body=body.encode())


def reviews(number: int) -> SavedPage:
    """Page N has the reviews Na, Nb and Nc with four stars, a link to chair N, and a next page."""
    one = "<b>{}</b><i class=stars>4</i>"
    rows = [one.format(f"{number}{letter}") for letter in "abc"]
    if number == 9:
        rows[1] += "<i class=n>5</i>"
    lines = [f"<li>{row}</li>" for row in rows]
    if number in (2, 4):
        lines.insert(1, "<li class=ad><b>Buy!</b></li>")
    body = f"<ul>{''.join(lines)}</ul><a class=item href=/p/{number}>Chair</a>"
    body += "<p class=late><b>late</b></p>" if number == 6 else ""
    body += "<a class=more href=/p/98>More</a><a class=more href=/p/99>More</a>" if number == 11 else ""
    body += f"<a class='next {'' if number == 12 else 'onward'}' href=?page={number + 1}>Next</a>"
    return SavedPage(name=f"r{number}.html", page="reviews", url="https://shop.test/all", body=body.encode())


PAGES = [*(chair(number) for number in range(1, 31)), *(reviews(number) for number in range(1, 21))]

BRAND = ("brand", None, "Oak & Co")
WEIGHT = ("weight", "9 kg", None)


def discounted(price: str):
    return ("price", Decimal("99.00"), Decimal(price))


#: What has changed in which chair.
CHANGED_CHAIRS = {
    "C1": [BRAND],
    "C2": [BRAND],
    "C3": [BRAND],
    "C4": [BRAND],
    "C5": [("colour", None, "red"), BRAND],
    "C6": [BRAND],
    "C7": [("stock", "yes", None), BRAND],
    "C8": [("stock", "yes", None), BRAND],
    "C9": [BRAND],
    "C10": [discounted("10.00"), BRAND],
    "C11": [BRAND],
    "C12": [BRAND],
    "C15": [("colour", None, "red")],
    "C20": [discounted("20.00")],
    "C21": [WEIGHT],
    "C22": [WEIGHT],
    "C23": [WEIGHT],
    "C24": [WEIGHT],
    "C25": [WEIGHT],
    "C26": [WEIGHT],
    "C27": [WEIGHT],
    "C28": [WEIGHT],
    "C29": [WEIGHT],
    "C30": [discounted("30.00"), WEIGHT],
}

#: Other rows that differ: page, kind, number, key, text of a review or title of a chair, reasons.
OTHER_ROWS = [
    ("c13.html", "added", 1, {"sku": "C13"}, "Chair 13", ()),
    ("c14.html", "gone", 1, {"sku": "C14"}, "Chair 14", ("title is missing",)),
    ("c16.html", "gone", 1, {"sku": "C16"}, "Chair 16", ()),
    ("r2.html", "gone", 2, {}, "Buy!", ()),
    ("r4.html", "gone", 2, {}, "Buy!", ()),
    ("r6.html", "added", 4, {}, "late", ()),
]

#: What else differs.
FACTS = [
    ("c13.html", "rejects", 1, 0),
    ("c14.html", "rejects", 0, 1),
    ("c16.html", "error", None, r"PageMismatch: chair: the final URL https://shop.test/x/16 does not match /p/\d+$"),
    (
        "r11.html",
        "follow.chair",
        {"count": 1, "only": []},
        {"count": 3, "only": ["https://shop.test/p/98", "https://shop.test/p/99"]},
    ),
    ("r12.html", "next", "https://shop.test/all?page=13", None),
]


def figures(old, new, *, filled=0, emptied=0, changed=0):
    return {
        "old": {"filled": old[0], "rate": old[1]},
        "new": {"filled": new[0], "rate": new[1]},
        "filled": filled,
        "emptied": emptied,
        "changed": changed,
    }


#: 13 is no row of the old version; 14 and 16 are none of the new one.
FIGURES = {
    "review": {
        "rows": {"old": 62, "new": 61, "same": 59, "changed": 1, "added": 1, "gone": 2},
        "rejects": {"old": 0, "new": 0},
        "fields": {"text": figures((62, 1.0), (61, 1.0)), "stars": figures((60, 0.9677), (60, 0.9836), changed=1)},
    },
    "chair": {
        "rows": {"old": 29, "new": 28, "same": 3, "changed": 24, "added": 1, "gone": 2},
        "rejects": {"old": 1, "new": 1},
        "fields": {
            "sku": figures((29, 1.0), (28, 1.0)),
            "title": figures((29, 1.0), (28, 1.0)),
            "price": figures((29, 1.0), (28, 1.0), changed=3),
            "colour": figures((27, 0.931), (28, 1.0), filled=2),
            "stock": figures((29, 1.0), (26, 0.9286), emptied=2),
            "weight": figures((10, 0.3448), (0, 0.0), emptied=10),
            "brand": figures((0, 0.0), (12, 0.4286), filled=12),
        },
    },
}


@pytest.fixture(scope="module")
def found():
    return diff_recipes(OLD, NEW, PAGES)


def rows_of(found):
    return [(page.saved.name, row) for page in found.pages for row in page.rows]


def test_of_50_pages_every_row_that_has_changed_is_found_with_its_fields(found):
    assert len(PAGES) == len(found.pages) == 50
    changed = {
        row.key["sku"]: [(one.path, one.old, one.new) for one in row.changes]
        for _, row in rows_of(found)
        if (row.item, row.kind) == ("chair", "changed")
    }
    assert changed == CHANGED_CHAIRS
    (review,) = [(page, row) for page, row in rows_of(found) if (row.item, row.kind) == ("review", "changed")]
    assert (review[0], review[1].number) == ("r9.html", 2)
    assert [(one.path, one.old, one.new) for one in review[1].changes] == [("stars", 4, 5)]


def test_of_50_pages_every_row_that_was_added_or_is_gone_is_found_with_the_reason(found):
    others = [
        (page, row.kind, row.number, row.key, row.values.get("text") or row.values.get("title"), row.reasons)
        for page, row in rows_of(found)
        if row.kind != "changed"
    ]
    assert others == OTHER_ROWS


def test_of_50_pages_links_next_pages_refusals_and_errors_are_compared_too(found):
    assert [(page.saved.name, one.path, one.old, one.new) for page in found.pages for one in page.facts] == FACTS


def test_of_50_pages_all_figures_and_fill_rates_are_as_worked_out_by_hand(found):
    report = diff_report(OLD, NEW, found)
    assert report["items"] == FIGURES
    assert (report["pages"], report["pages_changed"], report["same"]) == (50, 33, False)
    assert len(report["differences"]) == 24 + 1 + 6 + 5
    assert report["left_out"] == 0


def test_a_recipe_does_not_differ_from_itself():
    found = diff_recipes(NEW, NEW, PAGES)
    assert found.is_same
    assert {name: (item.same, item.old_rows) for name, item in found.items.items()} == {
        "review": (61, 61),
        "chair": (28, 28),
    }


def test_a_report_tells_so_many_differences_and_says_how_many_it_leaves_out(found):
    report = diff_report(OLD, NEW, found, most=10)
    assert (len(report["differences"]), report["left_out"]) == (10, 26)
    assert report["items"] == FIGURES


LISTED = """\
start: [{{urls: "https://shop.test/", page: page}}]
pages:
  page:
    item: thing
    each: li
    fields: {{name: "{name}", n: "{n}"}}
items:
  thing: {{version: 1, {key}fields: {{name: {{type: string}}, n: {{type: {type}}}}}}}
"""


def listed(*, name="b", n="i", key="", type_="string"):
    return recipe_of(LISTED.format(name=name, n=n, key=key, type=type_))


def differences(old, new, body):
    page = SavedPage(name="x.html", page="page", url="https://shop.test/", body=body.encode())
    (found,) = diff_recipes(old, new, [page]).pages
    return [(row.kind, row.number, [(one.path, one.old, one.new) for one in row.changes]) for row in found.rows]


def test_rows_of_one_key_are_matched_in_their_order():
    body = "<li><b>a</b><i>1</i><u>1</u><li><b>a</b><i>2</i><u>3</u>"
    keyed = listed(key="key: [name], ")
    assert differences(keyed, listed(key="key: [name], ", n="u"), body) == [("changed", 2, [("n", "2", "3")])]


def test_rows_without_a_key_are_matched_in_their_order_between_those_that_are_the_same():
    body = "<li><b>a</b><i>1</i><u>1</u><li><b>b</b><i>1</i><u>2</u><li><b>c</b><i>1</i><u>1</u>"
    assert differences(listed(), listed(n="u"), body) == [("changed", 2, [("n", "1", "2")])]


def test_where_the_key_has_changed_rows_are_matched_by_the_fields_that_both_versions_have():
    body = "<li><b>a</b><i>1</i><li><b>b</b><i>2</i>"
    assert differences(listed(key="key: [name], "), listed(key="key: [n], "), body) == []


def test_a_number_is_not_the_text_of_it_and_digits_count():
    body = "<li><b>a</b><i>1</i><u>1.00</u>"
    assert differences(listed(), listed(type_="integer"), body) == [("changed", 1, [("n", "1", 1)])]
    decimal = listed(type_="decimal")
    assert differences(decimal, listed(type_="decimal", n="u"), body) == [
        ("changed", 1, [("n", Decimal(1), Decimal("1.00"))])
    ]


def test_a_page_type_or_inputs_that_one_version_does_not_know_are_an_error_of_the_page():
    there = SavedPage(name="x", page="page", url="https://shop.test/", body=b"<li><b>a</b>", inputs={"town": "Ulm"})
    other = SavedPage(name="y", page="other", url="https://shop.test/", body=b"")
    found = diff_recipes(listed(), listed(), [there, other])
    assert found.is_same  # neither of them knows it
    with_town = recipe_of("inputs: {town: {type: string}}\n" + LISTED.format(name="b", n="i", key="", type="string"))
    (page,) = diff_recipes(with_town, listed(), [there]).pages
    assert [(one.path, one.old) for one in page.facts] == [("error", None)]
    assert "town" in page.facts[0].new
    assert [row.kind for row in page.rows] == ["gone"]
