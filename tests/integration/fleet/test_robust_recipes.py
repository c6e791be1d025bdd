"""Workers of a recipe's job on a site that is against them: pages that take long to read, or that keep them out."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest
import redis
from click.testing import CliRunner
from hostile_selectors import CSS, PAGES, XPATH
from terminals import PATIENCE_S, crawls, kill, wait_until

from crawler.cli.main import cli
from crawler.recipe.css import compile_css
from crawler.recipe.query_error import QueryError
from crawler.sample_shop.httpd import HttpResponse, HttpServer
from crawler.sample_shop.server import running_server

if TYPE_CHECKING:
    import subprocess

HEAD = """\
schema_version: 1
name: robust
version: "1.0.0"
inputs: {site: {type: string, format: uri}}
start: [{urls: "{{ inputs.site }}/", page: listing}]
"""
TTL_S = 1.0

#: Those on which selectors take longest.
SLOW_PAGES = ("400 deep with 200 siblings each", "a table of 300 by 300")


@pytest.fixture
def workers(tmp_path, valkey):
    """Starts two workers of a recipe's job on a site: `workers(recipe, url)`."""
    started = []

    def start(recipe: str, site: str, *settings: str) -> list[subprocess.Popen[bytes]]:
        (tmp_path / "robust.yaml").write_text(recipe, encoding="utf-8")
        words = ["-a", f"site={site}", "-a", "job=j1", "-s", f"REDIS_URL={valkey.url}", "-s", f"LEASE_TTL={TTL_S}"]
        words += [word for setting in ("DOWNLOAD_DELAY=0", *settings) for word in ("-s", setting)]
        started.extend(crawls(tmp_path, "robust", *words, log=f"{number}.log") for number in range(2))
        return started

    yield start
    kill(started)


def ended(started, tmp_path):
    codes = [process.wait(timeout=2 * PATIENCE_S) for process in started]
    logs = "\n".join(path.read_text(errors="replace")[-3000:] for path in sorted(tmp_path.glob("*.log")))
    assert codes == [0, 0], logs
    return logs


def _hostile_recipe() -> str:
    """Every hostile selector is a field: a page takes many times the life of a lease."""
    fields, types = [], []
    for number, (language, text) in enumerate([*(("css", one) for one in CSS), *(("xpath", one) for one in XPATH)]):
        if language == "css":
            try:
                compile_css(text)
            except QueryError:
                continue
        quoted = "'" + text.replace("'", "''") + "'"
        fields.append(f"      f{number}: {{{language}: {quoted}, all: true, process: [{{limit: 1}}]}}\n")
        types.append(f"      f{number}: {{type: array}}\n")
    return (
        f"{HEAD}pages:\n  listing:\n    follow: [{{links: a, page: slow}}]\n  slow:\n    item: thing\n    fields:\n"
        f"      url: {{response: url}}\n{''.join(fields)}items:\n  thing:\n    version: 1\n    fields:\n"
        f"      url: {{type: string}}\n{''.join(types)}"
    )


@pytest.mark.long
def test_a_worker_that_reads_the_slowest_page_keeps_its_lease_and_nothing_is_fetched_twice(workers, stored, tmp_path):
    asked: Counter[str] = Counter()
    begun: dict[str, float] = {}

    def site(request):
        asked[request.path] += 1
        begun[request.path] = time.monotonic()
        if request.path == "/":
            return HttpResponse(body="".join(f"<a href='/p/{n}'>{n}</a>" for n in range(len(SLOW_PAGES))).encode())
        if request.path.startswith("/p/"):
            return HttpResponse(body=PAGES[SLOW_PAGES[int(request.path.removeprefix("/p/"))]].encode())
        return HttpResponse(status=404)

    with running_server(HttpServer(site)) as server:
        logs = ended(workers(_hostile_recipe(), server.url), tmp_path)
        took_s = time.monotonic() - begun["/p/0"]
    paths = [f"/p/{number}" for number in range(len(SLOW_PAGES))]
    assert {path: asked[path] for path in ("/", *paths)} == dict.fromkeys(("/", *paths), 1), logs
    assert took_s > 2 * TTL_S, "the pages did not take long enough to lose a lease"
    books = stored("j1").ledger()
    assert books.balanced
    assert (books.settled, books.retries) == ({"ok": 2 + len(paths)}, 0)
    assert sorted(row["url"] for row in stored("j1").rows()) == [f"{server.url}{path}" for path in paths]


GUARDED = f"""{HEAD}
blocked_if: [p.wall, {{response: status, process: [{{regex: '^403$'}}]}}]
limits: {{blocked_in_a_row: 4}}
fetch: {{retry: {{times: 20, backoff: 100ms..500ms}}}}
pages:
  listing: {{follow: [{{links: a, page: product}}]}}
  product: {{item: product, fields: {{sku: h1}}}}
items: {{product: {{version: 1, fields: {{sku: {{type: string, required: true}}}}}}}}
"""


@pytest.mark.long
def test_a_fleet_that_is_kept_out_by_the_word_of_its_recipe_is_paused_and_loses_nothing(
    workers, stored, tmp_path, valkey, monkeypatch
):
    walled, walls = [True], Counter()
    monkeypatch.setenv("REDIS_URL", valkey.url)

    def job(*words):
        result = CliRunner().invoke(cli, ["job", *words])
        assert result.exit_code == 0, result.output
        return result.output

    def site(request):
        if request.path == "/":
            return HttpResponse(body="".join(f"<a href='/p/{n}'>{n}</a>" for n in range(20)).encode())
        if request.path.startswith("/p/") and walled[0]:
            walls["met"] += 1
            return HttpResponse(status=(200, 403)[walls["met"] % 2], body=b"<h1>No</h1><p class='wall'>Log in</p>")
        if request.path.startswith("/p/"):
            return HttpResponse(body=f"<h1>{request.path}</h1>".encode())
        return HttpResponse(status=404)

    records = redis.Redis.from_url(valkey.url)
    with running_server(HttpServer(site)) as server:
        started = workers(GUARDED, server.url)
        wait_until(lambda: records.hget("crawlery:{j1}:job", "state") == b"paused", what="the pause")
        said = " ".join(job("status", "j1").split())
        assert "why 127.0.0.1 keeps us out: 4 answers without a page that could be read" in said
        assert "`blocked_if` holds (" in said
        assert not stored("j1").rows()
        walled[0] = False
        job("resume", "j1")
        ended(started, tmp_path)
    records.close()
    assert walls["met"] >= 4
    assert sorted(row["sku"] for row in stored("j1").rows()) == sorted(f"/p/{number}" for number in range(20))
