"""How imported recipes are written."""

from crawler.recipe.diagnostics import Report
from crawler.recipe.importing.draft import Draft, draft_text, one_line
from crawler.recipe.yaml_nodes import plain
from crawler.recipe.yaml_reader import read_yaml

VALUES = {
    "name": "a",
    "inputs": {"site": {"type": "string", "default": "https://x.example"}},
    "pages": {
        "p": {
            "follow": [{"links": ["a", "b#c"], "page": "p"}],
            "fields": {
                "n": {"css": "h1", "process": [{"regex": r"^\d+ '$"}, {"replace": {"pattern": r"\s", "with": ""}}]}
            },
        }
    },
    "exports": [],
}


def test_what_is_written_is_read_back():
    report = Report()
    assert plain(read_yaml(draft_text(Draft(values=VALUES)), file="x", report=report)) == VALUES
    assert not report.problems()


def test_remarks_stand_above_what_they_are_about_and_cannot_break_out_of_their_line():
    draft = Draft(values=VALUES)
    draft.remark((), "made by\nsomebody")
    draft.remark(("pages", "p", "follow", 0, "page"), "which one?")
    draft.remark(("pages", "p", "follow", 0, "page"), "which one?")
    text = draft_text(draft)
    assert text.startswith("# made by somebody\nname: a\n\ninputs: {site: {type: string,")
    assert '      - links: [a, "b#c"]\n        # which one?\n        page: p\n' in text
    report = Report()
    assert plain(read_yaml(text, file="x", report=report)) == VALUES
    assert not report.problems()


def test_patterns_are_in_single_quotes_where_they_can_be():
    assert one_line({"regex": r"\d"}) == r"{regex: '\d'}"
    assert one_line({"regex": r"\d'"}) == '{regex: "\\\\d\'"}'


def test_a_draft_knows_where_a_path_comes_from():
    draft = Draft(values={})
    draft.origins[()] = "top"
    draft.origins["pages", "p"] = "page"
    assert draft.origin(("pages", "p", "fields", "x")) == "page"
    assert draft.origin(("items",)) == "top"
