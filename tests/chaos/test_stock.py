"""The harness finds nothing where nothing is lost: stock scrapy-redis, while nobody dies."""

import pytest
from big_site import BigSite, SiteProcess
from stock_run import run_stock


@pytest.mark.campaign
def test_stock_scrapy_redis_reads_the_whole_site_if_nobody_dies(new_valkey, tmp_path):
    with SiteProcess(BigSite(products=400), latency_s=0.02) as site:
        findings = run_stock(site=site, store=new_valkey().url, folder=tmp_path, kill_at=None)
    assert findings.problems == []
