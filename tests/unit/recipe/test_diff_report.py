"""The report of a difference: of a size that can be sent, whatever the pages hold."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from engine import item_recipe

from crawler.recipe.diff import diff_recipes
from crawler.recipe.diff_report import diff_report, rate
from crawler.recipe.saved_pages import SavedPage


def test_a_report_is_never_much_larger_than_a_mebibyte():
    fields = "\n".join(f"f{number}: h{number}" for number in range(1, 7))
    old, new = item_recipe(fields), item_recipe(fields.replace(": h", ": .o"))
    body = "".join(f"<h{number}>{number}{'x' * 2_000}</h{number}><p class=o{number}>o</p>" for number in range(1, 7))
    row = f"<div class=row>{body}</div>".encode()
    pages = [SavedPage(name=f"{n}.html", page="page", url="https://shop.test/", body=row) for n in range(300)]
    report = diff_report(old, new, diff_recipes(old, new, pages), most=10_000)
    assert report["items"]["thing"]["fields"]["f1"]["changed"] == 300
    told = report["differences"]
    assert len(told) + report["left_out"] == 300
    assert 500_000 < len(json.dumps(told)) < 2_500_000
    assert all(len(one["changes"][0]["old"]) == 1_000 for one in told)


def test_a_rate_of_no_rows_is_none():
    assert (rate(0, 0), rate(0, 3), rate(1, 3), rate(3, 3)) == (None, 0.0, 0.3333, 1.0)
