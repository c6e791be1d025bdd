"""A paginated list ends as stalled when it shows nothing new *in itself*; overlapping lists lose nothing."""

from __future__ import annotations

import pytest

from crawler.frontier.contract import Fate


@pytest.fixture
def read(job):
    """Reads the page at the front of a list: shows `marks`, links to `following`; gives the fate of that link."""

    def read(chain, marks, following=None, *, outcome="ok"):
        lease = job.take_one()
        children = () if following is None else (following,)
        reply = job.settle(lease, outcome, chain=chain, marks=frozenset(marks), children=children)
        return reply.children[0] if reply.children else None

    return read


@pytest.fixture
def next_page(page):
    return lambda number, chain="list", **kwargs: page(number, chain=chain, on_progress=True, **kwargs)


def test_a_list_goes_on_while_its_pages_show_something_new(job, page, next_page, read):
    job.add(page(11))
    assert read("list", {1, 2}, next_page(12)) is Fate.ENQUEUED
    assert read("list", {2, 3}, next_page(13)) is Fate.ENQUEUED
    assert job.check().stalled == 0


def test_a_page_that_shows_only_what_the_list_has_shown_ends_it_as_stalled(job, page, next_page, read):
    job.add(page(11))
    read("list", {1, 2, 3}, next_page(12))
    assert read("list", {3, 1}, next_page(13)) is Fate.STALLED
    assert job.check().stalled == 1
    assert job.take().open == 0


def test_a_page_that_shows_nothing_at_all_ends_it_too(job, page, next_page, read):
    job.add(page(11))
    assert read("list", set(), next_page(12)) is Fate.STALLED


def test_a_next_link_back_into_the_list_is_a_loop(job, page, next_page, read):
    job.add(page(11))
    read("list", {1}, next_page(12))
    assert read("list", {2}, next_page(11)) is Fate.STALLED


def test_a_next_link_to_the_page_itself_is_a_loop(job, page, next_page, read):
    job.add(page(11))
    assert read("list", {1}, next_page(11)) is Fate.STALLED


def test_a_list_whose_links_are_all_known_from_another_list_is_read_to_its_end(job, page, next_page, read):
    job.add(page(11), page(21))
    lease_a, lease_b = job.take().leases
    job.settle(lease_a, chain="A", marks=frozenset({1, 2}), children=(page(101), page(102), next_page(12, "A")))
    reply = job.settle(lease_b, chain="B", marks=frozenset({1, 2}), children=(page(101), page(102), next_page(22, "B")))
    assert reply.children == (Fate.SEEN, Fate.SEEN, Fate.ENQUEUED)
    assert job.check().stalled == 0


def test_a_next_page_that_another_list_has_already_is_joined_and_no_fault(job, page, next_page):
    job.add(page(11), page(21))
    lease_a, lease_b = job.take().leases
    job.settle(lease_a, chain="A", marks=frozenset({1}), children=(next_page(99, "A"),))
    reply = job.settle(lease_b, chain="B", marks=frozenset({2}), children=(next_page(99, "B"),))
    assert reply.children == (Fate.JOINED,)
    books = job.check()
    assert (books.joined, books.stalled) == (1, 0)


def test_a_page_after_a_lost_one_is_accepted_without_progress(job, page, read):
    job.add(page(11))
    assert read("list", set(), page(12, chain="list"), outcome="gave_up") is Fate.ENQUEUED


def test_what_a_list_has_shown_survives_a_lost_page(job, page, next_page, read):
    job.add(page(11))
    read("list", {1, 2}, next_page(12))
    read("list", set(), page(13, chain="list"), outcome="gave_up")
    assert read("list", {1, 2}, next_page(14)) is Fate.STALLED


def test_a_redirect_back_into_the_list_is_a_loop(job, page, next_page, read):
    job.add(page(11))
    read("list", {1}, next_page(12))
    assert read("list", set(), page(11, chain="list"), outcome="redirected") is Fate.STALLED


def test_a_redirected_page_keeps_its_place_in_the_list(job, page, next_page, read):
    job.add(page(11))
    read("list", {1}, next_page(12))
    assert read("list", set(), page(512, chain="list"), outcome="redirected") is Fate.ENQUEUED
    assert read("list", {1}, next_page(13)) is Fate.STALLED
