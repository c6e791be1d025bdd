"""`recipe try`, `record` and `test` of a page whose row needs more requests."""

from __future__ import annotations

import pytest
import yaml
from click.testing import CliRunner

from crawler.cli.main import cli
from crawler.cli.pages import MAX_ANSWERS
from crawler.sample_shop.httpd import HttpResponse, HttpServer
from crawler.sample_shop.server import running_server

RECIPE = """\
schema_version: 1
name: joined
version: "1.0.0"
start: [{urls: "https://shop.example/", page: product}]
pages:
  product:
    each: li
    item: product
    fields:
      sku: b
      stock: {request: {url: "/stock?sku={{ item.sku }}"}, jmespath: left}
items:
  product:
    version: 1
    fields: {sku: {type: string}, stock: {type: integer}}
"""


def site(request):
    if request.path == "/stock" and request.parameters["sku"] == "S1":
        return HttpResponse(status=404)
    if request.path == "/stock":
        number = request.parameters["sku"].removeprefix("S")
        return HttpResponse(body=f'{{"left": {number}}}'.encode(), content_type="application/json")
    rows = "".join(f"<li><b>S{number}</b></li>" for number in range(int(request.path.strip("/"))))
    return HttpResponse(body=f"<!doctype html><ul>{rows}</ul>".encode())


@pytest.fixture
def crawlery(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "joined.yaml").write_text(RECIPE, encoding="utf-8")

    def run(*words, status=0):
        result = CliRunner().invoke(cli, ["recipe", *words])
        assert result.exit_code == status, result.output
        return result.output

    with running_server(HttpServer(site)) as server:
        run.url = server.url
        yield run


def test_try_makes_the_requests_of_a_row_and_says_how_many(crawlery):
    said = crawlery("try", "joined", f"{crawlery.url}/3")
    assert "html, utf-8: 3 rows" in said
    assert "2 follow-up requests answered" in said
    assert "sku=S1: status 404" in said


def test_try_does_not_make_all_requests_of_a_long_list(crawlery):
    said = crawlery("try", "joined", f"{crawlery.url}/{MAX_ANSWERS + 5}")
    assert f"{MAX_ANSWERS} follow-up requests answered" in said
    assert "4 more follow-up requests were not made" in said


def test_a_recorded_page_proves_itself_with_its_answers_and_no_network(crawlery, tmp_path):
    crawlery("record", "joined", f"{crawlery.url}/3")
    [test] = yaml.safe_load((tmp_path / "recipes" / "joined.yaml").read_text())["tests"]
    assert [url.partition("?")[2] for url in test["answers"]] == ["sku=S0", "sku=S2"]
    assert test["expect"]["rows"] == {"count": 3, "first": {"sku": "S0", "stock": 0}, "last": {"sku": "S2", "stock": 2}}
    saved = {path.name for path in (tmp_path / "recipes" / "joined").iterdir()}
    assert set(test["answers"].values()) < saved
    assert "ok     joined" in crawlery("test", "joined")
    for name in test["answers"].values():
        (tmp_path / "recipes" / "joined" / name).unlink()
    assert "there is no saved page" in crawlery("validate", "joined", status=2)
