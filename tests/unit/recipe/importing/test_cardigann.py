"""Definitions of Cardigann: a search, its rows and its fields."""

from old_recipes import FINDER as HEAD
from old_recipes import FINDER_ROWS as ROWS
from old_recipes import definition_recipe as recipe_of


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
