"""Nothing is lost and nothing is doubled, whoever is killed: a slice of the campaign, beside stock scrapy-redis."""

import pytest
from big_site import BigSite, SiteProcess
from crawl_kills import MOMENTS, Kill, line, perform
from job_run import JobRun
from stock_run import run_stock
from workers import wait_until

pytestmark = pytest.mark.timeout(300)

#: As often as a kill of the stock worker may hit a moment at which it had nothing in hand.
STOCK_TRIES = 3


@pytest.fixture
def crawl(new_valkey, tmp_path):
    """`crawl(victim="worker", at=0.4)`: the findings of one crawl of the campaign."""
    return lambda **kill: perform(Kill(**kill), tmp_path, new_valkey(appendfsync="always"))


@pytest.mark.parametrize(
    "products", [pytest.param(700, marks=pytest.mark.long), pytest.param(1900, marks=pytest.mark.campaign)]
)
def test_a_killed_worker_loses_nothing_here_and_pages_with_stock_scrapy_redis(
    products, crawl, new_valkey, tmp_path, show
):
    ours = crawl(victim="worker", at=0.4, products=products, latency_s=0.05)
    for number in range(STOCK_TRIES):
        folder = tmp_path / f"stock-{number}"
        folder.mkdir()
        with SiteProcess(BigSite(products=products), latency_s=0.05) as site:
            stock = run_stock(site=site, store=new_valkey().url, folder=folder, kill_at=0.4)
        if stock.lost:
            break
    show(
        f"one of two workers killed at 40 % of {stock.pages} pages: {stock.lost} lost by scrapy-redis 0.9.1, "
        f"{ours['lost']} by Crawlery ({ours['leases_lost']} leases lost, {ours['refetched']} pages fetched again)",
    )
    assert ours["problems"] == []
    assert ours["leases_lost"] > 0
    assert stock.lost > 0


@pytest.mark.long
def test_a_store_that_is_killed_for_longer_than_leases_live_loses_nothing(crawl, show):
    result = crawl(victim="store", at=0.4, products=600)
    show(line(result))
    assert result["problems"] == []
    assert result["leases_lost"] == 0, "leases survive an outage of the store"


def test_a_page_that_kills_its_workers_is_given_up_and_all_others_are_read(new_valkey, tmp_path, show):
    deadly = "/product/7"
    settings = {"ITEM_PIPELINES": '{"killer.Killer": 900}', "KILLER_PATHS": deadly, "LEASE_TTL": "1"}
    with (
        SiteProcess(BigSite(products=60)) as site,
        JobRun.of(site=site, store=new_valkey(), folder=tmp_path, job="deadly", settings=settings) as run,
    ):
        run.start()

        def over() -> bool:
            if sum(worker.running for worker in run.workers) < 2 and run.books.state() in ("", "queued", "running"):
                run.start()
            return not any(worker.running for worker in run.workers)

        wait_until(over, what="the end of the job")
        ledger = run.books.ledger()
        deaths = sum(worker.process.returncode == 1 for worker in run.workers)
        show(f"a page that kills its worker: {deaths} workers died of it, then it was {dict(ledger.settled)}")
        pages = len(site.site.links())
        assert dict(ledger.settled) == {"ok": pages, "poison": 1}
        assert deaths == site.fetches()[deadly] == 6
        expected = site.site.rows(site.url)
        assert {row["url"] for row in run.books.rows()} == {row["url"] for row in expected.values()} - {
            site.url + deadly
        }


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_a_store_that_has_forgotten_that_a_job_has_begun_is_told_again(new_valkey, tmp_path, share):
    """As one that was rewound to a moment at which there was the job and no page of it."""
    with (
        SiteProcess(BigSite(products=100), latency_s=0.1) as site,
        JobRun.of(site=site, store=new_valkey(), folder=tmp_path, job="forgotten") as run,
    ):
        run.start()
        wait_until(lambda: run.books.leased() > 0, what="the start page")
        run.wait_for_share(share)
        run.books.forget()
        run.finish()
        rows = run.books.rows()
        expected = site.site.rows(site.url)
        assert len(rows) == len(expected)
        assert {row["url"] for row in rows} == {row["url"] for row in expected.values()}


@pytest.mark.campaign
@pytest.mark.parametrize("restarted", [False, True], ids=["left dead", "restarted"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_worker_may_be_killed_at_any_moment(moment, restarted, crawl, show):
    result = crawl(victim="worker", at=moment, restarted=restarted)
    show(line(result))
    assert result["problems"] == []
    assert result["leases_lost"] > 0


@pytest.mark.campaign
@pytest.mark.parametrize("moment", [0.05, 0.3, 0.5, 0.7, 0.9])
def test_the_store_may_be_killed_at_any_moment(moment, crawl, show):
    result = crawl(victim="store", at=moment)
    show(line(result))
    assert result["problems"] == []
    assert result["leases_lost"] == 0


@pytest.mark.campaign
@pytest.mark.parametrize("moment", [0.05, 0.3, 0.6, 0.9])
def test_a_worker_may_stand_still_for_too_long_and_go_on(moment, crawl, show):
    result = crawl(victim="zombie", at=moment)
    show(line(result))
    assert result["problems"] == []
    assert result["leases_lost"] > 0
