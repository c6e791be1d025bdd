"""A slice of `make bench-stages`: a tiny shop, sampled; and what a sample counts for."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from crawls.programs.stages import OTHERS, STAGES, stage_of
from crawls.server import ShopServer
from crawls.shop import Shop
from crawls.site import write_site
from crawls.stages import BEGIN, END, Shares, measure, table, written_page

CRAWLER = Path(__file__).parents[2] / "crawler"


def test_a_crawl_is_sampled_and_its_time_is_shared_out(tmp_path):
    shop = Shop(size="7 KB", lists=20)
    write_site(tmp_path / "site", shop, ("identity",))
    cores = os.sched_getaffinity(0)
    with ShopServer(tmp_path / "server", tmp_path / "site", transports=("plain",), cores=cores) as server:
        shares = measure(shop, server, tmp_path, cores=cores, repetitions=1)
    assert {"parsing by lexbor", "selectors by lexbor", "rules, texts, steps"} <= shares.samples.keys()
    assert shares.samples.keys() <= {*STAGES.values(), OTHERS}
    assert sum(map(shares.us, shares.samples)) == pytest.approx(shares.ours_us)
    assert shares.ours_us > shares.limit_us > 0


def test_every_stage_is_of_something_that_there_is():
    assert [module for module in STAGES if not (CRAWLER / module).exists()] == []


@pytest.mark.parametrize(
    ("file", "stage"),
    [
        ("/x/crawler/recipe/css_lexbor.py", "selectors by lexbor"),
        ("/x/crawler/recipe/steps/numbers.py", "rules, texts, steps"),
        ("/x/crawler/signals.py", "the path of a page, signals"),
        ("/x/crawler/fastpath/fast_path.py", "the path of a page, signals"),
        ("/x/crawler/fastpath/rows.py", "rows into the file"),
        ("/x/crawler/spiders/runner.py", OTHERS),
        ("/x/lib/site-packages/scrapy/crawler/x.py", None),
        ("/x/lib/site-packages/scrapy/crawler.py", None),
        ("<string>", None),
    ],
)
def test_a_sample_counts_for_its_module(file, stage):
    assert stage_of(file) == stage


def test_the_table_tells_the_dearest_first_and_is_written_into_its_page():
    lines = table({"7 KB": Shares(ours_us=400, limit_us=160, samples={"contract": 1, OTHERS: 3})})
    assert lines[2:] == [
        f"| {OTHERS} | 300 |",
        "| contract | 100 |",
        "| together | 400 |",
        "| no crawler, in the same run | 160 |",
        "| ours in terms of that | 2.50 |",
    ]
    page = written_page(f"a\n{BEGIN}\nold\n{END}\nb\n", lines)
    assert page == "\n".join(["a", BEGIN, *lines, END, "b", ""])
    with pytest.raises(ValueError, match="has no lines"):
        written_page("a", lines)
