"""CSV and JSON lines: rows, what is none, and files that would be too much."""

import json
import random
import time

import pytest

from crawler.errors import ParseRefused, RecipeError
from crawler.recipe.row_files import MAX_ROWS, MAX_TOLD, CsvFormat, parse_csv, parse_json_lines
from tests.unit.recipe.engine import item_recipe, run


def rows(text, **how):
    return parse_csv(text, CsvFormat(**how)).rows


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("a,b\n1,2\n", [{"a": "1", "b": "2"}]),
        ("a,b\r\n1,2\r\n", [{"a": "1", "b": "2"}]),
        ("a;b,c;d\n1;2;3", [{"a": "1", "b,c": "2", "d": "3"}]),
        ("a\tb\n1\t2", [{"a": "1", "b": "2"}]),
        ('"a;x",b\n1,2', [{"a;x": "1", "b": "2"}]),
        ("a|b\n1|2", [{"a": "1", "b": "2"}]),
        ("a\n1\n\n2", [{"a": "1"}, {"a": "2"}]),
        ("sep=|\na,x|b\n1|2", [{"a,x": "1", "b": "2"}]),
        ('a,b\n"x\ny",""""\n', [{"a": "x\ny", "b": '"'}]),
        (" a , b \n1, 2", [{"a": "1", "b": " 2"}]),
        ("a,,a,a\n1,2,3,4", [{"a": "1", "column_2": "2", "a_2": "3", "a_3": "4"}]),
        ("a,b,c\n1\n1,2,,,\n,,\n", [{"a": "1"}, {"a": "1", "b": "2", "c": ""}]),
        ("a\n\0\n", [{"a": "\0"}]),
        ("", []),
        ("a,b\n", []),
    ],
)
def test_csv_is_read_with_its_own_delimiter_and_header(text, read):
    file = parse_csv(text, CsvFormat())
    assert file.rows == read
    assert file.broken == 0


def test_how_csv_is_written_can_be_said():
    assert rows("a;b,c\n1;2,3", delimiter=",") == [{"a;b": "1;2", "c": "3"}]
    assert rows("1,2\n3,4,5", header=False) == [
        {"column_1": "1", "column_2": "2"},
        {"column_1": "3", "column_2": "4", "column_3": "5"},
    ]
    assert rows("1,2", header=("x", "y")) == [{"x": "1", "y": "2"}]
    assert rows("Stock\n\na,b\n1,2", skip=2) == [{"a": "1", "b": "2"}]


@pytest.mark.parametrize(
    ("text", "read", "lines"),
    [
        ("a,b\n1,2,3\n4,5", [{"a": "4", "b": "5"}], [2]),
        ('a,b\n"1"x,2\n4,5', [{"a": "4", "b": "5"}], [2]),
        ('a,b\n"1,2\n4,5\n6,7', [{"a": "4", "b": "5"}, {"a": "6", "b": "7"}], [2]),
        ("sep=,\na,b\n1,2,3\n", [], [3]),
        (f"a\n{'x' * 200_000}\n1\n", [{"a": "1"}], [2]),
    ],
)
def test_a_line_that_is_no_row_is_left_out_and_told_and_takes_no_other_with_it(text, read, lines):
    file = parse_csv(text, CsvFormat())
    assert file.rows == read
    assert [broken.line for broken in file.told] == lines


def test_lines_before_the_header_count_as_lines():
    assert parse_csv("x\nx\na,b\n1,2,3", CsvFormat(skip=2)).told[0].line == 4


@pytest.mark.parametrize("text", ["<!DOCTYPE html>\n<p>", " <html>", '"a"b,c\n1,2', '<?xml version="1.0"?>'])
def test_what_is_no_csv_is_refused(text):
    with pytest.raises(ParseRefused):
        parse_csv(text, CsvFormat())


def test_json_lines_are_any_json_and_blank_lines_do_not_count():
    file = parse_json_lines('{"a": 1.50}\n\n [1] \r\n"x"\nnull')
    assert [str(row) for row in file.rows] == ["{'a': Decimal('1.50')}", "[1]", "x", "None"]
    assert file.broken == 0


def test_a_line_that_is_no_json_is_left_out_and_told():
    file = parse_json_lines('{"a": 1}\n{"a": \n{"a": 2}\n')
    assert file.rows == [{"a": 1}, {"a": 2}]
    assert [(broken.line, broken.text) for broken in file.told] == [(2, '{"a":')]


