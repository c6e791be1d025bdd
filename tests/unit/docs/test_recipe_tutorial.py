"""The recipe that the tutorial of `docs/recipes.md` arrives at, held against what the sample shop really sells."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from crawler.recipe.extract import extract_page, start_requests
from crawler.recipe.loader import load_recipe_text
from crawler.recipe.model import PageInput
from crawler.sample_shop.httpd import HttpRequest
from crawler.sample_shop.shop import SampleShop, ShopConfig

if TYPE_CHECKING:
    from crawler.recipe.model import PageRequest, Recipe

TEXT = (Path(__file__).parents[3] / "docs" / "recipes.md").read_text(encoding="utf-8")
SITE = "http://127.0.0.1:8000"


TUTORIAL = TEXT.partition("## Your first recipe")[2].partition("\n## ")[0]


def tutorial_text() -> str:
    found = re.findall(r"^```yaml recipe\n(.*?)^```$", TUTORIAL, re.MULTILINE | re.DOTALL)
    assert len(found) == 1, "the tutorial ends with one whole recipe"
    return str(found[0])


def crawl(recipe: Recipe, shop: SampleShop) -> tuple[list[dict[str, Any]], list[Any]]:
    """Rows and rejects of the shop's pages, asked for one after another; every answer must be 200."""
    inputs = recipe.inputs.resolve({"site": SITE})
    waiting: list[PageRequest] = start_requests(recipe, inputs)
    seen: set[str] = set()
    rows: list[dict[str, Any]] = []
    rejects: list[Any] = []
    while waiting:
        request = waiting.pop(0)
        if request.url in seen:
            continue
        seen.add(request.url)
        parts = urlsplit(request.url)
        answer = shop.handle(
            HttpRequest(method="GET", path=parts.path, query=parts.query, headers={"host": parts.netloc})
        )
        assert answer.status == 200, request.url
        page = PageInput(
            request=request,
            url=request.url,
            body=answer.body,
            headers={"content-type": answer.content_type},
            inputs=inputs,
        )
        result = extract_page(recipe, page)
        rows += [row.values for row in result.rows]
        rejects += result.rejects
        waiting += [*result.requests, *([result.next] if result.next is not None else [])]
    return rows, rejects


@pytest.fixture(scope="module")
def shop() -> SampleShop:
    return SampleShop(ShopConfig())


def test_the_tutorials_recipe_gives_exactly_what_the_shop_sells(shop: SampleShop) -> None:
    recipe = load_recipe_text(tutorial_text())
    rows, rejects = crawl(recipe, shop)
    assert rejects == []
    fields = list(recipe.items["product"].fields)
    truth = [row for row in shop.catalogue.truth(SITE) if row["category"] == "Furniture > Chairs"]
    for row in truth:
        row["weight"] = row["weight_kg"]
        row["variations"] = [{"sku": one["sku"], "price": one["price"]} for one in row["variations"] or ()] or None
    assert len(truth) >= 20
    assert rows == [{name: row[name] for name in fields} for row in truth]


def test_the_page_names_the_number_of_rows_that_the_shop_has(shop: SampleShop) -> None:
    chairs = len(shop.catalogue.of(shop.catalogue.category("chairs")))
    assert f"rows      product {chairs}\n" in TUTORIAL


def test_what_the_tutorial_tells_to_write_is_in_its_recipe() -> None:
    excerpts = re.findall(r"^```yaml excerpt\n(.*?)^```$", TUTORIAL, re.MULTILINE | re.DOTALL)
    lines = tutorial_text().splitlines()
    strangers = [line for excerpt in excerpts for line in excerpt.splitlines() if line not in lines]
    assert excerpts
    assert strangers == []
