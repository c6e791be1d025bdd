import json
from decimal import Decimal

import pytest

from crawler.sample_shop import pages
from crawler.sample_shop.httpd import HttpRequest
from crawler.sample_shop.shop import SampleShop, ShopConfig

SMALL = 30
MEMBER = {"cookie": "a=b; club=member"}


def shop_with(**config):
    return SampleShop(ShopConfig(products=SMALL, **config))


def ask(shop, target, method="GET", body=b"", **headers):
    path, _, query = target.partition("?")
    given = {"host": "shop.test", **headers}
    return shop.handle(HttpRequest(method=method, path=path, query=query, headers=given, body=body))


CALM = shop_with(heal_after=0)


def test_every_product_and_list_has_its_page():
    paths = [product.path for product in CALM.catalogue.products]
    paths += [category.path for category in CALM.catalogue.categories]
    assert {ask(CALM, path, **MEMBER).status for path in paths} == {200}


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        ("/", "text/html"),
        ("/index.html", "text/html"),
        ("/about.html", "text/html"),
        ("/private/prototype.html", "text/html"),
        ("/search?q=lamp", "text/html"),
        ("/robots.txt", "text/plain"),
        ("/sitemap.xml", "application/xml"),
        ("/sitemap-categories.xml", "application/xml"),
        ("/sitemap-products.xml.gz", "application/gzip"),
        ("/feed.xml", "application/xml"),
        ("/stock.txt", "text/plain"),
        ("/api/products?page=2&size=5", "application/json"),
        ("/api/feed", "application/json"),
        ("/api/products/CHA-0001", "application/json"),
        ("/assets/shop.css", "text/css"),
        ("/assets/icon.svg", "image/svg+xml"),
        ("/media/CHA-0001/1-small.svg", "image/svg+xml"),
        ("/traps/", "text/html"),
    ],
)
def test_fixed_paths_answer_with_their_kind(target, kind):
    answer = ask(CALM, target)
    assert (answer.status, answer.content_type.partition(";")[0]) == (200, kind)


@pytest.mark.parametrize(
    "target",
    [
        pages.MISSING_PATH,
        "/no-such",
        "/traps/no-such",
        "/c/garden/99/",
        "/c/garden/x/",
        "/c/furniture/tables/?page=99",
        "/c/furniture/tables/?page=x",
        "/c/furniture/chairs/page-99999999999.html",
        "/product.php?id=no-such",
        "/product.php",
        "/api/products/no-such",
        "/CHA-0001",
        "//",
        "/%00",
        "/%ff",
    ],
)
def test_what_is_not_there_is_404(target):
    assert ask(CALM, target).status == 404


def test_the_soft_404_answers_200_with_the_same_page():
    soft, hard = ask(CALM, pages.SOFT_404_PATH), ask(CALM, pages.MISSING_PATH)
    assert (soft.status, soft.body) == (200, hard.body)


def test_a_product_path_may_be_written_with_raw_or_lower_case_escapes():
    product = next(product for product in CALM.catalogue.products if "%" in product.path)
    assert ask(CALM, product.path.replace("%D7", "%d7").replace("%D0", "%d0")).status == 200


def test_old_addresses_redirect_for_good():
    product = CALM.catalogue.products[0]
    answer = ask(CALM, product.old_path)
    assert (answer.status, dict(answer.headers)["Location"]) == (301, product.path)
    assert dict(ask(CALM, "/garden").headers)["Location"] == "/c/garden/"


def test_the_club_sends_a_cookie_and_asks_again():
    answer = ask(CALM, "/club/?page=2")
    headers = dict(answer.headers)
    assert (answer.status, headers["Location"]) == (302, "/club/?page=2")
    assert headers["Set-Cookie"].startswith("club=member;")
    assert ask(CALM, "/club/?page=1", **MEMBER).status == 200
    assert ask(CALM, "/club/", cookie="club=guest").status == 302


def test_two_pages_answer_500_at_first_and_heal():
    shop = shop_with()
    assert len(shop.heals) == 2
    for path in shop.heals:
        assert [ask(shop, path).status for _ in range(4)] == [500, 500, 200, 200]


def test_which_pages_heal_and_when_is_configured():
    shop = shop_with(heals=frozenset({"/about.html"}), heal_after=1)
    assert [ask(shop, "/about.html").status for _ in range(2)] == [500, 200]


def test_a_page_answers_500_for_ever_only_if_told_so():
    shop = shop_with(always_500=frozenset({"/about.html", "/search?q=a"}))
    assert {ask(shop, "/about.html").status for _ in range(9)} == {500}
    assert ask(shop, "/about.html?x=1").status == 500
    assert (ask(shop, "/search?q=a").status, ask(shop, "/search?q=b").status) == (500, 200)


def test_a_limited_path_names_the_seconds_to_wait():
    shop = shop_with(rate_limited={"/about.html": (2, 1.5)})
    answers = [ask(shop, "/about.html") for _ in range(3)]
    assert [answer.status for answer in answers] == [429, 429, 200]
    assert dict(answers[0].headers)["Retry-After"] == "1.5"


def test_delays_are_those_of_the_path_or_of_all():
    shop = shop_with(delay_ms=5, slow_ms={"/about.html": 250})
    assert ask(shop, "/about.html").delay_s == 0.25
    assert ask(shop, "/").delay_s == 0.005
    assert ask(CALM, "/").delay_s == 0


def test_absolute_links_name_the_host_that_was_asked():
    assert b"http://localhost:81/p/" in ask(CALM, "/c/lighting/", host="localhost:81").body


@pytest.mark.parametrize("host", ["", "a b", "x/y", "<b>", "é", "a" * 300])
def test_a_host_that_is_none_is_not_written_into_pages(host):
    assert b"http://127.0.0.1/p/" in ask(CALM, "/c/lighting/", host=host).body


@pytest.mark.parametrize(("method", "target", "status"), [("DELETE", "/", 405), ("POST", "/", 405), ("HEAD", "/", 200)])
def test_methods_are_checked(method, target, status):
    assert ask(CALM, target, method=method).status == status


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"category=chairs&size=1", "application/x-www-form-urlencoded"),
        (b'{"category": "chairs", "size": 1}', "application/json"),
    ],
)
def test_the_search_api_takes_a_form_or_json(body, kind):
    answer = json.loads(ask(CALM, "/api/search", "POST", body, **{"content-type": kind}).body)
    assert [item["sku"] for item in answer["items"]] == ["CHA-0001"]
    assert answer["has_next"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"a": []}', b"\xff", b"[" * 100_000])
def test_bad_json_is_the_clients_fault(body):
    assert ask(CALM, "/api/search", "POST", body, **{"content-type": "application/json"}).status == 400


def test_the_default_shop_has_prices_of_every_currency():
    rows = CALM.catalogue.truth()
    assert {row["currency"] for row in rows} == {"EUR", "GBP", "USD", "ILS"}
    assert all(isinstance(row["price"], Decimal | None) for row in rows)
