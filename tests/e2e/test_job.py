"""One job on several processes, as it is typed in two terminals, and its rows as one file."""

import json
import signal
import subprocess
import sys
from collections import Counter

import pytest

from crawler.sample_shop.server import running_shop

SCRAPY = [sys.executable, "-m", "scrapy"]


@pytest.fixture
def terminal(workplace, valkey):
    """Starts workers of job j1, each as in a terminal of its own."""
    workplace.environment["REDIS_URL"] = valkey.url

    def run(site, *options):
        return workplace.running("crawl", "shop", "-i", f"site={site}", "--job", "j1", *options)

    return run


def lines(path):
    return sorted(path.read_text(encoding="utf-8").splitlines())


def skus(workplace):
    return Counter(row["sku"] for row in workplace.rows("rows.csv"))


def truth(server):
    return Counter(row["sku"] for row in server.catalogue.truth(server.url))


def pages_read(server, by=""):
    return sum(entry.path.startswith("/p/") and by in entry.headers.get("user-agent", "") for entry in server.log)


def test_two_terminals_crawl_one_job_and_its_rows_are_those_of_one_crawl(workplace, terminal, shop, wait_for):
    with terminal(shop.url, "--summary", "one.json") as (one, seen), terminal(shop.url) as (two, _):
        assert (one.wait(timeout=90), two.wait(timeout=90)) == (0, 0)
        wait_for(lambda: "`crawlery job rows j1 -o rows.csv` writes them" in "".join(seen))
    assert "quality_failed" not in "".join(seen)
    part = json.loads((workplace.folder / "one.json").read_text(encoding="utf-8"))
    assert part["job"]["ended"] == "finished"
    assert part["job"]["rows"] == {"product": 60}
    assert part["pages"] < part["job"]["accepted"]
    assert "finishing" in workplace.crawlery("job", "list")
    assert "rows      product 60" in workplace.crawlery("job", "status", "j1")
    workplace.crawlery("job", "rows", "j1", "-o", "rows.csv")
    workplace.crawlery("crawl", "shop", "-i", f"site={shop.url}", "-o", "alone.csv")
    assert lines(workplace.folder / "rows.csv") == lines(workplace.folder / "alone.csv")
    assert "takes no more pages" in workplace.crawlery(
        "crawl", "shop", "-i", f"site={shop.url}", "--job", "j1", code=2
    )  # fmt: skip


@pytest.mark.long
def test_a_worker_that_is_stopped_leaves_its_pages_to_others_and_one_that_is_killed_loses_none(
    workplace, terminal, wait_for
):
    with running_shop(products=200, delay_ms=20) as server:
        options = ("-s", "LEASE_TTL=1")
        one, two = ((*options, "-s", f"USER_AGENT={name}") for name in ("one", "two"))
        with terminal(server.url, *one) as (stopped, seen), terminal(server.url, *two) as (killed, _):
            wait_for(lambda: min(pages_read(server, "one"), pages_read(server, "two")) > 3)
            stopped.send_signal(signal.SIGINT)
            assert stopped.wait(timeout=60) == 130
            wait_for(lambda: "shop: cancelled, this worker's part" in "".join(seen))
            assert "open when this worker left" in "".join(seen)
            killed.kill()
            killed.wait()
        assert pages_read(server) < 200
        with terminal(server.url, *options) as (last, seen):
            assert last.wait(timeout=90) == 0
            wait_for(lambda: "job       j1 has ended" in "".join(seen))
        workplace.crawlery("job", "rows", "j1", "-o", "rows.csv")
        assert skus(workplace) == truth(server)


@pytest.mark.long
def test_a_job_is_paused_resumed_and_cancelled_from_another_terminal(workplace, terminal, wait_for):
    with running_shop(products=2_000, delay_ms=30) as server, terminal(server.url) as (worker, seen):
        wait_for(lambda: pages_read(server) > 5)
        wait_for(lambda: "; job: " in "".join(seen))
        workplace.crawlery("job", "pause", "j1")
        wait_for(lambda: "The job is paused" in "".join(seen))
        workplace.crawlery("job", "resume", "j1")
        before = pages_read(server)
        wait_for(lambda: pages_read(server) > before)
        workplace.crawlery("job", "cancel", "j1")
        assert worker.wait(timeout=60) == 0
        wait_for(lambda: "job       j1 has ended: " in "".join(seen))
        assert "finishing, to cancel" in workplace.crawlery("job", "status", "j1")
        workplace.crawlery("job", "rows", "j1", "-o", "rows.csv")
        assert 0 < len(workplace.rows("rows.csv")) < 2_000
        assert set(skus(workplace).values()) == {1}


@pytest.mark.long
def test_scrapy_crawl_joins_the_same_job(workplace, terminal, shop, valkey):
    (workplace.folder / "scrapy.cfg").write_text("[settings]\ndefault = crawler.settings\n", encoding="utf-8")
    site, store = f"site={shop.url}", f"REDIS_URL={valkey.url}"
    done = subprocess.run(
        [*SCRAPY, "crawl", "shop", "-a", site, "-a", "job=j1", "-s", store, "-O", "part.csv"],
        cwd=workplace.folder, env=workplace.environment, capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "`crawlery job rows` writes those of the whole job" in done.stderr
    workplace.crawlery("job", "rows", "j1", "-o", "rows.csv")
    assert lines(workplace.folder / "rows.csv") == lines(workplace.folder / "part.csv")
    refused = workplace.crawlery("crawl", "shop", "-i", "site=http://127.0.0.1:9", "--job", "j1", code=2)
    assert "job j1 began with site=" in refused
    assert "give another --job ID than j1" in refused


def test_a_store_that_cannot_be_reached_is_one_message_without_the_password(workplace, shop):
    command = ("crawl", "shop", "-i", f"site={shop.url}", "--job", "j1", "--redis-url")
    silent = workplace.crawlery(*command, "redis://:secret@127.0.0.1:1", code=2)
    assert "Error: the store at redis://127.0.0.1:1 does not answer" in silent
    assert "secret" not in silent
    assert "REDIS_URL or REDIS_PARAMS cannot be used" in workplace.crawlery(*command, "127.0.0.1:1", code=2)


def test_a_job_without_a_name_gets_one_that_is_told_at_once_and_a_limit_is_that_of_the_job(workplace, shop, valkey):
    options = ("--redis-url", valkey.url, "-s", "REQUESTS_LIMIT=3")
    output = workplace.crawlery("crawl", "shop", "-i", f"site={shop.url}", *options)
    (told,) = [line for line in output.splitlines() if "; others join it with --job shop-" in line]
    assert f"  job       {told.rpartition(' ')[2]} has ended: limits.requests, " in output
    assert "limits.requests ended the crawl; " in output
