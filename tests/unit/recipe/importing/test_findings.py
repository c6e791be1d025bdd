"""The report of an import."""

from crawler.recipe.importing.findings import KINDS, Findings, counts
from crawler.recipe.yaml_nodes import Mark, SourceFile


def test_findings_are_in_the_order_of_the_file_and_each_is_there_once():
    found = Findings()
    source = SourceFile("old.yaml", "")
    found.add("decide", Mark(source, 3, 1), ("b", 0), "second", "do this")
    found.add("noop", Mark(source, 2, 5), ("a",), "first")
    found.add("noop", Mark(source, 2, 5), ("a",), "first")
    assert [str(finding) for finding in found.all()] == [
        "old.yaml:2:5: a: did nothing: first",
        "old.yaml:3:1: b[0]: decide: second; do this",
    ]
    assert counts(found.all()) == {"noop": 1, "ignored": 0, "changed": 0, "dropped": 0, "decide": 1}
    assert tuple(counts(())) == KINDS
