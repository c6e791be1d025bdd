"""A slice of `make bench`: a tiny shop, crawled by a recipe, by Scrapy as one writes it by hand, and by no crawler."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from crawls.runs import CrawlWrong, OtherProtocol, crawl, hash_of_rows
from crawls.server import ShopServer
from crawls.shop import Shop
from crawls.site import write_site
from crawls.variants import VARIANTS

SHOP = Shop(size="7 KB", lists=2)
BY_NAME = {variant.name: variant for variant in VARIANTS}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    write_site(folder / "site", SHOP, ("identity",))
    transports, cores = ("plain", "https/1.1", "https/2"), os.sched_getaffinity(0)
    with ShopServer(folder / "server", folder / "site", transports=transports, cores=cores) as server:
        yield server


def run(variant, server, folder, *, transport="plain", shop=SHOP):
    cores = os.sched_getaffinity(0)
    return crawl(variant, server=server, transport=transport, shop=shop, folder=folder, cores=cores)


def test_a_recipe_a_spider_by_hand_and_a_bare_loop_give_the_same_rows(server, tmp_path):
    runs = [run(BY_NAME[name], server, tmp_path / name) for name in ("ours", "hand", "limit")]
    assert len({each.rows for each in runs}) == 1
    assert all(0 < each.cpu_s < each.process_cpu_s for each in runs)


def test_encrypted_pages_give_the_same_rows(server, tmp_path):
    plain = run(BY_NAME["limit"], server, tmp_path / "plain")
    assert run(BY_NAME["ours"], server, tmp_path / "https", transport="https/1.1").rows == plain.rows


def test_a_crawl_that_leaves_pages_out_is_told(server, tmp_path):
    with pytest.raises(CrawlWrong, match=r"did not ask for each page once: 21 missing, as /c/2"):
        run(BY_NAME["limit"], server, tmp_path / "crawl", shop=Shop(size="7 KB", lists=3))


def test_a_crawl_by_another_protocol_is_told(server, tmp_path):
    hand = BY_NAME["hand"]
    without_h2 = replace(hand, command=lambda site, _, rows: hand.command(site, "https/1.1", rows))
    with pytest.raises(OtherProtocol, match=r"spoke HTTP/1\.1, not HTTP/2\.0"):
        run(without_h2, server, tmp_path / "crawl", transport="https/2")


COLUMNS = (
    "url,name,sku,price,regular_price,availability,brand,category,description,images,rating,votes,canonical,weight,"
    "spec_values,reviewers\n"
)
ROW = "{site}/p/1,Chair,1,2.00,3.00,In stock,B,{category},Oak,{site}/a.jpg,4,5,https://shop.example/p/1,1.5,a,b\n"


def written(path, *, site, category='"Home,Chairs"', rows=1):
    path.write_text(COLUMNS + ROW.format(site=site, category=category) * rows)
    return path


def test_rows_are_the_same_whatever_the_site_is_called_and_however_lists_are_written(tmp_path):
    first = hash_of_rows(written(tmp_path / "a", site="http://127.0.0.1:1"), site="http://127.0.0.1:1", count=1)
    other = written(tmp_path / "b", site="https://127.0.0.1:2", category='"[""Home"",""Chairs""]"')
    assert hash_of_rows(other, site="https://127.0.0.1:2", count=1) == first


def test_another_value_makes_other_rows(tmp_path):
    first, other = (
        hash_of_rows(written(tmp_path / name, site="s", category=name), site="s", count=1)
        for name in ("Home", "Chairs")
    )
    assert first != other


def test_a_row_too_many_and_an_empty_cell_are_told(tmp_path):
    with pytest.raises(CrawlWrong, match="has 2 rows, not 1"):
        hash_of_rows(written(tmp_path / "a", site="s", rows=2), site="s", count=1)
    with pytest.raises(CrawlWrong, match="has rows without category"):
        hash_of_rows(written(tmp_path / "b", site="s", category=""), site="s", count=1)
