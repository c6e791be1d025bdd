"""`fetch` and `start` become requests of the plan; what could not be sent, or should not be, is refused in place."""

import pytest

from crawler.errors import RecipeError
from crawler.recipe.loader import load_recipe_text

BASE = """schema_version: 1
name: one
version: "1.0.0"
inputs:
  site: {type: string, default: "https://a.example"}
  words: {type: array, items: {type: string}, default: [a]}
HEADstart:
STARTpages:
  p:
PAGE  q: {item: thing, fields: {x: h1}}
items: {thing: {version: 1, fields: {x: {type: string}}}}
"""
START = "  - {urls: '{{ inputs.site }}/', page: p}\n"
PAGE = "    follow: [{links: a, page: q}]\n"


def text(*, head="", start=START, page=PAGE):
    return BASE.replace("HEAD", head).replace("START", start).replace("PAGE", page)


def load(**parts):
    return load_recipe_text(text(**parts))


def problems(**parts):
    with pytest.raises(RecipeError) as caught:
        load(**parts)
    return [(problem.path, problem.message, problem.hint or "") for problem in caught.value.problems]


def refused(path, message, hint="", **parts):
    found = problems(**parts)
    assert any(p == path and message in m and hint in h for p, m, h in found), found


# --- fetch ---


def test_a_pages_fetch_is_laid_over_the_recipes():
    head = (
        "fetch:\n  headers: {Accept: a, X-One: '1'}\n  encoding: windows-1255\n  timeout: 30s\n"
        "  retry: {times: 5, statuses: [500], network_errors: false, backoff: 2s..4s, respect_retry_after: false}\n"
    )
    recipe = load(head=head, page=PAGE + "    fetch: {headers: {accept: b}, encoding: auto, retry: {times: 0}}\n")
    whole, own = recipe.pages["q"].fetch, recipe.pages["p"].fetch
    assert {name: value.text for name, value in whole.headers.items()} == {"Accept": "a", "X-One": "1"}
    assert (whole.encoding, whole.timeout_s) == ("windows-1255", 30)
    assert {name: value.text for name, value in own.headers.items()} == {"X-One": "1", "accept": "b"}
    assert (own.encoding, own.timeout_s) == (None, 30)
    assert (own.retry.times, own.retry.statuses, own.retry.network_errors) == (0, frozenset({500}), False)
    assert (own.retry.backoff_min_s, own.retry.backoff_max_s, own.retry.respect_retry_after) == (2, 4, False)


def test_list_and_product_pages_each_have_their_own_fetch():
    """The system before had one wait list and one switch for all pages alike."""
    recipe = load(page=PAGE + "    fetch: {timeout: 5s}\n")
    assert (recipe.pages["p"].fetch.timeout_s, recipe.pages["q"].fetch.timeout_s) == (5, None)


@pytest.mark.parametrize("name", ["Authorization", "cookie", "X-Api-Key", "Proxy-Authorization"])
def test_secrets_do_not_belong_into_a_recipe(name):
    refused(f"fetch.headers.{name}", "a secret", "`session` sends secrets", head=f"fetch: {{headers: {{{name}: x}}}}\n")


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("Host: x", "set by the connection"),
        ("'A B': x", "no header name"),
        ("'Ä': x", "no header name"),
        ('A: "x\\r\\nB: y"', "a header is one line"),
        ("A: '{{ carried.x }}'", "is not known here"),
        ("A: '{{ inputs.sit }}'", "there is no input 'sit'"),
    ],
)
def test_headers_are_sane(header, message):
    found = problems(head=f"fetch:\n  headers:\n    {header}\n")
    assert any(message in m for _, m, _ in found), found


def test_an_unknown_encoding_is_refused():
    refused("fetch.encoding", "'latin-99' is no encoding", "windows-1255", head="fetch: {encoding: latin-99}\n")


# --- start ---


def test_urls_and_requests_become_templates():
    start = (
        "  - urls: ['{{ inputs.site }}/{{ w }}', https://b.example]\n    for_each: {w: '{{ inputs.words }}'}\n"
        "    page: p\n"
        "  - request:\n      url: https://a.example/s\n      query: {q: '{{ w }}', n: 1}\n      headers: {Accept: j}\n"
        "      form: {a: b}\n    for_each: {w: [x, y]}\n    page: p\n"
        "  - {request: {url: https://a.example/j, method: PUT, json: {a: ['{{ inputs.site }}']}}, page: p}\n"
    )
    first, second, third = load(start=start).start
    assert [spec.url.text for spec in first.requests] == ["{{ inputs.site }}/{{ w }}", "https://b.example"]
    assert first.for_each["w"].value == "{{ inputs.words }}"
    request = second.requests[0]
    assert (request.method, request.query["n"].value, request.headers["Accept"].text) == ("POST", 1, "j")
    assert request.form["a"].value == "b"
    assert second.for_each["w"].value == ["x", "y"]
    assert (third.requests[0].method, third.requests[0].json_body.value) == ("PUT", {"a": ["{{ inputs.site }}"]})


@pytest.mark.parametrize(
    ("entry", "path", "message", "hint"),
    [
        ("{urls: a.example, page: p}", "start[0].urls", "is no http(s) URL", "https://a.example"),
        ("{urls: 'ftp://a.example', page: p}", "start[0].urls", "is no http(s) URL", "only http"),
        (
            "{urls: '{{ inputs.site }}', for_each: {w: [a]}, page: p}",
            "start[0].for_each.w",
            "nothing uses 'w'",
            "{{ w }}",
        ),
        ("{urls: '{{ inputs.site }}{{ x }}', for_each: {xx: [a]}, page: p}", "start[0].for_each.xx", "nothing", "'x'"),
        ("{urls: '{{ item.x }}', page: p}", "start[0].urls", "`item.x` is not known here", "in `fields`"),
        ("{urls: '{{ words }}', page: p}", "start[0].urls", "bare name", "inputs.words"),
        (
            "{request: {url: 'https://a.example', method: GET, form: {a: b}}, page: p}",
            "start[0].request.method",
            "a GET request has no body",
            "POST",
        ),
        (
            "{request: {url: 'https://a.example', json: 1, form: {a: b}}, page: p}",
            "start[0].request.json",
            "one body",
            "keep `form` or `json`",
        ),
        (
            "{urls: 'https://a.example', request: {url: b}, page: p}",
            "start[0].request",
            "does not belong here",
            "new entry",
        ),
    ],
)
def test_a_start_that_cannot_work_is_refused(entry, path, message, hint):
    refused(path, message, hint, start=f"  - {entry}\n")
