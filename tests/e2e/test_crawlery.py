"""The commands of the README as a newcomer types them: real processes, the sample shop on loopback."""

import csv
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from crawler.sample_shop.server import running_shop, running_site

ROOT = Path(__file__).parents[2]
CRAWLERY = [sys.executable, "-c", "import sys; from crawler.cli.main import main; sys.argv[0] = 'crawlery'; main()"]


@pytest.fixture(scope="module")
def shop():
    with running_shop(products=60) as server:
        yield server


@pytest.fixture
def workplace(tmp_path):
    """An empty folder with an empty folder of recipes: where a newcomer stands."""
    (tmp_path / "recipes").mkdir()
    return tmp_path


def environment(folder):
    own = {"RECIPES_PATH": f"{folder / 'recipes'}{os.pathsep}{ROOT / 'recipes'}", "HOME": str(folder), "COLUMNS": "80"}
    return {**os.environ, **own, "NO_COLOR": "1"}


def crawlery(folder, *arguments, code=0, timeout=90):
    done = subprocess.run(
        [*CRAWLERY, *map(str, arguments)],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    output = done.stdout + done.stderr
    assert done.returncode == code, output
    assert "Traceback" not in output
    assert "bug in Crawlery" not in output
    return output


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# --- crawl ------------------------------------------------------------------------------------------------------------


def test_the_demo_crawls_the_sample_shop_and_shows_its_first_rows(workplace):
    output = crawlery(workplace, "demo")
    assert "shop: partial" in output
    assert "product 320" in output
    assert "The rows are in out/shop.csv" in output
    assert len(rows_of(workplace / "out" / "shop.csv")) == 320


def test_a_crawl_writes_rows_and_a_summary_and_one_gone_page_is_no_failure(workplace, shop):
    output = crawlery(
        workplace, "crawl", "shop", "-i", f"site={shop.url}", "-o", "shop.csv", "--summary", "shop.json"
    )  # fmt: skip
    assert "shop: partial" in output
    rows = rows_of(workplace / "shop.csv")
    assert sorted(row["sku"] for row in rows) == sorted(row["sku"] for row in shop.catalogue.truth(shop.url))
    assert len(rows) == 60
    summary = json.loads((workplace / "shop.json").read_text(encoding="utf-8"))
    assert summary["outcome"] == "partial"
    assert summary["rows"] == {"product": 60}
    assert summary["rejects"] == {"product": {}} or not summary["rejects"]
    (gone,) = summary["failures"]["http_404"]
    assert gone.startswith(shop.url)
    assert {"pages", "alternatives", "elapsed_s"} <= summary.keys()


def test_a_recipe_may_be_given_by_its_path_and_rows_be_json_lines(workplace, shop):
    path = ROOT / "recipes" / "shop.yaml"
    crawlery(workplace, "crawl", path, "-i", f"site={shop.url}", "-o", "shop.jsonl", "-s", "ITEMS_LIMIT=20", code=0)
    lines = (workplace / "shop.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) >= 20
    assert all(json.loads(line)["sku"] for line in lines)


def test_a_sample_shows_rows_and_writes_no_file(workplace, shop):
    output = crawlery(workplace, "crawl", "shop", "-i", f"site={shop.url}", "--sample")
    assert "row 5" in output
    assert "row 6" not in output
    assert "shop: complete" in output
    assert not (workplace / "out").exists()
    assert max(map(len, output.splitlines())) <= 160


def test_a_lost_list_page_is_exit_status_3(workplace):
    with running_shop(products=60, always_500=frozenset({"/c/toys/"})) as server:
        output = crawlery(
            workplace, "crawl", "shop", "-i", f"site={server.url}", "-o", "shop.csv",
            "-s", "RETRY_BACKOFF_MIN=0.01", "-s", "RETRY_BACKOFF_MAX=0.02", code=3,
        )  # fmt: skip
    assert "a list page was lost" in output
    assert f"{server.url}/c/toys/" in output
    assert rows_of(workplace / "shop.csv")


def test_missed_quality_is_exit_status_4(workplace, shop):
    crawlery(workplace, "crawl", "shop", "-i", f"site={shop.url}", "-s", "ITEMS_LIMIT=3", "-o", "a.csv", code=4)


def test_ctrl_c_keeps_the_rows_and_is_exit_status_130(workplace):
    with running_shop(products=200, delay_ms=30) as server:
        process = subprocess.Popen(
            [*CRAWLERY, "crawl", "shop", "-i", f"site={server.url}", "-o", "shop.csv"],
            cwd=workplace,
            env=environment(workplace),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        wait_for(lambda: sum(entry.path.startswith("/p/") for entry in server.log) > 20)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert "shop: cancelled" in output
    assert 0 < len(rows_of(workplace / "shop.csv")) < 200


# --- recipes ----------------------------------------------------------------------------------------------------------


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
    output = crawlery(workplace, "recipe", "new", f"{shop.url}/c/lighting/", "--name", "lights")
    assert "looked at" in output
    assert "name" in output
    assert "wrote recipes/lights.yaml and 4 tests" in output
    assert "valid" in crawlery(workplace, "recipe", "validate", "lights")
    assert "4 passed" in crawlery(workplace, "recipe", "test", "lights")
    crawlery(workplace, "crawl", "lights", "-o", "lights.csv")
    truth = {row["sku"]: row for row in shop.catalogue.truth(shop.url) if row["category"] == "Lighting & Lamps"}
    rows = rows_of(workplace / "lights.csv")
    assert {row["sku"] for row in rows} == set(truth)
    for row in rows:
        assert row["name"].lstrip("'") == truth[row["sku"]]["name"]
        assert row["price"] == str(truth[row["sku"]]["price"])
        assert row["currency"] == truth[row["sku"]]["currency"]


def test_a_new_recipe_from_the_home_page_goes_through_the_categories(workplace, shop):
    output = crawlery(workplace, "recipe", "new", shop.url, "--name", "everything")
    assert "categories  " in output
    recipe = yaml.safe_load((workplace / "recipes" / "everything.yaml").read_text(encoding="utf-8"))
    assert list(recipe["pages"]) == ["categories", "listing", "product"]
    assert "passed" in crawlery(workplace, "recipe", "test", "everything")


def test_a_new_recipe_for_a_site_without_structured_data_finds_what_it_shows(workplace, bare_site):
    crawlery(workplace, "recipe", "new", f"{bare_site.url}/", "--name", "things")
    assert "4 passed" in crawlery(workplace, "recipe", "test", "things")
    crawlery(workplace, "crawl", "things", "-o", "things.csv")
    rows = rows_of(workplace / "things.csv")
    assert sorted((row["name"], row["price"], row["currency"]) for row in rows) == [
        (f"Thing number {n}", f"{n}.50", "GBP") for n in range(1, 9)
    ]
    assert all(row["image"].startswith(bare_site.url) for row in rows)


def test_new_says_in_a_sentence_when_there_is_nothing_to_propose(workplace, shop):
    assert "answers with status 404" in crawlery(workplace, "recipe", "new", f"{shop.url}/nowhere", code=2)
    assert "is json, not HTML" in crawlery(workplace, "recipe", "new", f"{shop.url}/api/products", code=2)
    assert "connection refused" in crawlery(workplace, "recipe", "new", "http://127.0.0.1:9/", code=2)
    assert list((workplace / "recipes").iterdir()) == []


def test_new_follows_no_link_that_robots_txt_forbids(workplace, shop):
    before = len(shop.log)
    crawlery(workplace, "recipe", "new", f"{shop.url}/c/outlet/", "--name", "outlet")
    asked = [entry.path for entry in shop.log[before:]]
    assert "/robots.txt" in asked
    assert not any(path.startswith("/private/") for path in asked)


def test_try_fetches_a_page_and_shows_each_field(workplace, shop):
    product = shop.catalogue.products[0]
    output = crawlery(
        workplace, "recipe", "try", "shop", f"{shop.url}{product.path}", "--page", "product", "-i", f"site={shop.url}"
    )
    assert "status 200" in output
    assert product.sku in output
    assert "404" in crawlery(workplace, "recipe", "try", "shop", f"{shop.url}/nowhere.html", "--page", "product")


def test_record_fetches_a_page_and_its_test_passes(workplace, shop):
    crawlery(workplace, "recipe", "new", f"{shop.url}/c/toys/", "--name", "toys")
    url = f"{shop.url}{shop.catalogue.of(shop.catalogue.category('toys'))[2].path}"
    assert "recorded recipes/toys/product-" in crawlery(workplace, "recipe", "record", "toys", url)
    assert "--force overwrites it" in crawlery(workplace, "recipe", "record", "toys", url, code=2)
    assert "passed" in crawlery(workplace, "recipe", "test", "toys")


def test_watch_runs_the_tests_at_each_save_until_ctrl_c(workplace, shop):
    crawlery(workplace, "recipe", "new", f"{shop.url}/c/toys/", "--name", "toys")
    path = workplace / "recipes" / "toys.yaml"
    with reading([*CRAWLERY, "recipe", "watch", "toys"], workplace) as (process, seen):
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


def test_scrapy_shell_evaluates_rules_on_the_response(workplace, shop):
    product = shop.catalogue.products[0]
    command = [sys.executable, "-m", "scrapy", "shell", f"{shop.url}{product.path}", "--nolog", "-c"]

    def shell(code):
        done = subprocess.run(
            [*command, code], cwd=ROOT, env=environment(workplace), capture_output=True, text=True, check=True
        )  # fmt: skip
        return done.stdout.strip().splitlines()

    assert shell('rule(".sku")') == [product.sku]
    assert shell('rule("{css: .sku, proces: [lower]}")')[0].endswith("unknown key 'proces' (did you mean 'process'?)")
    assert shell('rule(".none")')[0] == "missing: 0 matches"


# --- shop -------------------------------------------------------------------------------------------------------------


def test_the_shop_prints_its_address_and_ends_with_ctrl_c(workplace):
    with reading([*CRAWLERY, "shop", "--port", "0", "--products", "20"], workplace) as (process, seen):
        wait_for(lambda: "http://127.0.0.1:" in "".join(seen))
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0


def test_a_port_that_is_taken_is_refused(workplace, shop):
    port = shop.url.rpartition(":")[2]
    assert "--port 0 takes a free one" in crawlery(workplace, "shop", "--port", port, code=2)


# --- waiting ----------------------------------------------------------------------------------------------------------


def wait_for(holds, timeout_s=40.0):
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


@contextmanager
def reading(command, folder):
    """A process, and the lines it has printed so far."""
    seen: list[str] = []
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**environment(folder), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    reader = threading.Thread(target=lambda: seen.extend(iter(process.stdout.readline, "")))
    reader.start()
    try:
        yield process, seen
    finally:
        process.kill()
        process.wait()
        reader.join()
        process.stdout.close()
