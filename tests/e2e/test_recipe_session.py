"""From a URL to a tested recipe, as a newcomer does it."""

import signal

import pytest
import yaml

from crawler.sample_shop.server import running_site

BARE_ITEM = """<!DOCTYPE html><title>{name}</title><h1>{name}</h1><p>Price: <b>£{n}.50</b></p>
<img src="/img/{n}.png" alt="{name}">"""
BARE_CARD = '<li><a href="/things/{n}.html"><b>Thing number {n}</b></a> <i>£{n}.50</i></li>'


@pytest.fixture(scope="module")
def bare_site(tmp_path_factory):
    """A site without classes, ids and structured data."""
    folder = tmp_path_factory.mktemp("bare")
    (folder / "things").mkdir()
    cards = "".join(BARE_CARD.format(n=n) for n in range(1, 9))
    (folder / "index.html").write_text(f"<!DOCTYPE html><h1>Things</h1><ul>{cards}</ul>", encoding="utf-8")
    for n in range(1, 9):
        page = BARE_ITEM.format(n=n, name=f"Thing number {n}")
        (folder / "things" / f"{n}.html").write_text(page, encoding="utf-8")
    with running_site(folder) as server:
        yield server


def test_a_new_recipe_for_the_sample_shop_passes_its_tests_and_crawls(workplace, shop):
    output = workplace.crawlery("recipe", "new", f"{shop.url}/c/lighting/", "--name", "lights")
    assert "looked at" in output
    assert "name" in output
    assert "wrote recipes/lights.yaml and 4 tests" in output
    assert "valid" in workplace.crawlery("recipe", "validate", "lights")
    assert "4 passed" in workplace.crawlery("recipe", "test", "lights")
    workplace.crawlery("crawl", "lights", "-o", "lights.csv")
    truth = {row["sku"]: row for row in shop.catalogue.truth(shop.url) if row["category"] == "Lighting & Lamps"}
    rows = workplace.rows("lights.csv")
    assert {row["sku"] for row in rows} == set(truth)
    for row in rows:
        assert row["name"].lstrip("'") == truth[row["sku"]]["name"]
        assert row["price"] == str(truth[row["sku"]]["price"])
        assert row["currency"] == truth[row["sku"]]["currency"]


def test_a_new_recipe_from_the_home_page_goes_through_the_categories(workplace, shop):
    output = workplace.crawlery("recipe", "new", shop.url, "--name", "everything")
    assert "categories  " in output
    recipe = yaml.safe_load((workplace.recipes / "everything.yaml").read_text(encoding="utf-8"))
    assert list(recipe["pages"]) == ["categories", "listing", "product"]
    assert "passed" in workplace.crawlery("recipe", "test", "everything")


def test_a_new_recipe_for_a_site_without_structured_data_finds_what_it_shows(workplace, bare_site):
    workplace.crawlery("recipe", "new", f"{bare_site.url}/", "--name", "things")
    assert "4 passed" in workplace.crawlery("recipe", "test", "things")
    workplace.crawlery("crawl", "things", "-o", "things.csv")
    rows = workplace.rows("things.csv")
    assert sorted((row["name"], row["price"], row["currency"]) for row in rows) == [
        (f"Thing number {n}", f"{n}.50", "GBP") for n in range(1, 9)
    ]
    assert all(row["image"].startswith(bare_site.url) for row in rows)


def test_new_says_in_a_sentence_when_there_is_nothing_to_propose(workplace, shop):
    assert "answers with status 404" in workplace.crawlery("recipe", "new", f"{shop.url}/nowhere", code=2)
    assert "is json, not HTML" in workplace.crawlery("recipe", "new", f"{shop.url}/api/products", code=2)
    assert "connection refused" in workplace.crawlery("recipe", "new", "http://127.0.0.1:9/", code=2)
    assert list((workplace.recipes).iterdir()) == []


def test_new_follows_no_link_that_robots_txt_forbids(workplace, shop):
    before = len(shop.log)
    workplace.crawlery("recipe", "new", f"{shop.url}/c/outlet/", "--name", "outlet")
    asked = [entry.path for entry in shop.log[before:]]
    assert "/robots.txt" in asked
    assert not any(path.startswith("/private/") for path in asked)


def test_try_fetches_a_page_and_shows_each_field(workplace, shop):
    product = shop.catalogue.products[0]
    output = workplace.crawlery(
        "recipe", "try", "shop", f"{shop.url}{product.path}", "--page", "product", "-i", f"site={shop.url}"
    )
    assert "status 200" in output
    assert product.sku in output
    assert "404" in workplace.crawlery("recipe", "try", "shop", f"{shop.url}/nowhere.html", "--page", "product")


def test_record_fetches_a_page_and_its_test_passes(workplace, shop):
    workplace.crawlery("recipe", "new", f"{shop.url}/c/toys/", "--name", "toys")
    url = f"{shop.url}{shop.catalogue.of(shop.catalogue.category('toys'))[2].path}"
    assert "recorded recipes/toys/product-" in workplace.crawlery("recipe", "record", "toys", url)
    assert "--force overwrites it" in workplace.crawlery("recipe", "record", "toys", url, code=2)
    assert "passed" in workplace.crawlery("recipe", "test", "toys")


def test_watch_runs_the_tests_at_each_save_until_ctrl_c(workplace, shop, wait_for):
    workplace.crawlery("recipe", "new", f"{shop.url}/c/toys/", "--name", "toys")
    path = workplace.recipes / "toys.yaml"
    with workplace.running("recipe", "watch", "toys") as (process, seen):
        wait_for(lambda: "watching" in "".join(seen))
        first = "".join(seen)
        assert "4 passed" in first
        broken = path.read_text(encoding="utf-8").replace("follow:", "folow:", 1)
        path.write_text(broken, encoding="utf-8")
        wait_for(lambda: "did you mean 'follow'?" in "".join(seen))
        path.write_text(broken.replace("folow:", "follow:"), encoding="utf-8")
        wait_for(lambda: "".join(seen).count("4 passed") >= 2)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0
    assert "Traceback" not in "".join(seen)
