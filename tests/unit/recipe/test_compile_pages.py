"""What is fetched and walked becomes requests, links and lists of the plan; nonsense is refused in place."""

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


def page(extra):
    return load(page=PAGE + extra).pages["p"]


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
    refused(f"fetch.headers.{name}", "a secret", "later version", head=f"fetch: {{headers: {{{name}: x}}}}\n")


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


# --- pages ---


def test_follow_takes_all_its_parts():
    follow = (
        load(
            page="    match: x\n    follow:\n      - each: li\n        links: a\n        allow: b\n"
            "        deny: [c, d]\n"
            "        carry: {t: h1}\n        when: p\n        page: q\n"
        )
        .pages["p"]
        .follow[0]
    )
    assert follow.each.take.source.query.text == "li"
    assert follow.links.source.query.text == "a"
    assert ([r.pattern for r in follow.allow], [r.pattern for r in follow.deny]) == (["b"], ["c", "d"])
    assert (follow.carry["t"].source.query.text, follow.when.rule.source.query.text, follow.page) == ("h1", "p", "q")


@pytest.mark.parametrize(
    ("written", "facts"),
    [
        ("{next: a}", ("next", "", 1, 1, 1000)),
        ("{param: page}", ("param", "page", 1, 1, 1000)),
        ("{param: page, start: 0, step: 2, max_pages: 5}", ("param", "page", 0, 2, 5)),
        ("{offset: skip, size: 50}", ("offset", "skip", 0, 50, 1000)),
        ("{offset: skip, size: 50, start: 10}", ("offset", "skip", 10, 50, 1000)),
        ("{cursor: 'a::attr(data-next)', param: after}", ("cursor", "after", 1, 1, 1000)),
    ],
)
def test_every_kind_of_list_is_compiled(written, facts):
    paginate = page(f"    paginate: {written}\n").paginate
    assert (paginate.kind, paginate.param, paginate.start, paginate.step, paginate.max_pages) == facts
    assert (paginate.link is not None) == (facts[0] in {"next", "cursor"})


def test_while_total_and_append_are_compiled():
    json_page = "    parse: json\n    follow: [{links: urls, page: q}]\n"
    paginate = (
        load(page=json_page + "    paginate: {offset: o, size: 2, total: total, while: more}\n").pages["p"].paginate
    )
    assert paginate.total.source.query.text == "total"
    assert paginate.while_.rule.source.query.text == "more"
    appended = (
        BASE.replace("HEAD", "")
        .replace("START", START)
        .replace(
            "PAGE",
            "    item: thing\n    paginate: {next: a, append: [x]}\n    fields: {x: p}\n"
            "    follow: [{links: a, page: q}]\n",
        )
    )
    assert load_recipe_text(appended).pages["p"].paginate.append == ("x",)


@pytest.mark.parametrize(
    ("written", "path", "message", "hint"),
    [
        ("{next: a, param: page}", "param", "does not belong here", "keep `next` or `param`"),
        ("{param: page, size: 10}", "size", "does not belong here", "goes with `offset`"),
        ("{offset: o}", "", "the key 'size' is missing", ""),
        ("{cursor: a}", "", "the key 'param' is missing", ""),
        ("{cursro: a, param: p}", "cursro", "unknown key", "'cursor'"),
        ("{max_pages: 2}", "", "one of cursor, offset, next or param is missing", ""),
        ("{param: p, max_pages: 0}", "max_pages", "at least 1", ""),
        ("{next: a, append: [y]}", "append[0]", "the page has no field 'y'", ""),
        ("{scroll: 20}", "scroll", "not available in this version", ""),
    ],
)
def test_a_list_that_cannot_work_is_refused(written, path, message, hint):
    refused(f"pages.p.paginate{'.' if path else ''}{path}", message, hint, page=PAGE + f"    paginate: {written}\n")


def test_sources_are_parsed_as_they_say_and_elements_as_html():
    sources = page(
        "    sources:\n      a: {css: 'script::text', parse: json}\n      b: {css: div, parse: html}\n"
        "      c: {from: a, jmespath: x}\n      d: {xpath: //p, parse: html}\n"
    ).sources
    assert [(source.parse, source.rule.as_) for source in sources.values()] == [
        ("json", "text"),
        ("html", "html"),
        (None, "text"),
        ("html", "html"),
    ]


def test_a_source_may_read_only_sources_before_it():
    sources = "    sources:\n      a: {from: b, jmespath: x}\n      b: {css: 'p::text', parse: json}\n"
    refused("pages.p.sources.a.from", "there is no page source 'b'", page=PAGE + sources)


def test_a_source_of_elements_says_what_they_are():
    refused("pages.p.sources.a", "must say what they are", "parse: html", page=PAGE + "    sources: {a: {css: div}}\n")


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("    item: thing\n    fields: {x: {jmespath: a}}\n", "json"),
        ("    item: thing\n    each: {jmespath: a}\n    fields: {x: b}\n", "json"),
        ("    follow: [{links: {jmespath: urls}, page: q}]\n", "json"),
        ("    follow: [{links: a, page: q}]\n", None),
        ("    follow: [{each: {jmespath: urls}, links: url, page: q}]\n", "json"),
        ("    item: thing\n    fields: {x: {css: a}}\n", None),
        ("    parse: xml\n    item: thing\n    fields: {x: a}\n", "xml"),
    ],
)
def test_a_page_without_parse_is_json_where_its_rules_read_it_so(written, kind):
    keep = "    paginate: {next: {const: 'https://a.example'}}\n" if "follow" not in written else ""
    extra = "" if "follow" in written else "    follow: [{links: {const: 'https://a.example'}, page: q}]\n"
    assert load(page=written + keep + extra).pages["p"].parse == kind


def test_the_majority_decides_what_a_mixed_page_is():
    mixed = "    item: thing\n    fields: {x: [{css: a}, {css: b}, {jmespath: c}]}\n    follow: [{links: a, page: q}]\n"
    refused("pages.p.fields.x[2].jmespath", "this page is HTML", page=mixed)


def test_match_allow_and_deny_compile_or_are_refused_in_place():
    refused("pages.p.match", "does not compile", page=PAGE + "    match: '('\n")
    refused("pages.p.match[1]", "two backslashes", r"'\d+'", page=PAGE + "    match: [a, '\\\\d+']\n")
    refused("pages.p.follow[0].deny", "look", page="    follow: [{links: a, deny: 'a(?=b)', page: q}]\n")


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("    match: x\n", "one of item, follow or paginate is missing"),
        ("    item: thing\n", "'item' needs 'fields' beside it"),
        ("    follow: [{links: a, page: q}]\n    fields: {x: a}\n", "'fields' needs 'item' beside it"),
        ("    follow: [{links: a, page: q}]\n    each: a\n", "'each' needs 'item' beside it"),
    ],
)
def test_a_page_that_does_nothing_is_refused(written, message):
    assert any(message in found for _, found, _ in problems(page=written))


def test_drop_if_reads_the_page_also_where_rows_are_made():
    found = load(page=PAGE + "    item: thing\n    each: li\n    drop_if: body.gone\n    fields: {x: b}\n").pages["p"]
    assert found.drop_if.rule.source.query.row is False
    assert found.rows.drop_if is None
