from __future__ import annotations

import pytest

from crawler.frontier.identity import START_ID, child_id, foreign_id, request_id, text_id

KEY = b"secret of the job"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("http://a/x?b=2&a=1", "http://a/x?a=1&b=2"),
        ("http://a/x#top", "http://a/x"),
        ("http://a/x?q=%7e", "http://a/x?q=~"),
        ("HTTP://A/x", "http://a/x"),
    ],
)
def test_urls_that_mean_the_same_request_have_one_id(first, second):
    assert request_id(KEY, url=first) == request_id(KEY, url=second)


@pytest.mark.parametrize(
    "other",
    [
        {"url": "http://a/y"},
        {"url": "http://a/x", "method": "POST"},
        {"url": "http://a/x", "body": b"1"},
        {"url": "http://a/x", "page_type": "listing"},
    ],
)
def test_page_type_method_and_body_are_part_of_the_identity(other):
    assert request_id(KEY, url="http://a/x") != request_id(KEY, **other)


def test_parts_do_not_run_into_each_other():
    assert request_id(KEY, url="http://a/", method="PO", page_type="ST") != request_id(
        KEY, url="http://a/", method="POST"
    )
    assert text_id(KEY, "ab", "c") != text_id(KEY, "a", "bc")


def test_another_job_has_other_ids():
    assert request_id(KEY, url="http://a/") != request_id(b"another", url="http://a/")


def test_an_undeduplicated_child_has_the_same_id_when_its_parent_is_read_again():
    assert child_id(KEY, parent=5, ordinal=0) == child_id(KEY, parent=5, ordinal=0)
    assert len({child_id(KEY, parent=parent, ordinal=ordinal) for parent in (5, 6) for ordinal in (0, 1)}) == 4


def test_ids_fit_in_64_bits_and_never_are_the_start_page():
    numbers = [text_id(KEY, str(number)) for number in range(1_000)]
    assert all(START_ID < number < 2**64 for number in numbers)
    assert foreign_id(KEY, b"fingerprint") != text_id(KEY, "fingerprint")
