"""A list shows each job once, the newest first, however it is cut into pages."""

from __future__ import annotations

import pytest

from crawler.errors import InvalidJob
from crawler.jobs.model import State
from crawler.jobs.store_contract import MAX_PAGE, MAX_SCANNED


def ids(page) -> list[str]:
    return [stored.job.id for stored in page.jobs]


def walk(jobs, **asked) -> list[list[str]]:
    """The ids of all pages; ends by the contract, or fails."""
    pages, after = [], ""
    for _ in range(100):
        page = jobs.newest(after=after, **asked)
        pages.append(ids(page))
        if not page.next:
            return pages
        assert page.next != after
        after = page.next
    raise AssertionError("a list without end")


def test_an_empty_list_is_one_empty_page(jobs):
    assert walk(jobs) == [[]]
    assert walk(jobs, states=[State.QUEUED]) == [[]]


def test_the_newest_comes_first(jobs, a_job, clock):
    for name in ("b", "c", "a"):
        jobs.create(a_job(name))
        clock.pass_(1)
    page = jobs.newest()
    assert ids(page) == ["a", "c", "b"]
    assert page.jobs[0] == jobs.get("a")


def test_jobs_of_the_same_moment_have_an_order_too(jobs, a_job):
    for name in ("b", "B", "a.b", "a"):
        jobs.create(a_job(name))
    assert walk(jobs, limit=1) == [["b"], ["a.b"], ["a"], ["B"]]


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 8])
def test_pages_go_on_where_the_one_before_ended(jobs, a_job, limit):
    for n in range(7):
        jobs.create(a_job(f"j{n}", created_ms=1_000 + n // 2))
    pages = walk(jobs, limit=limit)
    assert [name for page in pages for name in page] == [f"j{n}" for n in range(6, -1, -1)]
    assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)
    assert pages[-1]


def test_a_job_that_comes_while_someone_reads_moves_nothing(jobs, a_job, clock):
    for n in range(4):
        jobs.create(a_job(f"j{n}"))
    first = jobs.newest(limit=2)
    clock.pass_(1)
    jobs.create(a_job("new"))
    assert ids(jobs.newest(after=first.next)) == ["j1", "j0"]


def test_a_job_that_goes_while_someone_reads_moves_nothing(jobs, in_state):
    for n in range(4):
        in_state(f"j{n}", "failed")
    first = jobs.newest(limit=2)
    jobs.delete("j2")
    assert ids(first) == ["j3", "j2"]
    assert ids(jobs.newest(after=first.next)) == ["j1", "j0"]


def test_jobs_of_some_states_only(jobs, in_state):
    for n, state in enumerate(["queued", "running", "queued", "failed", "running", "queued"]):
        in_state(f"j{n}", state)
    assert walk(jobs, states=[State.QUEUED]) == [["j5", "j2", "j0"]]
    assert walk(jobs, states={State.FAILED, State.RUNNING}, limit=2) == [["j4", "j3"], ["j1"]]
    assert walk(jobs, states=[State.PAUSED]) == [[]]


def test_a_page_is_never_larger_than_its_maximum_nor_empty_of_room(jobs, a_job, at_once):
    at_once(lambda store: [store.create(a_job(f"j{n:04}")) for n in range(MAX_PAGE + 1)])
    assert [len(page) for page in walk(jobs, limit=1_000_000)] == [MAX_PAGE, 1]
    assert len(jobs.newest(limit=-5).jobs) == 1
    assert len(jobs.newest().jobs) == 50


def test_one_call_looks_at_a_limited_number_of_jobs(jobs, a_job, at_once):
    at_once(lambda store: [store.create(a_job(f"j{n:04}")) for n in range(MAX_SCANNED + 1)])
    jobs.move("j0000", State.RUNNING)
    assert walk(jobs, states=[State.RUNNING]) == [[], ["j0000"]]
    jobs.move("j0001", State.RUNNING)
    assert walk(jobs, states=[State.RUNNING], limit=1) == [["j0001"], ["j0000"]]


@pytest.mark.parametrize(
    "after", ["x", "12:a", "00000000000001a:j", "000000000000012", "000000000000012:", "1" * 16 + ":j"]
)
def test_a_place_that_no_list_has_is_refused(jobs, after):
    with pytest.raises(InvalidJob):
        jobs.newest(after=after)


def test_a_place_outlives_its_job(jobs, a_job):
    jobs.create(a_job("a", created_ms=1))
    assert ids(jobs.newest(after="000000000000002:gone")) == ["a"]


def test_the_order_can_be_made_anew(jobs, in_state):
    for n in range(3):
        in_state(f"j{n}", "failed")
    jobs.delete("j1")
    assert jobs.reindex() == 2
    assert walk(jobs) == [["j2", "j0"]]


def test_an_order_of_nothing_can_be_made_anew_too(jobs):
    assert jobs.reindex() == 0
    assert walk(jobs) == [[]]
