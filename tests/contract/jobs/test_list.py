"""A list shows each job once, the newest first, however it is cut into pages."""

from __future__ import annotations

import itertools

import pytest

from crawler.errors import InvalidJob
from crawler.jobs.model import Intended, Outcome, State
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


# --- what can be asked for ---


@pytest.fixture
def mixed(jobs, a_job, clock):
    """24 jobs of three clients, two in each millisecond: what each is, by its id, the newest first."""
    facts = {}
    for n in range(24):
        values = {"client": ("acme", "beta", "c")[n % 3], "tags": (("x",), ("x", "y"), ())[n % 5 % 3]}
        program = {"spider": "", "recipe": ("shop", "shop@2")[n % 2], "recipe_text": "name: shop"} if n % 4 else {}
        jobs.create(a_job(f"j{n:02}", created_ms=1_000 + n // 2, **values, **program))
        outcome = (None, Outcome.COMPLETE, Outcome.PARTIAL)[n % 7 % 3]
        if outcome:
            jobs.move(f"j{n:02}", State.FINISHING, intended=Intended.SUCCEED)
            jobs.move(f"j{n:02}", State.SUCCEEDED, outcome=outcome)
        state = State.SUCCEEDED if outcome else State.QUEUED
        recipe = program.get("recipe", "")
        facts[f"j{n:02}"] = {
            **values,
            "recipe": recipe,
            "state": state,
            "outcome": outcome,
            "created_ms": 1_000 + n // 2,
        }
    return dict(reversed(facts.items()))


ASKED = {
    "client": ({}, {"client": "acme"}, {"client": "nobody"}),
    "states": ({}, {"states": [State.QUEUED]}, {"states": {State.SUCCEEDED, State.FAILED}}),
    "outcomes": ({}, {"outcomes": [Outcome.PARTIAL]}, {"outcomes": {Outcome.COMPLETE, Outcome.PARTIAL}}),
    "recipe": ({}, {"recipe": "shop"}),
    "tag": ({}, {"tag": "y"}),
    "time": ({}, {"created_after_ms": 1_003}, {"created_before_ms": 1_007, "created_after_ms": 1_002}),
}


def expected(mixed, asked) -> list[str]:
    """By a plain look at the facts."""
    return [
        name
        for name, job in mixed.items()
        if job["client"] == asked.get("client", job["client"])
        and job["state"] in asked.get("states", [job["state"]])
        and job["outcome"] in asked.get("outcomes", [job["outcome"]])
        and job["recipe"] == asked.get("recipe", job["recipe"])
        and ("tag" not in asked or asked["tag"] in job["tags"])
        and asked.get("created_after_ms", 0) <= job["created_ms"] < asked.get("created_before_ms", 10**15)
    ]


def test_every_combination_of_what_can_be_asked_for_lists_just_those_jobs(jobs, mixed):
    shown = 0
    for parts in itertools.product(*ASKED.values()):
        asked = {name: value for part in parts for name, value in part.items()}
        names = expected(mixed, asked)
        assert [name for page in walk(jobs, **asked, limit=4) for name in page] == names, asked
        shown += bool(names)
    assert shown > 60


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({"created_after_ms": 5}, ["c", "b", "a"]),
        ({"created_after_ms": 6}, ["c"]),
        ({"created_before_ms": 6}, ["b", "a"]),
        ({"created_before_ms": 5}, []),
        ({"created_after_ms": 5, "created_before_ms": 6}, ["b", "a"]),
        ({"created_after_ms": 7, "created_before_ms": 5}, []),
        ({"created_after_ms": -(10**20), "created_before_ms": 10**20}, ["c", "b", "a"]),
        ({"created_after_ms": 10**20}, []),
        ({"created_before_ms": -1}, []),
    ],
)
def test_a_time_is_in_the_list_that_begins_with_it_and_not_in_the_one_that_ends_with_it(jobs, a_job, asked, names):
    for name, created_ms in (("a", 5), ("b", 5), ("c", 6)):
        jobs.create(a_job(name, created_ms=created_ms))
    for client in ("", "local"):
        assert walk(jobs, client=client, **asked) == [names]
        assert [name for page in walk(jobs, client=client, limit=1, **asked) for name in page] == names


def test_a_place_in_the_list_of_one_client_shows_nothing_of_it_in_that_of_another(jobs, a_job):
    for n in range(12):
        jobs.create(a_job(f"{'ab'[n % 2]}{n:02}", client="ab"[n % 2], created_ms=1_000 + n // 4))
    for limit in (1, 2, 3):
        page = jobs.newest(client="a", limit=limit)
        for place in (page.next, jobs.newest(limit=limit).next):
            rest = walk_from(jobs, place, client="b", limit=2)
            assert rest
            assert all(name.startswith("b") for name in rest)


def walk_from(jobs, after: str, **asked) -> list[str]:
    names = []
    while after:
        page = jobs.newest(after=after, **asked)
        names += ids(page)
        after = page.next
    return names


def test_a_place_is_good_for_a_list_of_another_time_too(jobs, a_job):
    for n in range(9):
        jobs.create(a_job(f"j{n}", created_ms=1_000 + n))
    newest = jobs.newest(limit=1).next
    assert ids(jobs.newest(after=newest, created_before_ms=1_003)) == ["j2", "j1", "j0"]
    oldest = jobs.newest(created_before_ms=1_003, limit=1).next
    assert ids(jobs.newest(after=oldest, created_after_ms=1_001)) == ["j1"]
    assert ids(jobs.newest(after=oldest, created_after_ms=1_002)) == []


def test_jobs_that_come_while_someone_reads_are_in_no_later_page(jobs, a_job, clock):
    for n in range(6):
        jobs.create(a_job(f"j{n}", client="ab"[n % 2]))
    page, names = jobs.newest(client="a", limit=1), []
    for n in range(10, 20):
        clock.pass_(1)
        jobs.create(a_job(f"j{n}", client="ab"[n % 2]))
        names += ids(page)
        page = jobs.newest(client="a", limit=1, after=page.next) if page.next else None
        if page is None:
            break
    assert names == ["j4", "j2", "j0"]


def test_a_deleted_job_is_in_no_list(jobs, in_state):
    for n in range(3):
        in_state(f"j{n}", "failed")
    jobs.delete("j1")
    assert walk(jobs, client="local") == walk(jobs) == [["j2", "j0"]]


def test_one_call_of_a_client_looks_at_a_limited_number_of_its_own_jobs(jobs, a_job, at_once):
    at_once(lambda store: [store.create(a_job(f"a{n:04}", client="a")) for n in range(MAX_SCANNED)])
    at_once(lambda store: [store.create(a_job(f"b{n:04}", client="b")) for n in range(2)])
    jobs.create(a_job("a", client="a", tags=("x",)))
    assert walk(jobs, client="b", tag="x") == [[]]
    assert walk(jobs, client="a", tag="x") == [[], ["a"]]


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
