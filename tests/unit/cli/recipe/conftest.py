"""A folder of recipes with one recipe, one saved page and one test; and `crawlery recipe` run in this process."""

from urllib.parse import urljoin, urlsplit

import pytest
from click.testing import CliRunner

from crawler.cli.main import cli
from crawler.cli.recipe.survey import Surveyor
from crawler.egress.single_page import Fetched, FetchFailed
from crawler.sample_shop.httpd import HttpRequest
from crawler.sample_shop.shop import SampleShop, ShopConfig

RECIPE = """\
schema_version: 1
name: chairs
version: "1.2.0"
description: Chairs of a shop
inputs:
  site: {type: string, format: uri, default: "https://x.example"}
start:
  - urls: "{{ inputs.site }}/"
    page: listing
pages:
  listing:
    match: ['/$']
    follow: [{links: li a, page: chair}]   # the cards
    paginate: {next: a.next}
  chair:
    item: chair
    fields:
      url: {response: url}
      name: [".title h2", h1]
      price: {css: .summary .price, process: [price]}
items:
  chair:
    version: 1
    key: [url]
    fields:
      url: {type: string, format: uri}
      name: {type: string, required: true}
      price: {type: decimal}
exports: [{name: chairs, item: chair, format: csv}]
tests:
  - page: chair
    snapshot: oak.html
    url: https://x.example/oak
    expect: {name: Oak, price: "5.00"}
# the end
"""
OAK = '<h1>Oak</h1><div class="summary"><p class="price">£5.00</p></div>'
LISTING = '<ul><li><a href="/oak">Oak</a><li><a href="/elm">Elm</a></ul>'


@pytest.fixture
def recipe_text():
    return RECIPE


@pytest.fixture
def oak():
    """The saved page."""
    return OAK


@pytest.fixture
def listing():
    """A page with two links."""
    return LISTING


@pytest.fixture
def recipes(tmp_path, monkeypatch):
    """The folder of recipes that names are looked up in; the current folder is the one around it."""
    folder = tmp_path / "recipes"
    (folder / "chairs").mkdir(parents=True)
    (folder / "chairs.yaml").write_text(RECIPE, encoding="utf-8")
    (folder / "chairs" / "oak.html").write_text(OAK, encoding="utf-8")
    monkeypatch.setenv("RECIPES_PATH", str(folder))
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture
def run():
    """`run("validate", "chairs", code=2)` is the output; the exit status must be `code`."""

    def invoke(*arguments, code=0):
        result = CliRunner().invoke(cli, ["recipe", *arguments])
        assert result.exit_code == code, result.output
        assert "Traceback" not in result.output
        return result.output

    return invoke


SITE = "http://shop.example"


class ShopFetcher:
    """The sample shop without sockets: follows redirects and keeps cookies as `PageFetcher` does."""

    def __init__(self, shop):
        self.shop = shop
        self.asked = []
        self.cookies = {}

    def get(self, url):
        for _ in range(5):
            parts = urlsplit(url)
            self.asked.append(parts.path)
            if f"{parts.scheme}://{parts.netloc}" != SITE:
                raise FetchFailed(f"{url}: connection refused")
            cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            headers = {"host": parts.netloc} | ({"cookie": cookie} if cookie else {})
            asked = HttpRequest(method="GET", path=parts.path or "/", query=parts.query, headers=headers)
            answer = self.shop.handle(asked)
            found = {name.lower(): value for name, value in answer.headers}
            if "set-cookie" in found:
                name, _, value = found["set-cookie"].partition(";")[0].partition("=")
                self.cookies[name] = value
            if answer.status in (301, 302, 303, 307, 308):
                url = urljoin(url, found["location"])
                continue
            kind = {"content-type": answer.content_type or ""}
            return Fetched(url=url, status=answer.status, body=answer.body, headers=kind)
        raise FetchFailed(f"{url}: too many redirects")


@pytest.fixture(scope="session")
def sample_shop():
    return SampleShop(ShopConfig(products=120))


@pytest.fixture
def surveyor(sample_shop):
    return Surveyor(ShopFetcher(sample_shop))
