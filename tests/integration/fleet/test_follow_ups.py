"""Rows that wait for follow-up requests, while workers of their job are killed: each is given out once, and whole."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from terminals import PATIENCE_S, crawls, kill, wait_until

from crawler.sample_shop.httpd import HttpResponse, HttpServer
from crawler.sample_shop.server import running_server

if TYPE_CHECKING:
    import subprocess

PRODUCTS = 40
KILLS = 2
RECIPE = """\
schema_version: 1
name: joined
version: "1.0.0"
inputs: {site: {type: string, format: uri}}
limits: {delay: 10ms}
start: [{urls: "{{ inputs.site }}/", page: listing}]
pages:
  listing: {follow: [{links: a, page: product}]}
  product:
    item: product
    fields:
      sku: h1
      reviews: {request: {url: "{{ inputs.site }}/reviews?sku={{ item.sku }}"}, jmespath: total}
      stock: {request: {url: "{{ inputs.site }}/stock?sku={{ item.sku }}"}, jmespath: left, default: 0}
items:
  product:
    version: 1
    fields: {sku: {type: string}, reviews: {type: integer}, stock: {type: integer}}
"""


class Shop:
    """A site whose answers take a moment; every fifth product has no stock to be asked for."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()

    def __call__(self, request):
        self.asked[request.path] += 1
        time.sleep(0.01)
        if request.path == "/":
            return HttpResponse(body="".join(f"<a href='/p/{n}'>{n}</a>" for n in range(PRODUCTS)).encode())
        if request.path.startswith("/p/"):
            return HttpResponse(body=f"<h1>{request.path.removeprefix('/p/')}</h1>".encode())
        number = int(request.parameters.get("sku", "0"))
        if request.path == "/stock" and number % 5 == 0:
            return HttpResponse(status=404)
        body = json.dumps({"total": number, "left": number + 100}).encode()
        return HttpResponse(body=body, content_type="application/json")


@pytest.fixture
def worker(tmp_path, valkey):
    """Starts a worker of the job on a site: `worker(url)`."""
    (tmp_path / "joined.yaml").write_text(RECIPE, encoding="utf-8")
    started = []

    def start(site: str) -> subprocess.Popen[bytes]:
        words = ["-a", f"site={site}", "-a", "job=j1", "-s", f"REDIS_URL={valkey.url}", "-s", "LEASE_TTL=1"]
        started.append(crawls(tmp_path, "joined", *words, log=f"{len(started)}.log"))
        return started[-1]

    yield start
    kill(started)


@pytest.mark.long
def test_a_row_that_waits_is_given_out_once_whoever_is_killed(worker, stored, tmp_path):
    shop = Shop()
    with running_server(HttpServer(shop)) as server:
        for kill in range(1, KILLS + 1):
            process = worker(server.url)
            wait_until(lambda kill=kill: shop.asked["/reviews"] >= 8 * kill, what="follow-up requests")
            process.kill()
            process.wait(timeout=PATIENCE_S)
        last = [worker(server.url) for _ in range(2)]
        codes = [process.wait(timeout=PATIENCE_S) for process in last]
    logs = "\n".join(path.read_text(errors="replace")[-2000:] for path in sorted(tmp_path.glob("*.log")))
    assert codes == [0, 0], logs
    rows = sorted((int(row["sku"]), row["reviews"], row["stock"]) for row in stored("j1").rows())
    assert rows == [(n, n, 0 if n % 5 == 0 else n + 100) for n in range(PRODUCTS)]
    assert stored("j1").ledger().balanced
