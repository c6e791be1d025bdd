"""What holds only where jobs lie in Redis or Valkey: keys, scripts, and an order that may be behind."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import redis
from clocked_store import ClockedStore

import crawler.jobs.redis as module
from crawler.errors import StoreError, TransitionRefused
from crawler.jobs import redis_list
from crawler.jobs.codec import STATUS_FIELDS, encode_job
from crawler.jobs.model import Intended, JobStatus, Outcome, State
from crawler.jobs.redis import RedisJobStore
from crawler.jobs.states import TERMINAL, intend, transition
from crawler.jobs.store_contract import MAX_PAGE_BYTES, JobPage
from crawler.scripts import Script
from crawler.store import Store, SyncStore, connect, connect_sync
from crawler.wire import Undecodable

#: Where scripts note what they are asked for.
AUDIT = "crawlery:{audit}:entries"

STATES_LUA = Path(module.__file__).parent / "lua" / "states.lua"

#: Of the clock of the store, in these tests.
NOW_MS = 1_000_000_000


@pytest.fixture
def clocked_store(valkey):
    """Of the only back end that this file is about."""
    store = ClockedStore(valkey.url)
    yield store
    store.close()


@pytest.fixture
def server(valkey):
    """The store as others see it."""
    with redis.Redis.from_url(valkey.url, decode_responses=True) as client:
        yield client


def key(name: str) -> str:
    return f"crawlery:{{{name}}}:job"


def write(server, name: str, status: JobStatus) -> None:
    fields = {field: getattr(status, field) for field in STATUS_FIELDS}
    server.hset(key(name), mapping={field: str(value) for field, value in fields.items() if value is not None})


# --- what others may rely on ---


def test_the_state_is_a_plain_field_of_the_hash_of_the_job(jobs, a_job, server):
    jobs.create(a_job())
    assert sorted(server.keys("crawlery:*")) == [
        "crawlery:jobs",
        "crawlery:jobs:of:local",
        "crawlery:live",
        "crawlery:live:of:local",
        "crawlery:{j}:job",
    ]
    fields = server.execute_command("HGETALL", key("j"), NEVER_DECODE=True)
    assert fields.pop(b"record") == encode_job(a_job())
    assert fields.pop(b"maker").isdigit()
    assert fields == {
        b"client": b"local",
        b"recipe": b"",
        b"tags": b"[]",
        b"state": b"queued",
        b"epoch": b"1",
        b"version": b"1",
        b"created_ms": b"1000000000",
        b"queued_ms": b"1000000000",
    }
    jobs.move("j", State.FINISHING, intended=Intended.CANCEL, why="asked")
    assert server.hmget(key("j"), "state", "intended", "why", "finishing_ms", "version") == [
        "finishing",
        "cancel",
        "asked",
        "1000000000",
        "2",
    ]


def test_a_job_lies_under_its_prefix_whatever_that_is(clocked_store, valkey, a_job, server):
    store = Store(connect({"url": valkey.url}), prefix="a*[b]?\\c")
    jobs = clocked_store.face(RedisJobStore(store))
    jobs.create(a_job())
    server.hset("aXb?\\c:{other}:job", "created_ms", "1")
    server.delete("a*[b]?\\c:jobs")
    assert jobs.reindex() == 1
    assert [stored.job.id for stored in jobs.newest().jobs] == ["j"]
    clocked_store.run(store.close())


def test_without_a_clock_of_its_own_a_job_has_the_time_of_the_server(clocked_store, valkey, a_job, server):
    store = Store(connect({"url": valkey.url}))
    stored, _ = clocked_store.run(RedisJobStore(store).create(a_job()))
    seconds, micros = server.time()
    assert 0 <= seconds * 1000 + micros / 1000 - stored.created_ms < 60_000
    clocked_store.run(store.close())


# --- the rules in Lua are the rules in Python ---

_NONE_OR_INTENDED = (None, *Intended)
_NONE_OR_OUTCOME = (None, *Outcome)


def every_status() -> list[JobStatus]:
    """Every state with everything that may have been said before, started or not; damaged ones too."""
    return [
        JobStatus(
            state=state,
            intended=intended,
            outcome=outcome,
            why="before",
            version=7,
            queued_ms=1,
            started_ms=started_ms,
            finishing_ms=3 if state not in MAY_RUN else None,
            finished_ms=4 if state in TERMINAL else None,
        )
        for state, intended in itertools.product(State, _NONE_OR_INTENDED)
        for started_ms in ((None, 2) if state in (State.QUEUED, State.PAUSED) else (2,))
        for outcome in (_NONE_OR_OUTCOME if state in TERMINAL else (None,))
    ]


MAY_RUN = (State.QUEUED, State.RUNNING, State.PAUSED)


def in_python(change) -> JobStatus | TransitionRefused:
    try:
        return change()
    except TransitionRefused as refused:
        return refused


@pytest.fixture
def agree(server, at_once):
    """Makes a change of each (status, *asked) on both sides, and compares; answers how many of them were allowed."""

    def agree(cases, *, python, store) -> int:
        allowed = 0
        for start in range(0, len(cases), 1_000):
            batch = {f"j{number}": case for number, case in enumerate(cases[start : start + 1_000])}
            with server.pipeline(transaction=False) as pipeline:
                for name, (status, *_) in batch.items():
                    pipeline.delete(key(name))
                    write(pipeline, name, status)
                pipeline.execute()
            answers = at_once(lambda jobs, batch=batch: [store(jobs, name, *case[1:]) for name, case in batch.items()])
            kept = at_once(lambda jobs, batch=batch: [jobs.status(name) for name in batch])
            for (name, case), answer, after in zip(batch.items(), answers, kept, strict=True):
                expected = in_python(lambda name=name, case=case: python(f"job {name}", *case))
                if isinstance(expected, TransitionRefused):
                    assert (type(answer), str(answer), after) == (TransitionRefused, str(expected), case[0]), case
                else:
                    assert answer == after == expected, case
                    allowed += 1
        return allowed

    return agree


def test_every_move_of_every_status_is_allowed_or_refused_alike(agree):
    whys = itertools.cycle([None, "", "after"])
    versions = itertools.cycle([None, None, None, 7, 6])
    cases = [
        (status, to, intended, outcome, next(whys), next(versions))
        for status in every_status()
        for to, intended, outcome in itertools.product(State, _NONE_OR_INTENDED, _NONE_OR_OUTCOME)
    ]
    allowed = agree(
        cases,
        python=lambda job, status, to, intended, outcome, why, version: transition(
            status, to, now_ms=NOW_MS, intended=intended, outcome=outcome, why=why, version=version, job=job
        ),
        store=lambda jobs, name, to, intended, outcome, why, version: jobs.move(
            name, to, intended=intended, outcome=outcome, why=why, version=version
        ),
    )
    assert 500 < allowed < len(cases) / 2


def test_every_intention_for_every_status_is_allowed_or_refused_alike(agree):
    cases = [(*case, why) for case in itertools.product(every_status(), Intended) for why in (None, "", "after")]
    allowed = agree(
        cases,
        python=lambda job, status, intended, why: intend(status, intended, why=why, job=job),
        store=lambda jobs, name, intended, why: jobs.intend(name, intended, why=why),
    )
    assert 100 < allowed < len(cases) / 2


# --- other scripts move jobs too ---

BY_OTHERS = """
local ok, state = move_state(KEYS[1], ARGV[1], ARGV[2] or nil, nil, 1763845000123)
return {ok and 1 or 0, state or '-'}
"""


@pytest.fixture
def moved_by_others(clocked_store):
    script = Script(name="others.lua", source=f"{STATES_LUA.read_text(encoding='utf-8')}{BY_OTHERS}")
    return lambda name, *words: clocked_store.run(clocked_store.store.call(script, [key(name)], words))


def test_another_script_moves_a_job_by_the_same_rules(jobs, in_state, moved_by_others):
    in_state("j", "queued")
    jobs.set_why("j", "no free slot")
    assert moved_by_others("j", "running") == [1, b"running"]
    status = jobs.status("j")
    assert (status.state, status.started_ms, status.why, status.version) == ("running", 1763845000123, "", 2)
    assert moved_by_others("j", "finishing") == [0, b"running"]
    assert moved_by_others("j", "finishing", "cancel") == [1, b"finishing"]
    assert moved_by_others("j", "finishing", "cancel") == [1, b"finishing"]
    assert moved_by_others("j", "finishing", "succeed") == [0, b"finishing"]
    assert (jobs.status("j").finishing_ms, jobs.status("j").intended) == (1763845000123, "cancel")


def test_another_script_hears_that_there_is_no_job(moved_by_others, server):
    assert moved_by_others("j", "running") == [0, b"-"]
    assert not server.exists(key("j"))


@pytest.mark.parametrize(("to", "intended"), [("away", ""), ("finishing", "shine"), ("finishing", "")])
def test_words_that_the_rules_do_not_know_are_refused(jobs, in_state, moved_by_others, to, intended):
    before = in_state("j", "running")
    assert moved_by_others("j", to, intended) == [0, b"running"]
    assert jobs.status("j") == before


def test_a_state_that_the_rules_do_not_know_is_left_alone(moved_by_others, server):
    server.hset(key("j"), "state", "lost")
    assert moved_by_others("j", "running") == [0, b"lost"]


def test_an_intention_that_the_rules_do_not_know_is_refused(clocked_store, jobs, in_state):
    before = in_state("j", "running")
    answer = clocked_store.run(clocked_store.store.call(module._INTEND, [key("j"), AUDIT], ["shine", ""]))
    assert answer[0] == 0
    assert jobs.status("j") == before


# --- calls that are repeated because their answer was lost ---


def test_a_repeated_creation_says_again_that_it_made_the_job(clocked_store, jobs, a_job):
    words, keys = (encode_job(a_job()), 0, 17, *module._labels(a_job()), ""), [key("j"), AUDIT]
    first, again = (clocked_store.run(clocked_store.store.call(module._CREATE, keys, words)) for _ in range(2))
    assert first == again == [1, None, b"1000000000"]
    other = clocked_store.run(clocked_store.store.call(module._CREATE, keys, (*words[:2], 18, *words[3:])))
    assert other == [0, words[0], b"1000000000"]


def test_a_creation_that_died_before_the_job_was_in_the_order_is_mended_by_the_next(jobs, a_job, server):
    jobs.create(a_job())
    server.delete("crawlery:jobs")
    assert jobs.newest().jobs == ()
    jobs.create(a_job())
    assert [stored.job.id for stored in jobs.newest().jobs] == ["j"]


# --- an order that is behind, and what cannot be read ---


def test_a_list_leaves_out_what_is_not_there_any_more(jobs, a_job, server):
    for name in ("a", "b", "c"):
        jobs.create(a_job(name))
    server.delete(key("b"))
    assert [stored.job.id for stored in jobs.newest().jobs] == ["c", "a"]
    assert [stored.job.id for stored in jobs.newest(states=[State.QUEUED]).jobs] == ["c", "a"]


def test_a_deleted_job_leaves_nothing_behind(jobs, in_state, server):
    in_state("j", "failed")
    jobs.delete("j")
    assert server.keys("crawlery:*") == []


@pytest.fixture
def cost(clocked_store, server):
    """What was asked of the store meanwhile: `cost(lambda: ...)` answers jobs that were read, and round trips."""

    def cost(question) -> tuple[int, int]:
        server.config_resetstat()
        before = clocked_store.store.counters.round_trips
        question()
        trips = clocked_store.store.counters.round_trips - before
        return server.info("commandstats")["cmdstat_hmget"]["calls"], trips

    return cost


def test_a_page_reads_no_more_jobs_than_it_shows(jobs, a_job, server, cost):
    for name in "abcdefgh":
        jobs.create(a_job(name))
    server.delete(key("g"))
    jobs.newest()  # from now on the server knows the script
    assert cost(lambda: jobs.newest(limit=3)) == (3 + 1, 4)  # the order, then jobs; then the rest
    assert [stored.job.id for stored in jobs.newest(limit=3).jobs] == ["h", "f", "e"]


def test_a_list_that_looks_at_jobs_reads_all_only_of_those_that_it_shows(jobs, a_job, server, cost):
    for n in range(300):
        jobs.create(a_job(f"j{n:03}", created_ms=1_000 + n, tags=("x",) if n in (1, 2, 120) else ()))
    page = jobs.newest(tag="x", limit=3)
    assert [stored.job.id for stored in page.jobs] == ["j120", "j002", "j001"]
    assert cost(lambda: jobs.newest(tag="x", limit=3)) == (300 + 3, 2 + 2 + 1)


def test_a_list_of_a_client_believes_only_the_job_itself_whose_it_is(jobs, a_job, server):
    jobs.create(a_job("a", client="a", created_ms=1))
    jobs.create(a_job("b", client="b", created_ms=2))
    server.zadd("crawlery:jobs:of:b", {"000000000000001:a": 0})
    assert [stored.job.id for stored in jobs.newest(client="b").jobs] == ["b"]
    assert [stored.job.id for stored in jobs.newest(client="b", states=[State.QUEUED]).jobs] == ["b"]


def test_a_list_gives_up_for_now_after_many_that_are_gone(jobs, a_job, server):
    jobs.create(a_job(created_ms=1))
    server.zadd("crawlery:jobs", {f"{n:015d}:gone": 0 for n in range(1_000, 2_010)})
    page = jobs.newest(limit=30)
    assert page == JobPage(jobs=(), next="000000000001010:gone")
    assert [stored.job.id for stored in jobs.newest(after=page.next, limit=30).jobs] == ["j"]


def test_a_list_leaves_out_what_cannot_be_read_and_logs_it(jobs, a_job, server, caplog):
    for name in ("a", "b", "c", "d"):
        jobs.create(a_job(name))
    server.hset(key("b"), "record", "no job")
    server.hset(key("c"), "state", "lost")
    server.zadd("crawlery:jobs", {"999999999999999:no id": 0})
    assert [stored.job.id for stored in jobs.newest().jobs] == ["d", "a"]
    logged = [record.getMessage() for record in caplog.records]
    assert [message.startswith("The list of jobs leaves out ") for message in logged] == [True] * 3
    assert ["'no id'" in logged[0], "b'no job'" in logged[2], "'lost'" in logged[1]] == [True] * 3


def test_what_cannot_be_read_is_one_error_elsewhere(jobs, a_job, server):
    jobs.create(a_job())
    server.hset(key("j"), "record", "no job")
    with pytest.raises(Undecodable, match="b'no job'"):
        jobs.get("j")
    with pytest.raises(Undecodable, match="b'no job'"):
        jobs.create(a_job())
    assert jobs.status("j").state == "queued"


class MovedBetween:
    """A store in which a job is moved by others right after anyone has looked at its state alone."""

    def __init__(self, store: Store) -> None:
        self.prefix = store.prefix
        self.command = store.command
        self._store = store

    async def call(self, script, keys, args):
        answer = await self._store.call(script, keys, args)
        if tuple(args) == (STATUS_FIELDS[0],):
            await RedisJobStore(self._store).move("j", State.RUNNING)
        return answer


def test_a_job_that_moves_while_it_is_listed_is_listed_by_its_new_state(clocked_store, jobs, a_job):
    jobs.create(a_job())
    watched = clocked_store.face(RedisJobStore(MovedBetween(clocked_store.store)))
    assert watched.newest(states=[State.QUEUED]).jobs == ()
    assert len(watched.newest(states=[State.RUNNING]).jobs) == 1


def test_the_order_is_made_anew_from_the_jobs_themselves(jobs, a_job, in_state, server):
    for n in range(250):
        jobs.create(a_job(f"j{n:03}", created_ms=1_000 + n))
    in_state("gone", "failed")
    before = jobs.newest(limit=200)
    server.delete(key("gone"), "crawlery:jobs")
    wrong = {"000000000000007:j001": 0, "000000000000001:none": 0, "rubbish": 0, "1:a b": 0}
    server.zadd("crawlery:jobs", wrong)
    server.zadd("crawlery:jobs:of:local", wrong)
    server.zadd("crawlery:jobs:of:other", {"000000000001001:j001": 0})
    server.mset({f"other:{n}": "x" for n in range(1_000)})
    server.hset("crawlery:{half}:job", "state", "queued")
    server.hset("crawlery:{a b}:job", "created_ms", "1")
    assert jobs.reindex() == 250
    after = jobs.newest(limit=200)
    assert server.zcard("crawlery:jobs") == server.zcard("crawlery:jobs:of:local") == 250
    assert not server.exists("crawlery:jobs:of:other")
    assert [stored.job.id for stored in after.jobs] == [f"j{n:03}" for n in range(249, 49, -1)]
    assert len(before.jobs) == 200


# --- jobs that were accepted when nobody kept beside a record what it says ---


@pytest.fixture
def a_job_of_before(jobs, a_job, server):
    """Accepts a job and takes away what was not kept then."""

    def accept(name: str, **values):
        jobs.create(a_job(name, **values))
        server.hdel(key(name), "client", "recipe", "tags")
        server.delete("crawlery:jobs", f"crawlery:jobs:of:{values['client']}")

    return accept


def test_reindexing_says_of_older_jobs_whose_they_are(jobs, a_job, a_job_of_before, server):
    a_job_of_before("j", client="acme", tags=("a", "b"), spider="", recipe="shop", recipe_text="name: shop")
    assert jobs.owner("j") is None
    jobs.create(a_job("j"))  # which puts it into the lists
    for asked in ({"recipe": "shop"}, {"tag": "b"}, {"client": "acme"}):
        assert [stored.job.id for stored in jobs.newest(**asked).jobs] == ["j"]
    for asked in ({"recipe": "other"}, {"tag": "c"}, {"client": "other"}):
        assert jobs.newest(**asked).jobs == ()
    before = jobs.get("j")
    assert jobs.reindex() == 1
    assert jobs.owner("j") == "acme"
    assert jobs.get("j") == before
    assert server.hmget(key("j"), "client", "recipe", "tags") == ["acme", "shop", '["a","b"]']
    assert server.zrange("crawlery:jobs:of:acme", 0, -1) == ["000001000000000:j"]


def test_a_job_that_goes_while_it_is_reindexed_does_not_come_back(clocked_store, jobs, a_job, server):
    answer = clocked_store.run(clocked_store.store.call(module._LABEL, [key("j")], module._labels(a_job())))
    assert (answer, server.exists(key("j")), jobs.owner("j")) == (0, 0, None)


def test_an_older_job_is_deleted_from_all_lists(jobs, a_job_of_before, in_state, server):
    a_job_of_before("j", client="local")
    in_state("j", "failed")
    jobs.delete("j")
    assert server.keys("crawlery:*") == []


def test_an_older_job_that_cannot_be_read_is_listed_nowhere_and_can_be_deleted(jobs, a_job_of_before, in_state, server):
    a_job_of_before("j", client="acme")
    jobs.move("j", State.FINISHING, intended=Intended.FAIL)
    jobs.move("j", State.FAILED, outcome=Outcome.EMPTY)
    server.hset(key("j"), "record", "no job")
    assert jobs.reindex() == 1
    assert jobs.newest().jobs == ()
    jobs.delete("j")
    assert server.keys("crawlery:*") == []


def test_asking_whose_a_job_is_costs_one_command_of_one_shape(clocked_store, jobs, a_job, server):
    jobs.create(a_job())
    server.config_resetstat()
    for name in ("j", "k"):
        before = clocked_store.store.counters.calls
        jobs.owner(name)
        assert clocked_store.store.counters.calls - before == 1
    stats = server.info("commandstats")
    assert {name for name in stats if name != "cmdstat_config|resetstat"} == {"cmdstat_hget"}
    assert stats["cmdstat_hget"]["calls"] == 2


def test_a_key_of_another_kind_is_an_error_that_names_the_script(jobs, in_state, server):
    server.set(key("j"), "mine")
    with pytest.raises(StoreError, match=r"move\.lua.*WRONGTYPE"):
        jobs.move("j", State.RUNNING)


# --- a server that is full ---


def test_a_full_server_takes_no_new_job_but_lets_jobs_end(new_valkey, a_job):
    full = new_valkey()
    with redis.Redis.from_url(full.url) as client:
        sync = SyncStore(connect_sync({"url": full.url}))
        sync.call(module._CREATE, [key("j"), AUDIT], [encode_job(a_job()), 0, 1, *module._labels(a_job()), ""])
        client.config_set("maxmemory", 1)
        with pytest.raises(StoreError, match=r"create\.lua.*maxmemory"):
            sync.call(
                module._CREATE, [key("k"), AUDIT], [encode_job(a_job("k")), 0, 1, *module._labels(a_job("k")), ""]
            )
        assert sync.call(module._INTEND, [key("j"), AUDIT], ["cancel", "asked", ""])[0] == 1
        assert sync.call(module._MOVE, [key("j"), AUDIT], ["finishing", "", "", "", ""])[0] == 1
        assert sync.call(module._MOVE, [key("j"), AUDIT], ["cancelled", "", "empty", "", "done", ""])[0] == 1
        assert client.hget(key("j"), "state") == b"cancelled"
        assert sync.call(module._DELETE, [key("j")], [])[0] == 1
        sync.close()


def test_a_page_of_large_jobs_ends_before_it_is_too_large_and_the_next_one_goes_on_there(jobs, a_job):
    for number in range(11):
        jobs.create(a_job(f"j{number:02}", created_ms=1_000 + number, inputs={"list": "x" * 1_000_000}))
    jobs.create(a_job("small", created_ms=1_500))
    for asked in ({}, {"states": [State.QUEUED]}):
        first = jobs.newest(limit=200, **asked)
        assert sum(len(encode_job(stored.job)) for stored in first.jobs) <= MAX_PAGE_BYTES
        assert [stored.job.id for stored in first.jobs] == ["small", *(f"j{number:02}" for number in range(10, 2, -1))]
        second = jobs.newest(limit=200, after=first.next, **asked)
        assert ([stored.job.id for stored in second.jobs], second.next) == (["j02", "j01", "j00"], "")


def test_a_page_has_one_job_at_least_however_large(jobs, a_job, monkeypatch):
    monkeypatch.setattr(redis_list, "MAX_PAGE_BYTES", 10)
    for name in ("a", "b", "c"):
        jobs.create(a_job(name))
    pages, after = [], ""
    for _ in range(3):
        page = jobs.newest(limit=200, after=after)
        pages.append([stored.job.id for stored in page.jobs])
        after = page.next
    assert (pages, after) == ([["c"], ["b"], ["a"]], "")
