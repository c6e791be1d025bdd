"""Rules become what the engine runs: language by place, sources by name, steps that fit, fields in order."""

import pytest

from crawler.errors import RecipeError
from crawler.recipe.loader import load_recipe_text
from crawler.recipe.model import (
    AnyOf,
    Rows,
    Take,
    UnionOf,
)
from crawler.recipe.template import Template
from crawler.recipe.values import MISSING

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


def top_names(fields: str) -> list[str]:
    return [
        line[6:].split(":")[0] for line in fields.split("\n") if line[:6] == " " * 6 and line[6:7] not in {" ", "-", ""}
    ]


def rows(fields: str, page: str = "", contract: str = "") -> Rows:
    return load_recipe_text(text(page, fields, contract or typed(fields))).pages["p"].rows


def typed(fields: str) -> str:
    """A contract of strings."""
    return "".join(f"      {name}: {{type: string}}\n" for name in top_names(fields))


def rule(written: str, page: str = "", type_: str = "string"):
    fields = f"      x: {written}\n"
    contract = f"      x: {{type: {type_}}}\n"
    return load_recipe_text(text(page, fields, contract)).pages["p"].rows.fields["x"]


def problems(fields: str, page: str = "", contract: str = ""):
    with pytest.raises(RecipeError) as caught:
        load_recipe_text(text(page, fields, contract or typed(fields)))
    return [(problem.path.removeprefix("pages.p."), problem.message, problem.hint) for problem in caught.value.problems]


def problem(written: str, page: str = "", type_: str = "string"):
    found = problems(f"      x: {written}\n", page, f"      x: {{type: {type_}}}\n")
    assert len(found) == 1, found
    return found[0]


JSON = "    parse: json\n"
LD = "    sources: {ld: {css: 'script::text', parse: json}, box: {css: '#box', parse: html}}\n"
EACH = "    each: li\n"


def test_all_modifiers_of_a_rule_reach_the_plan():
    taken = rule(
        "{from: box, css: a, as: html, remove: [i, b], all: true, process: [strip, {join: x}], default: none, when: b}",
        LD,
    )
    assert isinstance(taken, Take)
    assert (taken.from_, taken.as_, [css.text for css in taken.remove], taken.all) == ("box", "html", ["i", "b"], True)
    assert [step.name for step in taken.process] == ["strip", "join"]
    assert (taken.default, taken.when.rule.source.query.text) == ("none", "b")


def test_a_list_and_any_are_alternatives_and_union_gathers():
    alternatives = rule("[h1, {meta: title}, '{{ inputs.site }}']")
    assert isinstance(alternatives, AnyOf)
    assert len(alternatives.members) == 3
    long_form = rule("{any: [h1, h2], all: true, process: [{join: x}], default: d, when: p}")
    assert isinstance(long_form, AnyOf)
    assert (long_form.all, long_form.default, long_form.process[0].name) == (True, "d", "join")
    union = rule("{union: [h1, h2], process: [unique]}", type_="array")
    assert isinstance(union, UnionOf)
    assert len(union.members) == 2


def test_a_default_that_is_a_template_is_compiled_and_any_other_is_kept():
    assert isinstance(rule('{css: h1, default: "{{ inputs.site }}"}').default, Template)
    assert rule("{css: h1, default: 0}", type_="integer").default == 0
    assert rule("{css: h1}").default is MISSING


# --- what is refused ---


@pytest.mark.parametrize(
    ("written", "page", "path", "message", "hint"),
    [
        ("{css: a, each: b}", "", "fields.x.css", "'css' does not belong here", "rows have `each` and `fields`"),
        ("GBP", "", "fields.x", "there is no HTML element", "{const: GBP}"),
        ("in-stock", "", "fields.x", "there is no HTML element", "{const: in-stock}"),
        ("H1", "", "fields.x", "there is no HTML element", "'h1'"),
        ("tabel", "", "fields.x", "there is no HTML element", "'table'"),
        ("h1 #main", "", "fields.x", "is a comment in YAML", '"h1 #main"'),
        ("{css: h1 #main\n        }", "", "fields.x.css", "is a comment in YAML", '"h1 #main"'),
        ("'{{ item.y }}'", "", "fields.x", "there is no field 'y'", "the item has x"),
        ("'{{ item.x }}'", "", "fields.x", "in a circle: x -> x", None),
        ("'{{ row.x }}'", "", "fields.x", "in a circle: x -> x", None),
        ("'{{ nothing.x }}'", "", "fields.x", "there is no scope `nothing`", None),
        ("{css: h1, process: [{regex: '('}]}", "", "fields.x.process[0].regex", "pattern", None),
        ("{css: h1, process: [regex]}", "", "fields.x.process[0]", "needs a pattern", None),
        ("{css: h1, process: [{regex: }]}", "", "fields.x.process[0].regex", "has no value", None),
        ("{css: h1, process: [{join: x}]}", "", "fields.x.process[0]", "works on a list", None),
        ("{any: [h1, h2], process: [{join: x}]}", "", "fields.x.process[0]", "works on a list", None),
    ],
)
def test_a_rule_that_cannot_work_is_refused_with_the_cure(written, page, path, message, hint):
    found = problems(f"      x: {written}\n", page, "      x: {type: string}\n")
    assert len(found) <= 2
    assert any(p == path and message in m and (hint is None or hint in h) for p, m, h in found), found


