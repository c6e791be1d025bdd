"""The recipes that come with the project: each passes its own tests, and `shop` gives the catalogue's truth.

The shop is asked in process: no sockets, no Scrapy. A crawl here is a queue, redirects and one cookie.
"""

from collections import deque
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest

import crawler.errors
from crawler.recipe.check import run_test
from crawler.recipe.extract import extract_page, start_requests
from crawler.recipe.loader import load_recipe
from crawler.recipe.model import PageInput
from crawler.sample_shop import pages
from crawler.sample_shop.httpd import HttpRequest
from crawler.sample_shop.shop import SampleShop, ShopConfig

RECIPES = Path(crawler.errors.__file__).parents[1] / "recipes"
SHIPPED = {path.stem: load_recipe(path) for path in sorted(RECIPES.glob("*.yaml"))}
TESTS = [
    pytest.param(recipe, test, id=f"{name}/{test.snapshot}")
    for name, recipe in SHIPPED.items()
    for test in recipe.tests
]


def test_the_four_recipes_are_shipped():
    assert set(SHIPPED) >= {"books", "quotes", "quotes-api", "shop"}


@pytest.mark.parametrize("name", SHIPPED)
def test_a_recipe_is_named_like_its_file_and_says_when_a_run_is_good(name):
    recipe = SHIPPED[name]
    assert recipe.name == name
    assert recipe.quality is not None
    assert recipe.exports
    assert "site" in recipe.inputs.names


@pytest.mark.parametrize(("recipe", "test"), TESTS)
def test_a_saved_page_gives_what_its_test_expects(recipe, test):
    verdict = run_test(recipe, test)
    assert verdict.passed, (verdict.error, verdict.differences)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_saved_page_is_used_and_every_page_type_is_tested(name):
    recipe = SHIPPED[name]
    saved = {path.name for path in recipe.snapshot_dir.iterdir() if path.is_file()}
    assert saved == {test.snapshot for test in recipe.tests}
    assert {test.page for test in recipe.tests} == set(recipe.pages)


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        (
            "books",
            "url upc title price currency rating availability stock category description image",
        ),
        ("quotes", "text author tags"),
        ("quotes-api", "text author tags"),
    ],
)
def test_columns_are_those_that_are_promised(name, columns):
    (item,) = SHIPPED[name].items.values()
    assert list(item.fields) == columns.split()


# --- the whole shop --------------------------------------------------------------------------------------------------

SITE = "http://shop.test"


def ask(shop, url):
    """One answer, after redirects: (final URL, status, headers, body)."""
    cookie = ""
    for _ in range(5):
        parts = urlsplit(url)
        headers = {"host": parts.netloc, "cookie": cookie}
        answer = shop.handle(HttpRequest(method="GET", path=parts.path, query=parts.query, headers=headers))
        given = dict(answer.headers)
        if "Location" not in given:
            break
        url = urljoin(url, given["Location"])
        cookie = given.get("Set-Cookie", cookie).partition(";")[0]
    return url, answer.status, {"content-type": answer.content_type}, answer.body


def crawl(recipe, shop):
    """Every row of the recipe, by key, and what went wrong: lost URLs and rejects."""
    inputs = recipe.inputs.resolve({"site": SITE})
    queue, seen, rows, lost, rejects = deque(start_requests(recipe, inputs)), set(), {}, [], []
    while queue:
        request = queue.popleft()
        if request.url in seen or pages.PRIVATE_PATH in request.url:
            continue
        seen.add(request.url)
        url, status, headers, body = ask(shop, request.url)
        if status != 200:
            lost.append(request.url)
            continue
        page = PageInput(request=request, url=url, body=body, status=status, headers=headers, inputs=inputs)
        result = extract_page(recipe, page)
        rows |= {row.key: row.values for row in result.rows}
        rejects += result.rejects
        queue.extend(result.requests)
        queue.extend([result.next] if result.next else [])
    return rows, lost, rejects


@pytest.mark.parametrize("seed", [2026, 7])
def test_the_shop_recipe_gives_the_truth_and_nothing_else(seed):
    shop = SampleShop(ShopConfig(seed=seed, heal_after=0))
    rows, lost, rejects = crawl(SHIPPED["shop"], shop)
    assert lost == [SITE + pages.MISSING_PATH]
    assert not rejects
    for truth in shop.catalogue.truth(SITE):
        assert rows.pop((truth["sku"],)) == truth
    assert not rows