@pytest.mark.parametrize("text", ["<html>\n<p>", "x", "[1,\n2]\n", "1\n" + "x\n" * 1_002, "[" * 1_000])
def test_what_is_no_json_lines_is_refused(text):
    with pytest.raises(ParseRefused):
        parse_json_lines(text)


def test_too_many_rows_and_cells_are_refused():
    with pytest.raises(ParseRefused, match="rows"):
        parse_json_lines("1\n" * (MAX_ROWS + 1))
    with pytest.raises(ParseRefused, match="rows"):
        parse_csv("a\n" * (MAX_ROWS + 2), CsvFormat())
    with pytest.raises(ParseRefused, match="cells"):
        parse_csv("1,2,3,4,5,6,7,8,9,0,1\n" * 190_000, CsvFormat(header=False))


def test_so_many_broken_lines_are_told_and_the_others_counted():
    file = parse_json_lines('1\n2\n{"a"\n' * 2_000)
    assert (len(file.rows), file.broken, len(file.told)) == (4_000, 2_000, MAX_TOLD)


def test_whatever_the_text_is_it_is_read_or_refused():
    chance = random.Random(7)
    for _ in range(3_000):
        text = "".join(chance.choices(['"', ",", ";", "\n", "\r", "a", "1", "{", "}", "[", "]", " ", "\0", "é"], k=30))
        for read in (lambda text: parse_csv(text, CsvFormat()), parse_json_lines):
            try:
                json.dumps(read(text).rows, default=str)
            except ParseRefused:
                continue


MEGABYTE = {
    "csv": "sku,name,price\n" + "".join(f'A-{n},"Chair, {n}",{n}.50\n' for n in range(45_000)),
    "jsonl": "".join(f'{{"sku": "A-{n}", "price": {n}.50}}\n' for n in range(32_000)),
    "quotes": '"' * 1_000_000,
    "open quotes": '"a\n' * 300_000,
    "columns": "a," * 500_000,
    "same columns": ",".join("a" for _ in range(300_000)) + "\n1\n",
    "half": '1\n{"a"\n' * 140_000,
    "brackets": "[" * 1_000_000,
    "line ends": "\r" * 1_000_000,
}


@pytest.mark.parametrize("name", MEGABYTE)
def test_a_megabyte_is_read_or_refused_soon(name):
    started = time.process_time()
    for read in (lambda text: parse_csv(text, CsvFormat()), parse_json_lines):
        try:
            read(MEGABYTE[name])
        except ParseRefused:
            continue
    assert time.process_time() - started < 8


# --- in recipes ---


def test_rows_of_a_page_that_are_none_are_rejects():
    recipe = item_recipe("sku: sku\nprice: price", page='parse: csv\neach: "[*]"')
    result = run(recipe, "sku,price\nA-1,5\nA-2,5,6\n", content_type="text/csv")
    assert [row.values for row in result.rows] == [{"sku": "A-1", "price": "5"}]
    [reject] = result.rejects
    assert (reject.reasons[0].field, reject.reasons[0].rule) == ("row", "parse")
    assert reject.reasons[0].message == "line 3: the row has 3 cells, and there are 2 columns"
    assert reject.values == {"line": 3, "text": "A-2,5,6"}
    assert result.stats["recipe/rows_unparsed"] == 1


def test_a_page_that_is_no_file_of_rows_fails():
    recipe = item_recipe("sku: sku", page='parse: jsonl\neach: "[*]"')
    with pytest.raises(ParseRefused, match="no line is JSON"):
        run(recipe, "<html><body>Not now</body></html>")


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("parse: csv", "a page of csv has many rows"),
        ('parse: json\neach: "[*]"\ncsv: {skip: 1}', "'csv' says how CSV is written"),
        ('parse: csv\neach: "[*]"\ncsv: {delimiter: ab}', "not one character"),
        ('parse: csv\neach: "[*]"\ncsv: {heder: true}', "did you mean 'header'"),
        ('parse: cvs\neach: "[*]"', "did you mean 'csv'"),
    ],
)
def test_what_cannot_be_is_refused(page, message):
    with pytest.raises(RecipeError, match=message):
        item_recipe("sku: sku", page=page)