@pytest.mark.parametrize("step", ["regex", "reject"])
@pytest.mark.parametrize("quote", ["'", ""])
def test_two_backslashes_are_refused_outside_double_quotes(step, quote):
    _, message, hint = problem(rf"{{css: h1, process: [{{{step}: {quote}\\d+{quote}}}]}}")
    assert "two backslashes stay two" in message
    assert rf"{step}: {quote}\d+{quote}" in hint


def test_two_backslashes_in_double_quotes_are_one():
    assert rule(r'{css: h1, process: [{regex: "(\\d+)"}]}').process[0].argument == r"(\d+)"


@pytest.mark.parametrize(
    ("written", "type_", "message", "hint"),
    [
        ("h1", "array", "is an array, but this gives one value", "all: true"),
        ("[h1, {css: h2, all: true}]", "array", "is an array, but this gives one value", "all: true"),
        ("{css: h1, all: true, process: [{join: x}]}", "array", "is an array", "all: true"),
        ("{css: h1, all: true}", "string", "is of type string, but this gives a list", "join"),
        ("{css: h1, process: [{split: ','}]}", "integer", "is of type integer, but this gives a list", "join"),
        ("{union: [h1, h2]}", "string", "is of type string, but this gives a list", "join"),
        ("{any: [h1, h2], all: true}", "string", "is of type string, but this gives a list", "join"),
        ("{const: [a, b]}", "string", "is of type string, but this gives a list", "join"),
        ("{each: li, fields: {y: b}}", "string", "is of type string, but this gives a list", "join"),
        ("{css: h1, as: count}", "array", "is an array, but this gives one value", "all: true"),
        ("{css: h1, as: count, all: true}", "integer", "counts every match already", "delete `all`"),
    ],
)
def test_one_value_and_a_list_are_told_apart_before_a_page_is_seen(written, type_, message, hint):
    _, found, found_hint = problem(written, type_=type_)
    assert message in found
    assert hint in found_hint


@pytest.mark.parametrize(
    ("written", "type_", "page"),
    [
        ("{css: h1, all: true}", "array", ""),
        ("{css: h1, all: true, process: [{join: x}]}", "string", ""),
        ("{css: h1, process: [{split: ','}]}", "array", ""),
        ("tags", "array", JSON),
        ("tags", "string", JSON),
        ("'{{ carried.c }}'", "array", ""),
        ("{each: li, fields: {y: b}}", "array", ""),
        ("{union: [h1, h2], process: [{join: x}]}", "string", ""),
        ("{any: [{css: a, all: true}, {css: b, all: true}], process: [{join: x}]}", "string", ""),
    ],
)
def test_what_fits_or_cannot_be_known_is_let_through(written, type_, page):
    rule(written, page, type_)


@pytest.mark.parametrize(
    ("written", "path", "message", "hint"),
    [
        ("[{css: a, default: x}, b]", "fields.x[0].default", "nothing behind it is ever tried", "any: [...]"),
        ("{any: [{css: a, default: x}, b]}", "fields.x.any[0].default", "nothing behind it is ever tried", "beside"),
        ("{any: [a, {css: b, default: x}], process: [upper]}", "fields.x.any[1].default", "used unprocessed", "beside"),
        ("{css: a, as: count, default: 1}", "fields.x.default", "never missing", "delete `default`"),
        ("{css: 'a::text', as: html}", "fields.x.as", "give no element", "delete `as`"),
        ("{css: 'a::attr(b)', remove: i}", "fields.x.remove", "no elements inside", "without `::text`"),
        ("{each: {css: li, remove: i}, fields: {y: b}}", "fields.x.each.remove", "rows keep", "parse: html"),
    ],
)
def test_an_option_that_can_change_nothing_is_refused(written, path, message, hint):
    type_ = "array" if "each" in written else "string"
    ((found_path, found_message, found_hint),) = problems(f"      x: {written}\n", "", f"      x: {{type: {type_}}}\n")
    assert found_path == path
    assert message in found_message
    assert hint in found_hint


@pytest.mark.parametrize(
    "written",
    [
        "[a, {css: b, default: x}]",
        "{any: [a, {css: b, default: x}]}",
        "{css: 'a ::text', remove: i, all: true, process: [{join: x}]}",
        "{css: a, as: html, remove: i}",
    ],
)
def test_options_that_do_something_are_let_through(written):
    rule(written)


