"""`crawlery demo`: a whole platform for the time of one job, a killed worker, and a file that is exact all the same."""

import pytest

from crawler.cli.demo_truth import compared
from crawler.exports.formats import csv_cell
from crawler.sample_shop.catalogue import build_catalogue


@pytest.mark.long
def test_the_demo_loses_nothing_though_a_worker_is_killed(workplace):
    output = workplace.crawlery("demo")
    assert "node-2     ready" in output
    assert "kill -9 " in output
    assert "succeeded, partial" in output
    assert "product 320" in output
    assert "X-Amz-Signature=" in output
    assert "320 rows in out/shop.csv: every cell is what the shop sells, though worker" in output
    assert len(workplace.rows("out/shop.csv")) == 320


def test_a_cell_that_is_not_what_the_shop_sells_is_named(workplace):
    truth = build_catalogue().truth("http://a")
    rows = [{name: csv_cell(value) for name, value in product.items()} for product in truth[:3]]
    rows[0]["name"] = "another"
    found = compared([*rows, rows[1]], site="http://a")
    assert any("name is 'another'" in line for line in found)
    assert any("there twice" in line for line in found)
    rows[0]["name"], rows[0]["variations"] = truth[0]["name"], "no list"
    assert any("variations is 'no list'" in line for line in compared(rows, site="http://a"))
    assert sum("missing" in line for line in found) == len(truth) - 3
