"""Open pages of one process: where each waits, who holds it, when it comes back."""

from __future__ import annotations

import pytest

from crawler.frontier.contract import FrontierRequest, Lease
from crawler.frontier.pages import Pages


class Table:
    """`Pages` with a clock."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pages = Pages(per_host=0, clock=lambda: self.now)

    def add(self, *numbers: int) -> None:
        for number in numbers:
            self.pages.add(FrontierRequest(id=number, host="a", body=b""), order=number)

    def lease(self, worker: str = "w", limit: int = 1, ttl_s: float = 60.0):
        pages = self.pages.choose(worker, limit)
        for page in pages:
            self.pages.lease(page, worker=worker, token=100 + page.request.id, deadline=self.now + ttl_s)
        return pages


@pytest.fixture
def table():
    return Table()


def test_a_page_is_in_one_state_at_a_time(table):
    table.add(1, 2, 3)
    one, _two = table.lease(limit=2)
    table.pages.delay(one, 5.0)
    assert +table.pages.states == {"ready": 1, "delayed": 1, "leased": 1}
    table.pages.take_back(5.0)
    assert +table.pages.states == {"ready": 2, "leased": 1}
    assert {page.request.id: page.state for page in table.pages} == {1: "ready", 2: "leased", 3: "ready"}


def test_only_the_token_of_the_present_lease_holds(table):
    table.add(1)
    (page,) = table.lease()
    lease = Lease(request=page.request, token=101)
    assert table.pages.held(lease) is page
    assert table.pages.held(Lease(request=page.request, token=7)) is None
    table.pages.give_back(page)
    assert table.pages.held(lease) is None
    assert table.pages.held(Lease(request=page.request, token=0)) is None


def test_an_expired_page_is_named_once_and_not_if_it_was_prolonged(table):
    table.add(1, 2)
    one, two = table.lease(limit=2)
    table.pages.prolong(one, 60.0)
    table.pages.prolong(two, 100.0)
    assert table.pages.take_back(60.0) == [one]
    table.pages.give_back(one)
    assert table.pages.take_back(60.0) == []
    assert table.pages.next_due() == 100.0


def test_the_holder_of_a_suspect_gets_nothing_else(table):
    table.add(1, 2)
    (page,) = table.lease()
    page.suspect = True
    assert table.lease() == []
    table.pages.give_back(page)
    assert table.lease(limit=5) == [page]
    assert [other.request.id for other in table.lease("v", limit=5)] == [2]


def test_what_is_removed_is_gone_from_everywhere(table):
    table.add(1)
    (page,) = table.lease()
    table.pages.remove(page)
    assert len(table.pages) == 0
    assert table.pages.get(1) is None
    assert table.pages.held_by("w") == []
    assert table.pages.next_due() is None
    assert table.pages.take_back(1e9) == []
