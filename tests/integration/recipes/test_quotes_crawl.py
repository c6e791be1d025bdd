"""`quotes` and `quotes-api` against a made-up site of 100 quotes: two roads to the same rows."""

import csv
import html
import json
import subprocess
import sys
from pathlib import Path

import pytest

import crawler.errors
from crawler.sample_shop.httpd import HttpResponse, HttpServer
from crawler.sample_shop.server import running_server

ROOT = Path(crawler.errors.__file__).parents[1]
PER_PAGE = 10
QUOTES = [
    {
        "text": f"“Number {number} is never “quite” what it seems, & that's that.”",
        "author": {"name": f"Å. Author {number % 7}", "slug": f"author-{number % 7}"},
        "tags": [f"tag-{tag}" for tag in range(number % 4)],
    }
    for number in range(100)
]


def quote_html(quote):
    tags = "".join(f'<a class="tag" href="/tag/{tag}/page/1/">{tag}</a>\n' for tag in quote["tags"])
    return (
        f'<div class="quote"><span class="text" itemprop="text">{html.escape(quote["text"])}</span>\n'
        f'<span>by <small class="author">{quote["author"]["name"]}</small></span>\n'
        f'<div class="tags">Tags:\n{tags}</div></div>\n'
    )


def site(request):
    if request.path == "/robots.txt":
        return HttpResponse(status=404)
    if request.path == "/api/quotes":
        page = int(request.parameters["page"])
        shown = QUOTES[(page - 1) * PER_PAGE : page * PER_PAGE]
        body = {"has_next": page * PER_PAGE < len(QUOTES), "page": page, "quotes": shown, "tag": None}
        return HttpResponse(body=json.dumps(body).encode(), content_type="application/json")
    page = int(request.path.strip("/").removeprefix("page/") or 1)
    shown = "".join(map(quote_html, QUOTES[(page - 1) * PER_PAGE : page * PER_PAGE]))
    following = f'<li class="next"><a href="/page/{page + 1}/">Next</a></li>' if page * PER_PAGE < len(QUOTES) else ""
    return HttpResponse(body=f'<!DOCTYPE html><meta charset="UTF-8">{shown}<ul class="pager">{following}</ul>'.encode())


@pytest.mark.parametrize("name", ["quotes", "quotes-api"])
def test_a_crawl_gives_every_quote_in_the_order_of_the_site(name, tmp_path):
    out = tmp_path / "out.csv"
    with running_server(HttpServer(site)) as server:
        command = [sys.executable, "-m", "scrapy", "crawl", name, "-a", f"site={server.url}", "-O", str(out)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=110)
        asked = [entry.path for entry in server.log if entry.path != "/robots.txt"]
    assert done.returncode == 0, done.stderr[-3000:]
    with out.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["text"], row["author"]) for row in rows] == [(one["text"], one["author"]["name"]) for one in QUOTES]
    assert [json.loads(row["tags"] or "[]") for row in rows] == [one["tags"] for one in QUOTES]
    assert len(asked) == len(set(asked)) == 10
