from __future__ import annotations

from pathlib import Path

import pytest
from scrapy.settings import Settings

from crawler.extensions.rejects import rejects_path


@pytest.mark.parametrize(
    ("feeds", "path"),
    [
        ({}, "out/books.rejects.jsonl"),
        ({"rows/b.csv": {}}, "rows/b.rejects.jsonl"),
        ({"file:///tmp/a%20b.jsonl": {}}, "/tmp/a b.rejects.jsonl"),
        ({"stdout:": {}}, "out/books.rejects.jsonl"),
        ({"-": {}}, "out/books.rejects.jsonl"),
        ({"s3://bucket/x.csv": {}, "local.csv": {}}, "local.rejects.jsonl"),
        ({"%(name)s.csv": {}}, "out/books.rejects.jsonl"),
        ({"noending": {}}, "noending.rejects.jsonl"),
    ],
)
def test_rejects_go_beside_the_first_local_output(feeds, path):
    settings = Settings({"FEEDS": feeds, "EXPORTS_DIR": "out"})
    assert rejects_path(settings, "books") == Path(path)
