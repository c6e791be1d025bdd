"""Files of text: which writer writes them, and compressed ones whose bytes depend on their rows alone."""

from __future__ import annotations

import gzip
import io

import pytest

from crawler.exports.text_files import compressed, guarded_cells, text_of, text_writer

ROW = {"a": "x\ty", "b": '"', "c": ["1", 2], "d": "=1"}


@pytest.mark.parametrize(
    ("fmt", "line"),
    [
        ("csv", 'x\ty,"""","[""1"",2]",\'=1\n'),
        ("tsv", '"x\ty"\t""""\t"[""1"",2]"\t\'=1\n'),
        ("jsonl", '{"a":"x\\ty","b":"\\"","c":["1",2],"d":"=1"}\n'),
    ],
)
def test_a_line_is_as_its_format_has_it(fmt, line):
    file = io.StringIO(newline="")
    writer = text_writer(file, fmt, tuple(ROW))
    writer.write(ROW)
    assert file.getvalue() == line
    assert guarded_cells(writer) == (0 if fmt == "jsonl" else 1)


def test_json_lines_are_rows_whatever_the_profile_is():
    file = io.StringIO(newline="")
    text_writer(file, "jsonl", None, profile="woocommerce-core@1").write({"sku": "A"})
    assert file.getvalue() == '{"sku":"A"}\n'


@pytest.mark.parametrize("gzipped", [False, True])
def test_a_text_is_complete_when_it_is_closed_and_closes_what_it_is_written_to(tmp_path, gzipped):
    below = (tmp_path / "file").open("wb")
    with text_of(below, gzipped=gzipped, buffer_bytes=100) as text:
        text.write("שלום\n" * 1000)
    assert below.closed
    body = (tmp_path / "file").read_bytes()
    assert (gzip.decompress(body) if gzipped else body).decode() == "שלום\n" * 1000


def test_a_compressed_file_has_neither_a_time_nor_a_name_and_leaves_what_is_below_open(tmp_path):
    with (tmp_path / "file").open("wb") as below:
        with compressed(below) as file:
            file.write(b"x")
        assert not below.closed
    body = (tmp_path / "file").read_bytes()
    assert body[3] == 0  # no flags: no name
    assert body[4:8] == bytes(4)
