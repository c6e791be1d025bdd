import json
from decimal import Decimal

import pytest

from crawler.sample_shop.catalogue import build_catalogue
from crawler.sample_shop.layout import (
    LABELS,
    availability_html,
    breadcrumbs,
    frame,
    json_script,
    money,
    price_html,
    text,
)

CATALOGUE = build_catalogue(products=20)


@pytest.mark.parametrize(
    ("amount", "currency", "language", "written"),
    [
        ("1299", "EUR", "en", "€1,299.00"),
        ("5.5", "GBP", "en", "£5.50"),
        ("1299.9", "EUR", "fr", "1\xa0299,90\xa0€"),
        ("1290", "ILS", "he", "1,290.00 ₪"),
    ],
)
def test_money_is_written_as_people_of_the_language_write_it(amount, currency, language, written):
    assert money(Decimal(amount), currency, language) == written


def test_a_reduced_price_shows_both_amounts_the_old_one_struck_out():
    shown = price_html(Decimal(8), Decimal(10), "EUR", "en")
    assert shown == '<del><span class="amount">€10.00</span></del> <ins><span class="amount">€8.00</span></ins>'


def test_goods_on_request_show_no_amount():
    assert "amount" not in price_html(None, None, "EUR", "en")


def test_availability_is_said_by_class_in_every_language_and_by_number_in_words():
    assert availability_html("p", "InStock", 3, "en") == '<p class="availability in-stock">In stock (3 available)</p>'
    assert 'class="availability out-of-stock"' in availability_html("td", "OutOfStock", None, "he")


def test_every_language_has_every_label():
    assert LABELS["en"].keys() == LABELS["fr"].keys() == LABELS["he"].keys()


def test_json_cannot_end_its_script_element():
    script = json_script("application/json", {"name": "</script><b>", "heb": "ש"})
    assert script.count("</script>") == 1
    assert script.isascii()
    assert json.loads(script.partition(">")[2].removesuffix("</script>")) == {"name": "</script><b>", "heb": "ש"}


def test_text_escapes_quotes_and_keeps_no_raw_nbsp():
    assert text("\"'<\xa0&") == "&quot;&#x27;&lt;&nbsp;&amp;"


@pytest.mark.parametrize(
    ("encoding", "content_type", "start", "declared"),
    [
        ("utf-8", "text/html; charset=utf-8", b"<!DOCTYPE", b'<meta charset="utf-8">'),
        ("header", "text/html; charset=windows-1255", b"<!DOCTYPE", None),
        ("meta", "text/html", b"<!DOCTYPE", b'<meta charset="iso-8859-1">'),
        ("bom", "text/html; charset=iso-8859-1", b"\xef\xbb\xbf<!DOCTYPE", None),
    ],
)
def test_a_page_says_its_encoding_in_the_way_asked_for(encoding, content_type, start, declared):
    page = frame(CATALOGUE, title="t", main="<p>é ש</p>", encoding=encoding)
    assert page.content_type == content_type
    assert page.body.startswith(start)
    assert declared in page.body if declared else b"charset=" not in page.body


def test_letters_outside_the_encoding_become_references():
    page = frame(CATALOGUE, title="t", main="<p>é ש</p>", encoding="meta")
    assert b"<p>\xe9 &#1513;</p>" in page.body


def test_hebrew_pages_run_from_right_to_left():
    assert b'<html lang="he" dir="rtl">' in frame(CATALOGUE, title="t", main="", language="he").body


def test_breadcrumbs_link_every_level_but_the_last():
    chairs = CATALOGUE.category("chairs")
    assert breadcrumbs(CATALOGUE, chairs).count("<a ") == 2
    assert breadcrumbs(CATALOGUE, chairs, product="A <b> chair").count("<a ") == 3
