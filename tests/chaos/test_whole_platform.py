"""`crawlery up`, and then every process of it killed at once: the next `crawlery up` goes on, and the job is exact."""

from __future__ import annotations

import csv

import pytest
from big_site import BigSite, SiteProcess
from checker import check
from up_process import Platform
from workers import HERE, SPEED, wait_until

pytestmark = pytest.mark.timeout(300)

#: Impatient, and so polite to the site that it is not read in a moment.
SETTINGS = {**SPEED, "LEASE_TTL": "3", "SEAT_TTL": "3", "CONCURRENT_REQUESTS_PER_DOMAIN": "16"}


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(moment, marks=pytest.mark.long if moment == 0.5 else pytest.mark.campaign)
        for moment in (0.0, 0.2, 0.5, 0.8, 1.0)
    ],
)
def test_every_process_may_be_killed_at_once_and_the_job_goes_on(moment, tmp_path, show):
    site_of = BigSite(products=400)
    with SiteProcess(site_of, latency_s=0.2) as site:
        options = ("--nodes", "2", "--slots", "2", "--stewards", "2")
        recipes = {"RECIPES_PATH": str(HERE / "recipes")}
        platform = Platform(tmp_path, *options, settings=SETTINGS, environment=recipes)
        try:
            platform.start()
            job = platform.crawlery("job", "run", "big", "-i", f"site={site.url}", "--workers", "4").strip()
            wanted = moment * len(site_of.links())
            wait_until(lambda: platform.settled(job) >= wanted, what=f"{moment:.0%} of the pages")
            killed = platform.kill_everything()
            platform.start()
            platform.crawlery("job", "watch", job)
            platform.crawlery("job", "results", job, "-o", "files")
            with (tmp_path / "files" / "product.csv").open(newline="") as file:
                rows = list(csv.DictReader(file))
            found = check(
                expected=site_of.rows(site.url),
                pages=list(site_of.links()),
                rows=rows,
                fetches=site.fetches(),
                settled=None,
                leases_lost=len(site_of.links()),
            )
            outcome = f"{len(rows)} rows, {found.lost} lost, {found.doubled} doubled"
            show(f"{killed} processes killed at {moment:.0%} of the pages: {outcome}")
            assert found.problems == []
        finally:
            platform.stop()
