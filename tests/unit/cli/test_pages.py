"""Which page type a page is taken for, and what is asked of the site."""

import pytest

from crawler.cli.fetch import Fetched
from crawler.cli.groups import CommandFailed
from crawler.cli.pages import UNKNOWN_URL, get_page, guess_page
from crawler.recipe.loader import load_recipe_text

RECIPE = """\
schema_version: 1
name: chairs
version: "1.0.0"
inputs: {site: {type: string, default: "https://x.example"}, token: {type: string, default: abc}}
fetch: {headers: {X-Token: "{{ inputs.token }}"}}
start:
  - {request: {url: "{{ inputs.site }}/api", method: POST, json: {page: 1}, headers: {Accept: text/plain}}, page: api}
pages:
  api: {parse: json, follow: [{links: {jmespath: urls}, page: listing}]}
  listing: {match: ['/c/'], follow: [{links: a, page: chair}]}
  chair: {item: chair, fields: {name: h1}}
items: {chair: {version: 1, fields: {name: {type: string}}}}
"""


class RememberingFetcher:
    """Answers every request with the same page and keeps what was asked."""

    def __init__(self):
        self.asked = []

    def get(self, url, *, headers=None, method="GET", body=None):
        self.asked.append((method, url, headers, body))
        return Fetched(url=url, status=200, body=b"{}", headers={"content-type": "text/html"})


@pytest.fixture
def recipe():
    return load_recipe_text(RECIPE)


@pytest.mark.parametrize(
    ("url", "known", "expected"),
    [
        ("https://x.example/c/oak", None, ("listing", "by its match")),
        ("https://x.example/p/oak", None, ("chair", "the only page type with an item")),
        ("https://x.example/c/oak", "chair", ("chair", "the recipe says so")),
    ],
)
def test_a_page_type_is_guessed_with_a_reason(recipe, url, known, expected):
    assert guess_page(recipe, url, known) == expected


def test_a_start_page_is_asked_for_as_a_crawl_would(recipe):
    fetcher = RememberingFetcher()
    inputs = recipe.inputs.resolve({})
    gotten = get_page(recipe, "https://x.example/api", inputs=inputs, fetcher=fetcher)
    ((method, _, headers, body),) = fetcher.asked
    assert (method, body) == ("POST", b'{"page":1}')
    assert headers == {"X-Token": "abc", "Accept": "text/plain", "Content-Type": "application/json"}
    assert gotten.page == "api"


def test_other_pages_are_asked_for_with_the_headers_of_the_recipe(recipe):
    fetcher = RememberingFetcher()
    gotten = get_page(recipe, "https://x.example/c/oak", inputs=recipe.inputs.resolve({}), fetcher=fetcher)
    assert fetcher.asked == [("GET", "https://x.example/c/oak", {"X-Token": "abc"}, b"")]
    assert gotten.input.request.page == "listing"


def test_a_file_without_an_address_is_given_one_and_that_is_said(recipe, tmp_path, capsys):
    (tmp_path / "oak.html").write_text("<h1>Oak</h1>")
    gotten = get_page(recipe, str(tmp_path / "oak.html"), inputs={})
    assert gotten.input.url == UNKNOWN_URL
    assert "--url says it" in capsys.readouterr().err


def test_a_page_type_that_there_is_not_is_refused_before_anything_is_fetched(recipe):
    fetcher = RememberingFetcher()
    with pytest.raises(CommandFailed, match="there are api, listing, chair"):
        get_page(recipe, "https://x.example/", inputs={}, page="sofa", fetcher=fetcher)
    assert fetcher.asked == []
