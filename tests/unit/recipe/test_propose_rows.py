"""Pages that show their items themselves."""

import pytest

from crawler.recipe.propose_dom import see
from crawler.recipe.propose_rows import row_draft

URL = "https://x.example/"


def draft(row, count=4, around="<div>{}</div>"):
    rows = "".join(row.replace("#", str(n)) for n in range(count))
    return row_draft(see(f"<!DOCTYPE html><html><body>{around.format(rows)}</body></html>", url=URL, base_url=URL))


JOB = """<li class="job"><b class="title">Carpenter number #</b><i class="place">Leipzig, Germany</i>
<u class="pay">€#00</u></li>"""


def test_repeated_elements_become_rows_and_prices_are_read_as_prices():
    found = draft(JOB, around="<ul>{}</ul>")
    assert (found.each, found.count) == (".job", 4)
    assert {one.name: one.rule for one in found.fields} == {
        "title": {"css": ".title"},
        "place": {"css": ".place"},
        "pay": {"css": ".pay", "process": ["price"]},
    }
    assert found.fields[0].sample == "Carpenter number 0"
    assert all(one.filled == 4 for one in found.fields)


def test_a_part_that_a_row_has_several_of_is_a_list():
    tags = '<i class="tag">a</i><i class="tag">b</i>'
    found = draft(f'<p class="quote"><b class="text">A long quotation, number #.</b>{tags}</p>')
    assert {one.name: one.spec["type"] for one in found.fields} == {"text": "string", "tag": "array"}


def test_an_element_that_only_holds_others_is_no_field():
    parts = '<b class="text">A long text, which has the number #.</b><i class="author">b</i>'
    found = draft(f'<p class="quote"><span class="box">{parts}</span></p>')
    assert [one.name for one in found.fields] == ["text", "author"]


@pytest.mark.parametrize(
    ("row", "count", "around"),
    [
        (JOB, 2, "<ul>{}</ul>"),
        (JOB, 5, "<nav><ul>{}</ul></nav>"),
        ("<li class=one>short</li>", 5, "<ul>{}</ul>"),
        ('<li class="one">One text without any parts, number #</li>', 5, "<ul>{}</ul>"),
    ],
)
def test_what_is_no_list_of_rows_gives_none(row, count, around):
    assert draft(row, count, around) is None
