"""A WooCommerce shop, crawled with the built-in parent, and the files that other WooCommerce shops import.

The shop sells simple, variable, grouped, external and virtual products, on sale and not, in two languages. Its files
are those in `golden/woocommerce`, byte by byte, whether one process writes them or a steward composes them.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path

import pytest
from woo_shop import PRODUCTS, WooShop

GOLDEN = Path(__file__).parent / "golden" / "woocommerce"
FILES = ("parent.csv", "variation.csv", "core.csv")
RECIPE = """
schema_version: 1
name: clone
version: "1.0.0"
extends: woocommerce@1
limits: {concurrency_per_domain: 1, delay: 1ms}
exports:
  - {name: parent, item: product, format: csv, profile: woocommerce-import-suite/parent@1}
  - {name: variation, item: product, format: csv, profile: woocommerce-import-suite/variation@1}
  - {name: core, item: product, format: csv, profile: woocommerce-core@1}
  - {name: packed, item: product, format: csv, profile: woocommerce-core@1, compression: gzip}
  - {name: feed, item: product, format: tsv, profile: google-merchant@1}
"""


def test_a_crawl_writes_the_golden_files(workplace):
    (workplace.recipes / "clone.yaml").write_text(RECIPE, encoding="utf-8")
    with WooShop() as shop:
        output = workplace.crawlery("crawl", "clone", "-i", f"site={shop.url}")
    assert f"rows      product {len(PRODUCTS)}" in output
    out = workplace.folder / "out"
    for name in FILES:
        assert (out / name).read_bytes() == (GOLDEN / name).read_bytes(), name
    packed = (out / "packed.csv.gz").read_bytes()
    assert gzip.decompress(packed) == (GOLDEN / "core.csv").read_bytes()
    assert packed[4:8] == bytes(4)  # no time: the same rows have the same bytes
    feed = (out / "feed.tsv").read_text(encoding="utf-8").replace(shop.url, "https://shop.example")
    assert feed == (GOLDEN / "feed.tsv").read_text(encoding="utf-8")


def test_a_steward_composes_the_same_bytes(workplace, valkey, wait_for):
    (workplace.recipes / "clone.yaml").write_text(RECIPE, encoding="utf-8")
    objects = workplace.folder / "objects"
    workplace.environment |= {"REDIS_URL": valkey.url, "STORAGE_URL": f"file://{objects}"}
    with WooShop() as shop, workplace.running("steward"):
        workplace.crawlery("crawl", "clone", "-i", f"site={shop.url}", "--job", "j1")
        manifest = objects / "local" / "j1" / "manifest.json"
        wait_for(manifest.is_file)
    files = {file["name"]: file for file in json.loads(manifest.read_bytes())["files"]}
    for name in FILES:
        body = (objects / files[name]["key"]).read_bytes()
        assert body == (GOLDEN / name).read_bytes(), name
        assert files[name]["rows"] == len(table(body))
        assert files[name]["columns"] == list(table(body)[0])
    workplace.crawlery("job", "rows", "j1", "--export", "variation", "-o", "rows.csv.gz")
    rows = gzip.decompress((workplace.folder / "rows.csv.gz").read_bytes())
    assert rows == (GOLDEN / "variation.csv").read_bytes()
    packed = files["packed.csv.gz"]
    assert (packed["content_type"], packed["key"].rpartition("-")[2].partition(".")[2]) == (
        "application/gzip",
        "csv.gz",
    )
    assert gzip.decompress((objects / packed["key"]).read_bytes()) == (GOLDEN / "core.csv").read_bytes()


def table(body: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body.decode(), newline="")))


@pytest.fixture(scope="module")
def golden():
    return {name: table((GOLDEN / name).read_bytes()) for name in FILES}


def test_every_variation_belongs_to_a_parent_and_has_values_of_its_options(golden):
    parents = {row["sku"]: row for row in golden["parent.csv"]}
    assert len(parents) == len(PRODUCTS)
    used = 0
    for row in golden["variation.csv"]:
        parent = parents[row["parent_sku"]]
        for column, value in row.items():
            if column.startswith("meta:attribute_") and value:
                used += 1
                assert value in parent["attribute:" + column.removeprefix("meta:attribute_")].split(" | ")
    assert used == 16
    skus = [row["sku"] for row in golden["variation.csv"]] + list(parents)
    assert len(skus) == len(set(skus))


def test_a_variation_that_fits_any_size_leaves_it_open(golden):
    (row,) = [row for row in golden["variation.csv"] if row["sku"] == "SH-1-B"]
    assert (row["meta:attribute_צבע"], row["meta:attribute_מידה"]) == ("שחור, מט", "")


def test_a_sale_arrives_as_regular_and_sale_price(golden):
    simple = next(row for row in golden["parent.csv"] if row["sku"] == "CH-2")
    assert (simple["regular_price"], simple["sale_price"]) == ("45.00", "42.00")
    variation = next(row for row in golden["variation.csv"] if row["sku"] == "TB-1-OS")
    assert (variation["regular_price"], variation["sale_price"]) == ("45", "42")
    core = {row["SKU"]: (row["Regular price"], row["Sale price"]) for row in golden["core.csv"]}
    assert (core["CH-2"], core["TB-1-OS"], core["TB-1-OP"]) == (("45.00", "42.00"), ("45", "42"), ("99.5", ""))


def test_every_kind_of_product_arrives_as_what_it_is(golden):
    kinds = {row["sku"]: row["tax:product_type"] for row in golden["parent.csv"]}
    assert [kinds[sold.sku] if sold.sku in kinds else kinds["'" + sold.sku] for sold in PRODUCTS] == [
        sold.kind for sold in PRODUCTS
    ]
    core = {row["SKU"]: row for row in golden["core.csv"]}
    assert core["BOOK-1"]["Type"] == "simple, downloadable, virtual"
    assert core["SET-1"]["Grouped products"] == "CH-1, CH-2"
    assert (core["LAMP-9"]["External URL"], core["LAMP-9"]["Button text"]) == (
        "https://other.example/lamp?ref=7",
        "Buy there",
    )