# --- rows and order ---


def test_fields_come_after_those_their_templates_need():
    found = rows('      a: "{{ item.b }}"\n      b: "{{ row.c }}-{{ inputs.site }}"\n      c: h1\n      d: h2\n')
    assert list(found.fields) == ["c", "b", "a", "d"]


def test_a_template_deep_in_a_nested_row_orders_the_outer_fields():
    fields = (
        "      kids:\n        each: li\n        fields:\n          y: {css: b, default: '{{ item.z }}'}\n"
        "          w: '{{ row.v }}'\n          v: b\n      z: h1\n"
    )
    found = rows(fields, contract="      kids: {type: array}\n      z: {type: string}\n")
    assert list(found.fields) == ["z", "kids"]
    assert list(found.fields["kids"].fields) == ["y", "v", "w"]


def test_the_options_of_a_cartesian_come_before_it():
    fields = (
        "      kids:\n        each: li\n        else: {cartesian: options}\n        fields: {y: b}\n"
        "      options:\n        each: select\n        fields: {name: b, values: i}\n"
    )
    found = rows(fields, contract="      kids: {type: array}\n      options: {type: array}\n")
    assert list(found.fields) == ["options", "kids"]
    assert found.fields["kids"].cartesian == "options"


def test_a_cartesian_of_no_sibling_is_refused():
    fields = (
        "      kids:\n        each: li\n        else: {cartesian: optons}\n        fields: {y: b}\n      options: b\n"
    )
    found = problems(fields, contract="      kids: {type: array}\n      options: {type: string}\n")
    assert found == [
        ("fields.kids.else.cartesian", "there is no field 'optons' beside 'kids'", "did you mean 'options'?")
    ]


def test_a_circle_through_several_fields_is_named():
    found = problems('      a: "{{ item.b }}"\n      b: "{{ item.c }}"\n      c: "{{ item.a }}"\n')
    assert [message for _, message, _ in found] == ["fields refer to each other in a circle: a -> b -> c -> a"]


def test_rows_of_elements_speak_css_and_rows_of_values_jmespath():
    fields = (
        "      a:\n        each: li\n        fields: {y: b, z: {xpath: ./i}}\n"
        "      b:\n        each: {from: ld, jmespath: items}\n        fields: {y: name, z: {jmespath: a.b}}\n"
        "      c:\n        each: {css: 'li::attr(data-x)', parse: json}\n        fields: {y: name}\n"
        "      d:\n        each: {css: template, parse: html}\n        fields: {y: b}\n"
        "      e:\n        each: {css: li, process: [strip]}\n        fields: {y: '@'}\n"
    )
    found = rows(fields, LD, "".join(f"      {name}: {{type: array}}\n" for name in "abcde"))
    languages = {
        name: [take.source.query.language for take in nested.fields.values()] for name, nested in found.fields.items()
    }
    assert languages == {
        "a": ["css", "xpath"],
        "b": ["jmespath", "jmespath"],
        "c": ["jmespath"],
        "d": ["css"],
        "e": ["jmespath"],
    }
    assert found.fields["d"].each.take.as_ == "html"
    assert (found.fields["c"].each.parse, found.fields["a"].each.parse) == ("json", None)


def test_rows_are_selected_and_not_made_from_text():
    found = problems("      x: {each: '{{ inputs.site }}', fields: {y: b}}\n", "", "      x: {type: array}\n")
    assert [(path, message) for path, message, _ in found] == [
        ("fields.x.each", "`each` is a selector, not a template")
    ]


def test_conditions_of_nested_rows_stand_where_they_are_read():
    fields = "      kids: {each: li, fields: {y: b}, drop_if: .ad, when: {css: ul}}\n"
    found = rows(fields, contract="      kids: {type: array}\n").fields["kids"]
    assert (found.drop_if.rule.source.query.text, found.when.rule.source.query.text) == (".ad", "ul")


def test_an_absolute_xpath_in_a_row_is_refused_and_on_the_page_it_is_not():
    assert rule("{xpath: //h1}").source.query.text == "//h1"
    assert "leaves the row" in problem("{xpath: //h1}", EACH)[1]
    assert rule("{from: box, xpath: //h1}", LD + EACH).source.query.text == "//h1"


def test_an_unknown_name_in_a_nested_row_is_reported_at_both_ends():
    fields = "      kids: {each: li, fields: {colour: b, y: '{{ row.color }}'}}\n"
    found = problems(fields, contract="      kids: {type: array}\n")
    assert {(path, hint) for path, _, hint in found} == {
        ("fields.kids.fields.y", "did you mean 'colour'?"),
        ("fields.kids.fields.colour", "did you mean 'color'?"),
    }
