"""A client of the replaced system, against the whole platform: its body, its paths, its downloads."""

from __future__ import annotations

import csv
import io
import re

import httpx
import pytest
from up_process import Platform, wait_until

pytestmark = pytest.mark.long


def test_a_crawl_of_the_replaced_system_goes_through_to_its_downloads(workplace, shop):
    environment = workplace.environment | {"EGRESS_ALLOW": "127.0.0.0/8"}
    platform = Platform(workplace.folder, "--nodes", "1", environment=environment)
    platform.start()
    try:
        said = (workplace.folder / "crawlery-data/platform.env").read_text()
        reach = dict(re.findall(r"^(\w+)=(.*)$", said, re.MULTILINE))
        headers = {"Authorization": f"Bearer {reach['CRAWLERY_API_KEY']}"}
        with httpx.Client(base_url=reach["CRAWLERY_API_URL"], headers=headers, timeout=10) as api:
            order = {
                "siteUrl": shop.url,
                "recipe": "shop",
                "options": {"maxProducts": 500, "retryOnFailure": True, "maxRetries": 3},
            }
            started = api.post("/api/scrape/init", json=order)
            assert (started.status_code, started.json()["success"]) == (201, True), started.text
            job = started.json()["data"]["jobId"]
            early = api.get(f"/api/scrape/download/{job}/parent")
            assert early.status_code in (302, 404)

            def status():
                return api.get(f"/api/scrape/status/{job}").json()["data"]

            wait_until(lambda: status()["status"] in ("completed", "failed"), what="the end of the job")
            assert (status()["status"], status()["progress"]) == ("completed", 100)
            assert [one["jobId"] for one in api.get("/api/scrape/jobs").json()["data"]["jobs"]] == [job]

            sent = api.get(f"/api/scrape/download/{job}/parent")
            assert sent.status_code == 302
            file = httpx.get(sent.headers["Location"], timeout=10)  # without a key
            rows = list(csv.DictReader(io.StringIO(file.text)))
            assert len(rows) == status()["products"] == 60
            variation = api.get(f"/api/scrape/download/{job}/variation")
            assert (variation.status_code, variation.json()["error"]["code"]) == (404, "STORAGE_ENTRY_NOT_FOUND")

            again = api.post(f"/api/scrape/cancel/{job}")
            assert (again.status_code, again.json()["error"]["code"]) == (409, "CONFLICT")
    finally:
        platform.stop()
