from __future__ import annotations

import random

import pytest
from w3lib.url import canonicalize_url, safe_url_string

from crawler.frontier.identity import (
    START_ID,
    Occurrences,
    child_id,
    foreign_id,
    is_canonical,
    plain_request_id,
    request_id,
    text_id,
)

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


def children(*pages, parent=5):
    """Ids of the requests of one parent, by page."""
    occurrences = Occurrences()
    return [(page, child_id(KEY, parent=parent, page=page, occurrence=occurrences(page))) for page in pages]


def test_unfiltered_requests_have_the_same_ids_when_their_parent_gives_them_again_in_any_order():
    assert sorted(children(7, 8, 7, 9)) == sorted(children(9, 7, 7, 8))


def test_each_unfiltered_request_is_a_page_of_its_own_also_the_second_one_for_the_same_page():
    ids = [child for parent in (5, 6) for _, child in children(7, 7, 8, 7, parent=parent)]
    assert len(set(ids)) == 8


def test_a_parent_that_gives_more_of_the_same_the_second_time_keeps_what_it_gave():
    assert children(7, 8)[0] in children(8, 7, 7)
    assert set(children(7, 8)) < set(children(8, 7, 7))


def test_ids_fit_in_64_bits_and_never_are_the_start_page():
    numbers = [text_id(KEY, str(number)) for number in range(1_000)]
    assert all(START_ID < number < 2**64 for number in numbers)
    assert foreign_id(KEY, b"fingerprint") != text_id(KEY, "fingerprint")


@pytest.mark.parametrize("seed", range(4))
def test_urls_that_are_taken_for_canonical_are(seed):
    """They are spared the work, and must have the id that they would have had."""
    chance = random.Random(seed)
    plain = 0
    for _ in range(5_000):
        host = "".join(chance.choice("ab9.-A") for _ in range(chance.randrange(1, 6)))
        port = chance.choice(["", "", ":80", ":0", ":8080", ":45123", ":64999", ":0080"])
        path = "".join(chance.choice("ab9./-:_~AZ%?&=# ") for _ in range(chance.randrange(10)))
        url = f"http://{host}{port}/{path}"
        canonical = canonicalize_url(url)
        plain += canonical == url
        assert request_id(b"s", url=url) == request_id(b"s", url=canonical), url
        if is_canonical(url):
            assert canonical == safe_url_string(url) == url
    assert plain > 100


@pytest.mark.parametrize("url", ["http://a/", "https://shop.example:8080/p/1_2.html", "http://a/~x/-"])
@pytest.mark.parametrize("page_type", ["", "list", "\u05d0"])
def test_a_plain_request_has_the_id_that_any_request_for_its_page_has(url, page_type):
    assert is_canonical(url)
    assert plain_request_id(KEY, url=url, page_type=page_type) == request_id(KEY, url=url, page_type=page_type)
