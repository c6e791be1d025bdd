"""Templates of Cardigann definitions as templates of recipes."""

import pytest

from crawler.recipe.importing.cardigann_templates import read_template


@pytest.mark.parametrize(
    ("text", "alternatives"),
    [
        ("plain", ["plain"]),
        ("{{ .Keywords }}", ["{{ inputs.keywords }}"]),
        ("{{.Query.Keywords}}/{{ .Config.sort }}", ["{{ inputs.keywords }}/{{ inputs.sort }}"]),
        ("{{ .Config.sitelink }}x", ["{{ inputs.site }}/x"]),
        ("{{ if .Keywords }}a{{ .Keywords }}{{ end }}", ["a{{ inputs.keywords }}"]),
        ("{{ if .Result.a }}{{ .Result.a }}{{ else }}b{{ end }}", ["{{ item.a }}", "b"]),
    ],
)
def test_what_can_be_said_is_said(text, alternatives):
    found = read_template(text)
    assert found.alternatives == alternatives
    assert not found.doubts


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("{{ if .Keywords }}a{{ else }}b{{ end }}", "a"),
        ("{{ if .Query.IMDBID }}a{{ else }}b{{ end }}", "b"),
        ("{{ range .Categories }}c{{.}}&{{ end }}q", "q"),
        ('{{ join .Categories "," }}x', "x"),
        ("{{ .Query.Season }}x", "x"),
        ('{{ re_replace .Keywords "a" "b" }}', "{{ inputs.keywords }}"),
        ("a{{ end }}b", "a"),
    ],
)
def test_what_cannot_be_said_is_doubted(text, first):
    found = read_template(text)
    assert found.alternatives[0] == first
    assert found.doubts


def test_many_conditions_take_no_time_and_no_memory():
    found = read_template("{{ if .Result.a }}x{{ else }}y{{ end }}" * 400)
    assert len(found.alternatives) <= 8
    assert read_template("{{ if .Result.a }}" * 5000).alternatives
