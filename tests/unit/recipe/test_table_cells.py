"""A cell is found by the text of its column's header."""

from __future__ import annotations

import pytest

from crawler.recipe.css import compile_css
from crawler.recipe.documents import parse_document


def cells(table: str, header: str) -> list[str | None]:
    document = parse_document(table.encode(), kind="html", url="u")
    found = [row.table_cell(header) for row in document.root.rows(compile_css("tr.r"))]
    return [None if cell is None else cell.own() for cell in found]


PLAIN = "<table><tr><th>Name<th>Size<th> Price (₪) </tr><tr class=r><td>a<td>M<td>1</tr><tr class=r><td>b<td>L</table>"
GROUPED = (
    "<table><caption>c</caption><thead><tr><th colspan=2>Item<th>Cost</tr><tr><th>Name<th>Size<th>Net</tr></thead>"
    "<tbody><tr class=r><td>a<td>M<td>1</tr><tr class=r><td colspan=2>both<td>2</tr></tbody></table>"
)


@pytest.mark.parametrize(
    ("table", "header", "found"),
    [
        (PLAIN, "Size", ["M", "L"]),
        (PLAIN, "size", ["M", "L"]),
        (PLAIN, " Price  (₪)", ["1", None]),
        (PLAIN, "Colour", [None, None]),
        (GROUPED, "Cost", ["1", "2"]),
        (GROUPED, "Net", ["1", "2"]),
        (GROUPED, "Size", ["M", "both"]),
        (GROUPED, "Item", ["a", "both"]),
        ("<table><tr class=r><td>only</table>", "only", [None]),
        ("<table><tr><th>A<th>B<tr class=r><th>row<td>x</table>", "B", ["x"]),
        ("<table><tr><th colspan=99999999999>A<th>B<tr class=r><td>x<td>y</table>", "B", ["y"]),
        ("<table><tr><th colspan=0>A<th>B<tr class=r><td>x<td>y</table>", "B", ["y"]),
        (f"<table><tr><th>X<th>Size<tr><td>{PLAIN}<td>z</table>", "Size", ["M", "L"]),
    ],
)
def test_the_cell_under_a_header(table, header, found):
    assert cells(table, header) == found


def test_what_is_no_table_row_has_no_cells():
    document = parse_document(b"<div class=r>x</div>", kind="html", url="u")
    (row,) = document.root.rows(compile_css(".r"))
    assert row.table_cell("x") is None


def test_xml_tables_are_read_alike():
    document = parse_document(
        b"<table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2</td></tr></table>", kind="xml", url="u"
    )
    row = document.root.rows(compile_css("tr"))[1]
    assert row.table_cell("B").own() == "2"
