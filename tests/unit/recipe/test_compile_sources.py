"""Where a rule reads: in the language of its place, from the page, a row or a page source, or not at all."""

from decimal import Decimal

import pytest

from crawler.errors import RecipeError
from crawler.recipe.loader import load_recipe_text
from crawler.recipe.model import (
    ConstSource,
    MetaSource,
    PrecedingSource,
    QuerySource,
    ResponseSource,
    TableSource,
    TemplateSource,
)

HEAD = """schema_version: 1
name: one
version: "1.0.0"
inputs: {site: {type: string, default: "https://a.example"}}
start: [{urls: "{{ inputs.site }}", page: list}]
"""


def text(page: str, fields: str, contract: str) -> str:
    """A recipe with one item page `p`; `fields` and `contract` are block style, indented by six."""
    return (
        f"{HEAD}pages:\n  list:\n    follow: [{{links: a, page: p, carry: {{c: h2}}}}]\n  p:\n{page}    item: thing\n"
        f"    fields:\n{fields}items:\n  thing:\n    version: 1\n    fields:\n{contract}"
    )


def rule(written: str, page: str = "", type_: str = "string"):
    fields = f"      x: {written}\n"
    contract = f"      x: {{type: {type_}}}\n"
    return load_recipe_text(text(page, fields, contract)).pages["p"].rows.fields["x"]


def problems(fields: str, page: str, contract: str):
    with pytest.raises(RecipeError) as caught:
        load_recipe_text(text(page, fields, contract))
    return [(problem.path.removeprefix("pages.p."), problem.message, problem.hint) for problem in caught.value.problems]


JSON = "    parse: json\n"
LD = "    sources: {ld: {css: 'script::text', parse: json}, box: {css: '#box', parse: html}}\n"
EACH = "    each: li\n"


@pytest.mark.parametrize(
    ("written", "page", "language", "query"),
    [
        ("h1", "", "css", "h1"),
        ("{css: h1}", "", "css", "h1"),
        ("{xpath: //h1}", "", "xpath", "//h1"),
        ("title", JSON, "jmespath", "title"),
        ("{jmespath: title}", JSON, "jmespath", "title"),
        ("title", "    parse: xml\n", "css", "title"),
        ("GBP", "    parse: xml\n", "css", "GBP"),
        ("'@'", "    parse: text\n", "jmespath", "@"),
        ("{from: ld, jmespath: a}", LD, "jmespath", "a"),
        ("{from: box, css: a}", LD, "css", "a"),
        ("{from: box, xpath: //a}", LD + EACH, "xpath", "//a"),
        ("{jmespath: a}", "", "jmespath", "a"),
    ],
)
def test_a_query_is_in_the_language_of_its_place(written, page, language, query):
    source = rule(written, page).source
    assert isinstance(source, QuerySource)
    assert (source.query.language, source.query.text) == (language, query)


@pytest.mark.parametrize(
    ("written", "kind", "attribute", "value"),
    [
        ("{meta: 'og:title'}", MetaSource, "name", "og:title"),
        ("{response: url}", ResponseSource, "attribute", "url"),
        ("{response: headers.Date}", ResponseSource, "attribute", "headers.Date"),
        ("{const: GBP}", ConstSource, "value", "GBP"),
        ("{const: 1.50}", ConstSource, "value", Decimal("1.50")),
        ("{const: {a: [1, null]}}", ConstSource, "value", {"a": [1, None]}),
    ],
)
def test_every_other_source_is_compiled(written, kind, attribute, value):
    source = rule(written, type_="object" if isinstance(value, dict) else "string").source
    assert isinstance(source, kind)
    assert getattr(source, attribute) == value


@pytest.mark.parametrize("written", ['"{{ inputs.site }}/x"', '{template: "{{ inputs.site }}/x"}'])
def test_a_string_with_braces_is_a_template(written):
    source = rule(written).source
    assert isinstance(source, TemplateSource)
    assert source.template.text == "{{ inputs.site }}/x"


def test_preceding_and_table_read_beside_the_row():
    preceding = rule("{preceding: {css: h2.group, value: {css: span, process: [strip]}}}", EACH)
    assert isinstance(preceding.source, PrecedingSource)
    assert preceding.source.css.text == "h2.group"
    assert [step.name for step in preceding.source.value.process] == ["strip"]
    table = rule("{table: {header: Size}, as: html, remove: sup}", EACH)
    assert isinstance(table.source, TableSource)
    assert (table.source.header, table.as_, table.remove[0].text) == ("Size", "html", "sup")


@pytest.mark.parametrize(
    ("written", "page", "path", "message", "hint"),
    [
        ("{css: h1}", JSON, "fields.x.css", "`css` reads HTML and XML, but this page is JSON", "use jmespath"),
        ("{jmespath: a}", "    parse: html\n", "fields.x.jmespath", "`jmespath` reads JSON", "name a page source"),
        ("{jmespath: a}", EACH, "fields.x.jmespath", "but this row is HTML", "name a page source"),
        ("{from: dl, jmespath: a}", LD, "fields.x.from", "there is no page source 'dl'", "'ld'"),
        ("{from: ld, jmespath: a}", "", "fields.x.from", "there is no page source 'ld'", "the page has no `sources`"),
        ("{from: ld, css: a}", LD, "fields.x.css", "but the source 'ld' is JSON", "use jmespath"),
        ("{from: box, jmespath: a}", LD, "fields.x.jmespath", "the source 'box' is HTML", "use css"),
        ("{from: ld, meta: a}", LD, "fields.x.from", "'from' does not belong here", "not with `meta`"),
        ("{meta: a}", JSON, "fields.x.meta", "a json page has no <meta>", None),
        ("{response: urll}", "", "fields.x.response", "the response has no 'urll'", "'url'"),
        ("{response: headers}", "", "fields.x.response", "the response has no 'headers'", "headers.content-type"),
        ("{const: '{{ inputs.site }}'}", "", "fields.x.const", "`const` is no template", "template:"),
        ("{preceding: {css: a, value: b}}", "", "fields.x.preceding", "works in rows", "below an `each`"),
        ("{table: {header: a}}", "", "fields.x.table", "works in rows", "below an `each`"),
    ],
)
def test_a_rule_that_cannot_work_is_refused_with_the_cure(written, page, path, message, hint):
    found = problems(f"      x: {written}\n", page, "      x: {type: string}\n")
    assert len(found) <= 2
    assert any(p == path and message in m and (hint is None or hint in h) for p, m, h in found), found


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_text_without_line_breaks_is_no_file_of_lines(kind):
    text = RECIPE_OF_LINES.replace("KIND", kind)
    with pytest.raises(
        RecipeError, match=f"`::text` has no line breaks, and {kind} is made of lines; select the element"
    ):
        load_recipe_text(text.replace("SELECTOR", "pre::text"))
    for fine in ("pre", "script#data::text", "a::attr(data-file)"):
        load_recipe_text(text.replace("SELECTOR", fine))


RECIPE_OF_LINES = """
schema_version: 1
name: x
version: "1.0.0"
start: [{urls: "https://x.example/", page: page}]
pages:
  page:
    sources: {lines: {css: "SELECTOR", parse: KIND}}
    each: {from: lines, jmespath: "[*]"}
    item: i
    fields: {a: a}
items: {i: {version: 1, fields: {a: {type: string}}}}
"""
