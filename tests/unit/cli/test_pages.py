"""Which page type a page is taken for, and what is asked of the site."""

import pytest

from crawler.cli.groups import CommandFailed
from crawler.cli.pages import UNKNOWN_URL, get_page, guess_page
from crawler.egress.single_page import Fetched
from crawler.recipe.loader import load_recipe_text
from crawler.recipe.model import PageInput, PageRequest

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


def page_input(body="", url="https://x.example/p/oak"):
    return PageInput(request=PageRequest(url=url, page=None), url=url, body=body.encode())


@pytest.mark.parametrize(
    ("url", "known", "expected"),
    [
        ("https://x.example/c/oak", None, ("listing", "by its match")),
        ("https://x.example/c/oak", "chair", ("chair", "the recipe says so")),
    ],
)
def test_a_page_type_is_guessed_with_a_reason(recipe, url, known, expected):
    assert guess_page(recipe, page_input(url=url), known) == expected


def test_one_page_type_needs_no_guess():
    text = RECIPE[: RECIPE.index("start:")] + (
        "start: [{urls: '{{ inputs.site }}', page: chair}]\npages:\n" + RECIPE[RECIPE.index("  chair: {item") :]
    )
    assert guess_page(load_recipe_text(text), page_input()) == ("chair", "the only page type")


SHOP = """\
schema_version: 1
name: shop
version: "1.0.0"
start: [{urls: https://x.example/, page: home}]
pages:
  home: {follow: [{links: nav a, page: listing}]}
  listing: {follow: [{links: article a, page: chair}], paginate: {next: a.next}}
  chair: {item: chair, fields: {url: {response: url}, name: h1, colour: .colour, price: .price}}
items:
  chair:
    version: 1
    fields:
      url: {type: string}
      name: {type: string}
      colour: {type: string}
      price: {type: string, required: true}
"""
CARDS = "<article><a href=/p/1>1</a></article><article><a href=/p/2>2</a></article>"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (f"<h1>Oak</h1><b class=price>5</b>{CARDS}", ("chair", "it gives 1 row here; --page says otherwise")),
        (f"<h1>Oak</h1>{CARDS}", ("chair", "it gives 1 row here, rejected; --page says otherwise")),
        (CARDS, ("listing", "it finds 2 links here; --page says otherwise")),
        (f"<nav><a href=/c/1>1</a></nav>{CARDS}", ("listing", "it finds 2 links here; --page says otherwise")),
        ("<nav><a href=/c/1>1</a></nav>", ("home", "it finds 1 link here; --page says otherwise")),
        ("<a class=next href=/2>more</a>", ("listing", "it finds a next page here; --page says otherwise")),
        ("<p>", ("chair", "none gives anything here, and this is the only page type with an item")),
    ],
)
def test_without_match_a_page_is_of_the_type_that_gives_most_on_it(body, expected):
    assert guess_page(load_recipe_text(SHOP), page_input(body)) == expected


def test_of_two_page_types_with_rows_the_one_with_more_values_is_taken():
    fuller = "  sofa: {item: chair, fields: {url: {response: url}, name: h1, price: .price, colour: h1}}\nitems:\n"
    text = SHOP.replace("items:\n", fuller, 1).replace("page: chair}]", "page: chair}, {links: p a, page: sofa}]")
    name, _ = guess_page(load_recipe_text(text), page_input("<h1>Oak</h1><b class=price>5</b>"))
    assert name == "sofa"


def test_a_page_type_that_fails_on_a_page_is_not_taken(recipe):
    name, why = guess_page(recipe, page_input("<h1>Oak</h1>"))  # the API's type reads no HTML, the list's match fails
    assert (name, why) == ("chair", "it gives 1 row here; --page says otherwise")


def test_a_page_on_which_two_types_with_an_item_find_nothing_must_be_named():
    other = "  sofa: {item: chair, each: .sofa, fields: {price: .price}}\nitems:\n"
    text = SHOP.replace("items:\n", other, 1).replace("page: chair}]", "page: chair}, {links: p a, page: sofa}]")
    with pytest.raises(CommandFailed, match="Say it with --page: home, listing, chair, sofa"):
        guess_page(load_recipe_text(text), page_input("<p>"))


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
