"""Definitions of Cardigann: a search, its rows and its fields."""

import yaml
from old_recipes import imported_text

HEAD = "id: finder\nname: Finder\nlanguage: de-DE\nencoding: windows-1252\nlinks: [https://finder.example/]\n"
ROWS = "  rows: {selector: table.hits tr.hit}\n"


def recipe_of(text, *, valid=True):
    result = imported_text(text)
    assert result.system == "cardigann"
    [recipe] = result.recipes
    assert recipe.valid == valid, [str(one) for one in result.findings]
    return yaml.safe_load(recipe.text), result.findings


def fields_of(text, head=HEAD):
    recipe, findings = recipe_of(head + "search:\n  path: s\n" + ROWS + "  fields:\n" + text)
    return recipe["pages"]["search"]["fields"], findings


def test_the_head_the_search_and_the_rows():
    recipe, findings = recipe_of(
        HEAD + "settings: [{name: sort, type: select, label: Order, default: time, options: {time: a, size: b}}]\n"
        "search:\n  paths: [{path: find.php}]\n"
        "  inputs: {q: '{{ .Keywords }}', order: '{{ .Config.sort }}', $raw: 'a=1&b={{ .Keywords }}'}\n"
        + ROWS
        + "  fields:\n    title: {selector: a.name}\n    seeders: {selector: td.s}\n"
    )
    assert recipe["name"] == "finder"
    assert recipe["labels"] == {"language": "de-DE"}
    assert recipe["fetch"] == {"encoding": "windows-1252"}
    assert recipe["inputs"]["sort"] == {
        "type": "string", "enum": ["time", "size"], "default": "time", "description": "Order",
    }  # fmt: skip
    assert recipe["start"][0]["request"] == {
        "url": "{{ inputs.site }}/find.php",
        "query": {"q": "{{ inputs.keywords }}", "order": "{{ inputs.sort }}", "a": "1", "b": "{{ inputs.keywords }}"},
    }
    page = recipe["pages"]["search"]
    assert page["each"] == "table.hits tr.hit"
    assert page["fields"] == {"title": "a.name", "seeders": {"css": "td.s", "process": ["integer"]}}
    assert recipe["items"]["release"]["fields"]["title"] == {"type": "string", "required": True}
    assert not findings


def test_a_field_that_is_written_twice_has_two_ways_the_last_one_first():
    fields, _ = fields_of("    date: {selector: td.a, optional: true}\n    date: {selector: td.b, optional: true}\n")
    assert fields["date"] == ["td.b", "td.a"]


def test_texts_cases_and_results_of_the_row():
    fields, findings = fields_of(
        "    title: {selector: a}\n"
        "    _href: {selector: a, attribute: href}\n"
        '    name: {text: "{{ if .Result._href }}{{ .Result._href }}{{ else }}{{ .Result.title }}{{ end }}"}\n'
        "    free: {case: {img.free: 0, '*': 1}}\n"
        "    up: {text: 1}\n"
        "    head: {selector: ':root h1', remove: b}\n"
    )
    assert fields["href"] == "a::attr(href)"
    assert fields["name"] == ["{{ item.href }}", "{{ item.title }}"]
    assert fields["free"] == [{"const": 0, "when": {"css": "img.free", "as": "html"}}, {"const": 1}]
    assert fields["up"] == {"const": 1}
    assert fields["head"] == {"from": "page", "css": "h1", "remove": "b"}
    assert not findings


def test_json_answers_are_read_by_paths():
    recipe, _ = recipe_of(
        HEAD + "search:\n  paths: [{path: api, response: {type: json}}]\n  rows: {selector: $.data.rows}\n"
        "  fields:\n    title: {selector: name}\n    odd: {selector: a-b.c, filters: [{name: tolower}]}\n"
        "    free: {selector: freeleech, case: {True: 0, '*': 1}}\n"
    )
    page = recipe["pages"]["search"]
    assert (page["parse"], page["each"]) == ("json", "data.rows")
    assert page["fields"]["odd"] == {"jmespath": '"a-b".c', "process": ["lower"]}
    assert page["fields"]["free"]["process"] == [{"map": {"values": {"true": 0}, "else": 1}}]


def test_what_only_a_person_can_decide_is_told():
    _, findings = recipe_of(
        HEAD + "login: {path: login.php}\ncaps: {}\n"
        'search:\n  path: "{{ if .Query.IMDBID }}imdb{{ else }}find{{ end }}"\n'
        "  inputs: {key: '{{ .Config.apikey }}'}\n"
        "  rows: {selector: tr, after: 1}\n"
        "  fields:\n    title: {selector: 'td:eq(1)'}\n    name: {selector: td}\n    size|append: {selector: b}\n"
    )
    told = {finding.path: finding.kind for finding in findings}
    assert told == {
        "login": "decide",
        "caps": "dropped",
        "search.path": "decide",
        "search.inputs.key": "decide",
        "search.rows.after": "decide",
        "search.fields.title.selector": "decide",
        "search.fields.size|append": "decide",
    }
