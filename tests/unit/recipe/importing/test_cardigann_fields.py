"""Fields of Cardigann definitions."""

from old_recipes import fields_of


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


def test_a_case_whose_template_comes_to_a_plain_text_is_a_constant():
    fields, findings = fields_of('    kind: {case: {i.a: "{{ if .Query.Season }}tv{{ else }}film{{ end }}", "*": x}}\n')
    assert fields["kind"] == [{"const": "film", "when": {"css": "i.a", "as": "html"}}, {"const": "x"}]
    assert [finding.kind for finding in findings] == ["decide"]
