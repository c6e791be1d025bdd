"""Files of profiles: columns, quotes, guards; the order of rows does not matter for the columns."""

from __future__ import annotations

import csv
import io
import logging
import random

import pytest

from crawler.exports.profiles.files import MOST_OPTIONS, ProfileWriter, Survey

PARENT, VARIATION = "woocommerce-import-suite/parent@1", "woocommerce-import-suite/variation@1"
CORE, GOOGLE = "woocommerce-core@1", "google-merchant@1"
SHAPED = (PARENT, VARIATION, CORE, GOOGLE)


def product(number, **fields):
    return {"sku": f"P-{number}", "name": f"Product {number}", **fields}


def variable(number, *values, name="Colour"):
    members = [{"sku": f"P-{number}-{place}", "attributes": {name: value}} for place, value in enumerate(values)]
    return product(number, attributes=[{"name": name, "values": list(values)}], variants=members)


def written(profile, rows, **options):
    survey = Survey(profile)
    for row in rows:
        survey.add(row)
    file = io.StringIO(newline="")
    writer = ProfileWriter(file, profile, survey.columns(), **options)
    writer.write_header()
    for row in rows:
        writer.write(row)
    return file.getvalue(), writer


def table(profile, rows, **options):
    text, _ = written(profile, rows, **options)
    separator = "\t" if profile == GOOGLE else ","
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=separator))


@pytest.mark.parametrize("profile", SHAPED)
def test_the_columns_are_the_same_in_whatever_order_the_rows_come(profile):
    rows = [variable(number, "x", name=f"Option {number % 7}") for number in range(20)]
    first, _ = written(profile, rows)
    random.Random(1).shuffle(rows)
    second, _ = written(profile, rows)
    assert first.splitlines()[0] == second.splitlines()[0]
    assert sorted(first.splitlines()) == sorted(second.splitlines())


@pytest.mark.parametrize("profile", SHAPED)
def test_a_file_without_rows_has_a_header(profile):
    text, writer = written(profile, [])
    assert (text.count("\n"), writer.written) == (1, 0)


@pytest.mark.parametrize("profile", [PARENT, VARIATION, CORE])
def test_every_cell_for_woocommerce_is_in_quotes(profile):
    text, _ = written(profile, [variable(1, 'say "x"')])
    for line in text.splitlines():
        assert line.startswith('"')
        assert line.endswith('"')
    assert '""x""' in text


@pytest.mark.parametrize("profile", SHAPED)
@pytest.mark.parametrize(
    "row",
    [
        product(1, attributes="x", variants="y", images=7, price="on request", category=[None, {}]),
        product(1, attributes=[[]], variants=[None, 1, [], {"attributes": [1, {}]}], specifications={"a": {}}),
        product(1, variants=[{"price": float("nan"), "attributes": {"": "x"}}], stock="many", type=7),
        {},
    ],
)
def test_rows_of_any_types_make_lines_and_no_error(profile, row):
    written(profile, [row])


def test_a_file_has_columns_for_a_limited_number_of_options_and_says_so(caplog):
    rows = [variable(number, "x", name=f"Option {number:04}") for number in range(MOST_OPTIONS + 50)]
    with caplog.at_level(logging.WARNING):
        parents, variations = table(PARENT, rows), table(VARIATION, rows)
    assert len([name for name in parents[0] if name.startswith("attribute:")]) == MOST_OPTIONS
    assert len([name for name in variations[0] if name.startswith("meta:")]) == MOST_OPTIONS
    assert "more than 300 options" in caplog.text


def test_variations_have_no_columns_that_their_parents_lack():
    rows = [
        product(number, specifications=[{"name": f"A {number:04}", "value": "x"}]) for number in range(MOST_OPTIONS)
    ]
    rows.append(variable(9999, "x", name="Z"))
    assert "attribute:Z" not in table(PARENT, rows)[0]
    assert "meta:attribute_Z" not in table(VARIATION, rows)[0]


@pytest.mark.parametrize("raw", [False, True])
def test_a_value_is_guarded_wherever_it_stands_so_that_variations_fit_their_product(raw):
    rows = [variable(1, "plain", "+ dots", "=1+1", "a | b")]
    (parent,) = table(PARENT, rows, raw=raw)
    values = parent["attribute:Colour"].split(" | ")
    assert [row["meta:attribute_Colour"] for row in table(VARIATION, rows, raw=raw)] == values
    assert values == ["plain", "+ dots", "=1+1", "a / b"] if raw else ["plain", "'+ dots", "'=1+1", "a / b"]


def test_guarded_cells_are_counted_and_lines_too():
    _, writer = written(VARIATION, [variable(1, "=1+1", "2"), product(2)])
    assert (writer.guarded, writer.written) == (1, 2)
