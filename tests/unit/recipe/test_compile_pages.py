"""Page types become sources, links, lists and rows of the plan; nonsense is refused in place."""

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


def test_a_list_is_no_text_to_parse():
    sources = "    sources: {a: {css: div, all: true, parse: html}}\n"
    refused("pages.p.sources.a", "a list cannot be parsed as html", "delete all: true", page=PAGE + sources)


def test_append_joins_one_row_and_each_makes_many():
    written = "    item: thing\n    each: li\n    paginate: {next: a, append: [x]}\n    fields: {x: b}\n"
    refused("pages.p.paginate.append", "`each` makes many", "delete `append`", page=PAGE + written)


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
