"""`crawlery crawl` and its exit statuses, as a newcomer types it."""

import json
import signal
from pathlib import Path

from crawler.sample_shop.server import running_shop

ROOT = Path(__file__).parents[2]


def test_a_crawl_writes_rows_and_a_summary_and_one_gone_page_is_no_failure(workplace, shop):
    output = workplace.crawlery(
        "crawl", "shop", "-i", f"site={shop.url}", "-o", "shop.csv", "--summary", "shop.json"
    )  # fmt: skip
    assert "shop: partial" in output
    rows = workplace.rows("shop.csv")
    assert sorted(row["sku"] for row in rows) == sorted(row["sku"] for row in shop.catalogue.truth(shop.url))
    assert len(rows) == 60
    summary = json.loads((workplace.folder / "shop.json").read_text(encoding="utf-8"))
    assert summary["outcome"] == "partial"
    assert summary["rows"] == {"product": 60}
    assert summary["rejects"] == {"product": {}} or not summary["rejects"]
    (gone,) = summary["failures"]["http_404"]
    assert gone.startswith(shop.url)
    assert {"pages", "alternatives", "elapsed_s"} <= summary.keys()


def test_a_recipe_may_be_given_by_its_path_and_rows_be_json_lines(workplace, shop):
    path = ROOT / "recipes" / "shop.yaml"
    workplace.crawlery("crawl", path, "-i", f"site={shop.url}", "-o", "shop.jsonl", "-s", "ITEMS_LIMIT=20", code=0)
    lines = (workplace.folder / "shop.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) >= 20
    assert all(json.loads(line)["sku"] for line in lines)


def test_a_sample_shows_rows_and_writes_no_file(workplace, shop):
    output = workplace.crawlery("crawl", "shop", "-i", f"site={shop.url}", "--sample")
    assert "row 5" in output
    assert "row 6" not in output
    assert "shop: complete" in output
    assert not (workplace.folder / "out").exists()
    assert max(map(len, output.splitlines())) <= 160


def test_a_lost_list_page_is_exit_status_3(workplace):
    with running_shop(products=60, always_500=frozenset({"/c/toys/"})) as server:
        output = workplace.crawlery(
            "crawl", "shop", "-i", f"site={server.url}", "-o", "shop.csv",
            "-s", "RETRY_BACKOFF_MIN=0.01", "-s", "RETRY_BACKOFF_MAX=0.02", code=3,
        )  # fmt: skip
    assert "a list page was lost" in output
    assert f"{server.url}/c/toys/" in output
    assert workplace.rows("shop.csv")


def test_missed_quality_is_exit_status_4(workplace, shop):
    workplace.crawlery("crawl", "shop", "-i", f"site={shop.url}", "-s", "ITEMS_LIMIT=3", "-o", "a.csv", code=4)


def test_ctrl_c_keeps_the_rows_and_is_exit_status_130(workplace, wait_for):
    with running_shop(products=200, delay_ms=30) as server:
        command = ("crawl", "shop", "-i", f"site={server.url}", "-o", "shop.csv")
        with workplace.running(*command) as (process, seen):
            wait_for(lambda: sum(entry.path.startswith("/p/") for entry in server.log) > 20)
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=60) == 130
            wait_for(lambda: "shop: cancelled" in "".join(seen))
    assert 0 < len(workplace.rows("shop.csv")) < 200
