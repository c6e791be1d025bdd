from __future__ import annotations

import pytest

from crawler.errors import ObjectStoreError
from crawler.steward.export import _in_short


@pytest.mark.parametrize(
    ("text", "short"),
    [
        (
            's3://b/c/j/segments/000002-51ed.zst: cannot put it: Could not connect to: "http://127.0.0.1:5/b/c/j.zst"',
            'cannot put it: Could not connect to: "http://127.0.0.1:5"',
        ),
        ("it does not answer", "it does not answer"),
    ],
)
def test_what_went_wrong_is_said_without_the_key(text, short):
    assert _in_short(ObjectStoreError(text)) == short
