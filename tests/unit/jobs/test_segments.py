from __future__ import annotations

import msgspec
import pytest

from crawler.jobs.segments import Segment, decode_segment, encode_segment
from crawler.wire import Undecodable

SEGMENT = Segment(number=1, key="a/b", sha256="c" * 64, size_bytes=3, rows={"b": 1, "a": 2}, last="1-0")


def test_a_segment_comes_back_as_it_was():
    assert decode_segment(encode_segment(SEGMENT)) == SEGMENT


def test_the_digest_is_that_of_all_it_says_in_whatever_order():
    same = Segment(number=1, key="a/b", sha256="c" * 64, size_bytes=3, rows={"a": 2, "b": 1}, last="1-0")
    other = Segment(number=1, key="a/b", sha256="c" * 64, size_bytes=3, rows={"a": 2, "b": 2}, last="1-0")
    assert SEGMENT.digest == same.digest != other.digest


@pytest.mark.parametrize(
    "encoded", [b"", b"\xc1", msgspec.msgpack.encode((2, SEGMENT)), msgspec.msgpack.encode((1, 5))]
)
def test_what_is_no_segment_is_refused(encoded):
    with pytest.raises(Undecodable):
        decode_segment(encoded)
