"""A slice of `make bench`: a tiny shop, crawled by a recipe, by Scrapy as one writes it by hand, and by no crawler."""

from __future__ import annotations

import os
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from crawls.runs import CrawlWrong, OtherProtocol, check_sent, crawl, hash_of_rows
from crawls.server import Sent, ShopServer
from crawls.shop import Shop
from crawls.site import write_site
from crawls.variants import VARIANTS

SHOP = Shop(size="7 KB", lists=2)
BY_NAME = {variant.name: variant for variant in VARIANTS}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    write_site(folder / "site", SHOP, ("identity",))
    transports, cores = ("plain", "https/1.1"), os.sched_getaffinity(0)
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


def test_a_crawl_by_another_protocol_is_told():
    sent = Sent(pages=Counter(SHOP.paths()), others=(), protocols=frozenset({"HTTP/1.1"}), with_cookie=43, robots=1)
    check_sent(sent, BY_NAME["ours"], SHOP, transport="https/1.1")
    with pytest.raises(OtherProtocol, match=r"ours \(7 KB, https/2\) spoke HTTP/1\.1, not HTTP/2\.0"):
        check_sent(sent, BY_NAME["ours"], SHOP, transport="https/2")


def test_a_page_that_was_sent_twice_is_told_and_one_that_was_refused():
    sent = Sent(
        pages=Counter([*SHOP.paths(), "/c/1"]),
        others=("HTTP/1.1 404 GET /x",),
        protocols=frozenset(),
        with_cookie=0,
        robots=0,
    )
    with pytest.raises(CrawlWrong, match=r"1 twice, as /c/1; 1 not 200, as HTTP/1.1 404 GET /x"):
        check_sent(sent, BY_NAME["limit"], SHOP, transport="plain")


def test_a_crawl_without_robots_or_cookies_is_told(server, tmp_path):
    limit = BY_NAME["limit"]
    with pytest.raises(CrawlWrong, match=r"limit \(7 KB, plain\) did not read robots.txt"):
        run(replace(limit, keeps_robots=True), server, tmp_path / "robots")
    with pytest.raises(CrawlWrong, match="sent the cookie with 0 of 43 requests"):
        run(replace(limit, keeps_cookies=True), server, tmp_path / "cookies")


def test_the_throttle_of_the_recipe_is_on(server, tmp_path):
    """Its delay is latency through target, 50 ms at most here: with a target that low, every request waits for it."""
    ours, low = BY_NAME["ours"], ("START_DELAY=0.05", "TARGET_CONCURRENCY=0.001", "MAX_DELAY=0.05")
    options = [word for each in low for word in ("-s", f"AUTOTHROTTLE_{each}")]
    held = run(replace(ours, command=lambda *where: [*ours.command(*where), *options]), server, tmp_path / "held")
    assert held.wall_s > SHOP.pages * 0.045


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
