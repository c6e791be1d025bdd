"""Random calls in random order, made on a frontier and its model: hypothesis looks for the shortest disagreement.

`run_machine` runs it on any back end. What is drawn is one integer per value: that is cheap, and shrinks to the
plainest request, row or moment.

There is one rule, which makes one of the calls of `calls_for`. With a rule for each of them, hypothesis would leave out
rules at random, and most sequences would not even get as far as a leased page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from model import BULK
from msgspec.structs import replace
from twin import TICK_MS, TTL_MS, Limits, Twin

from crawler.frontier.contract import FINISHED, MAX_CRASH_TRIES, FrontierRequest, Lease, PageCommit, Reply, Row
from crawler.frontier.identity import START_ID
from crawler.jobs.outcomes import OUTCOMES

if TYPE_CHECKING:
    from model import Features

DEATHS = st.sampled_from((1, 1, MAX_CRASH_TRIES + 1))  # the first of them only makes a page suspect
IDS = (*range(10, 34), START_ID, 0, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)
HOSTS = ("a", "b", "c.example:8080", "", "ü:*?[x]{job}\r\n\0 %s")
#: What a worker does not want now.
SKIPS = ((), (), (), (), (), (), ("a",), ("a", "b"), HOSTS[2:], HOSTS)
#: What a worker reads, and what a parked page needs of one.
READS = (0, 1, 1, 1, 2, 3)
NEEDS = (1, 2, 2, 3, 4095)
PRIORITIES = (0, 0, 0, 1, -1, 4095, -4095, 100_000, -100_000, 1 << 40)
LISTS = (None, None, None, None, "list", "li:st\0{2}")
WORKERS = ("w1", "w2", "w:3\0")
MARKS = (1, 2, 1 << 63, (1 << 64) - 1)
ITEMS = ("book", "k:\0ö")
KEYS = (0, 0, 1, 2, 3, 1 << 63, (1 << 64) - 1)
UNIQUE = ((), (), (), (1,), (1, 2), (2, (1 << 64) - 1), (3, 3))
OUTCOME_NAMES = ("ok", *sorted(OUTCOMES))
#: Ticks that pass; ends of delays, holds and ttl are hit exactly, just missed and overrun.
MOMENTS = (1, 8, 40, 40, 80, 160, 479, 480, 480, 480, 481, 2000)
SECONDS = (0.0, 0.0, TICK_MS / 1000, 5.0, 20.0, 60.0, -1.0)
TTLS_S = (60.0, 60.0, 7.5, float("inf"))
LIMITS = tuple(
    Limits(per_host=per_host, max_pages=max_pages, max_rows=max_rows)
    for per_host, max_pages, max_rows in (
        (0, None, None),
        (1, None, 4),
        (0, None, None),
        (3, 12, None),
        (2, 30, 2),
        (0, 5, 0),
    )
)


class _Digits:
    """Takes an integer apart, one choice after the other."""

    def __init__(self, number: int) -> None:
        self.number = number

    def choice(self, values):
        self.number, digit = divmod(self.number, len(values))
        return values[digit]


def _request(number: int) -> FrontierRequest:
    digits = _Digits(number)
    page_id = digits.choice(IDS)
    chain = digits.choice(LISTS)
    return FrontierRequest(
        id=page_id,
        host=digits.choice(HOSTS),
        body=digits.choice((b"", b"body", b"\x80\0\xff")) + str(number).encode(),
        priority=digits.choice(PRIORITIES),
        chain=chain,
        on_progress=chain is not None and digits.choice((True, True, False)),
    )


def _row(number: int) -> Row:
    digits = _Digits(number)
    return Row(
        item=digits.choice(ITEMS), key=digits.choice(KEYS), unique=digits.choice(UNIQUE), body=str(number).encode()
    )


def _numbers(*choices) -> st.SearchStrategy[int]:
    total = 1
    for values in choices:
        total *= len(values)
    return st.integers(0, total - 1)


REQUESTS = _numbers(IDS, LISTS, HOSTS, range(3), PRIORITIES, range(3)).map(_request)
ROWS = _numbers(ITEMS, KEYS, UNIQUE).map(_row)
PICKS = st.integers(0, 59)
ENDS = _numbers(OUTCOME_NAMES, LISTS, *((False, True) for _ in MARKS))
ANY_WORKER = st.sampled_from(WORKERS)
WORKER_OR_NOBODY = st.sampled_from((*WORKERS, "nobody"))


def calls_for(features: Features) -> st.SearchStrategy[tuple]:
    """A method of `Calls` and its arguments; the first number says how likely each is."""
    several = st.lists(PICKS, max_size=4)
    kinds = [
        (2, "enqueue", st.lists(REQUESTS, max_size=6)),
        (6, "lease", ANY_WORKER, st.integers(0, 35), st.sampled_from(SKIPS), st.sampled_from(READS)),
        (1, "lease_again", ANY_WORKER, st.sampled_from((0, 0, 1))),
        (1, "renew", WORKER_OR_NOBODY, several, st.integers(0, 3)),
        (6, "commit", PICKS, ENDS, st.lists(REQUESTS, max_size=5), st.lists(ROWS, max_size=4)),
        (1, "commit_some", st.lists(st.tuples(PICKS, ENDS, st.lists(REQUESTS, max_size=2)), max_size=4)),
        (3, "retry", PICKS, st.sampled_from(SECONDS), st.sampled_from(SECONDS)),
        (2, "park", PICKS, st.sampled_from(NEEDS)),
        (1, "release_all", WORKER_OR_NOBODY),
        (1, "release_some", ANY_WORKER, several),
        (1, "promote"),
        (2, "the_last_call_again"),
        (3, "time_passes", st.sampled_from(MOMENTS)),
        (2, "everybody_dies_and_one_comes_back", ANY_WORKER, st.integers(0, 15), DEATHS),
        (1, "close", st.sampled_from((FINISHED, FINISHED, "limit", "cancelled", ""))),
        (1, "read_rows", st.integers(0, 5)),
    ]
    if features.stage_over:
        kinds.append((1, "commit_large", PICKS, st.integers(0, 3), REQUESTS))
    if features.grace_ms:
        kinds += [(1, "the_store_is_down", st.sampled_from(MOMENTS)), (1, "the_job_is_paused_or_goes_on")]
    return st.one_of(*(st.tuples(st.just(name), *given) for weight, name, *given in kinds for _ in range(weight)))


class Calls:
    """What a step may do. Numbers are taken apart by `_Digits`, or name a lease."""

    def __init__(self, backend, limits: Limits) -> None:
        self.backend = backend
        self.twin = Twin(backend, limits)
        self.numbers = dict.fromkeys(WORKERS, 0)
        self.leases: list[Lease] = []
        self.last_call = None
        self.steps = 0
        self.had_large = False

    def make(self, call):
        """Makes a call, which may be repeated later as after a lost reply. `call` builds the coroutine."""
        self.last_call = call
        return self.backend.run(call())

    def pick(self, number: int) -> Lease:
        """A lease: two thirds of the numbers name one that is held, if there is any, the rest any; some are forged."""
        held = [lease for lease in self.leases if self.twin.model.held(lease)] if number < 40 else self.leases
        leases = held or self.leases
        if not leases:
            request = FrontierRequest(id=number, host="a", body=b"")
            return Lease(request=request, token=number)
        lease = leases[-1 - number // 2 % len(leases)]
        return replace(lease, token=lease.token ^ 1) if number >= 56 else lease

    def ttl_s(self, number: int) -> float:
        return TTL_MS / 1000 if self.backend.features.grace_ms else TTLS_S[number % len(TTLS_S)]

    def enqueue(self, requests):
        self.make(lambda: self.twin.enqueue(requests))

    def lease(self, worker, number, skip=(), reads=1):
        self.numbers[worker] += 1
        asked = {"limit": number // 4, "ttl_s": self.ttl_s(number), "skip": skip, "reads": reads}
        reply = self.lease_numbered(worker, self.numbers[worker], **asked)
        if reply.reply is Reply.PAUSED:
            self.numbers[worker] -= 1  # nothing was given: the number is still free

    def lease_numbered(self, worker, call, **asked):
        reply = self.make(lambda: self.twin.lease(worker=worker, call=call, **asked))
        self.leases += [lease for lease in reply.leases if lease not in self.leases[-40:]]
        return reply

    def lease_again(self, worker, older):
        if (number := self.numbers[worker] - older) > 0:
            self.lease_numbered(worker, number, limit=3, ttl_s=TTL_MS / 1000)

    def renew(self, worker, picks, number):
        leases = [self.pick(pick) for pick in picks]
        self.make(lambda: self.twin.renew(worker=worker, leases=leases, ttl_s=self.ttl_s(number)))

    def page_commit(self, pick, number, children=(), rows=()) -> PageCommit:
        digits = _Digits(number)
        outcome, chain = digits.choice(OUTCOME_NAMES), digits.choice(LISTS)
        marks = frozenset(mark for mark in MARKS if digits.choice((False, True)))
        return PageCommit(
            lease=self.pick(pick),
            outcome=outcome,
            children=tuple(children),
            rows=tuple(rows),
            chain=chain,
            marks=marks,
            rejected=number % 3,
            url=f"http://a/{number}",
            reason="why\n",
        )

    def commit(self, pick, number, children, rows):
        commits = [self.page_commit(pick, number, children, rows)]
        self.make(lambda: self.twin.commit(commits))

    def commit_some(self, ends):
        commits = [self.page_commit(*end) for end in ends]
        self.make(lambda: self.twin.commit(commits))

    def commit_large(self, pick, first, next_page):
        """Its children come in part again, so that some of what is staged is known when it is looked at.

        Its rows are such that all of them are kept, whenever they are looked at.
        """
        if self.had_large or not self.leases:
            return
        self.had_large = True
        numbers = (IDS * 3)[:20] + tuple(range(1000 * (1 + first % 2), 1000 * (1 + first % 2) + 240))
        children = [FrontierRequest(id=number, host=HOSTS[number % 2], body=b"") for number in numbers]
        rows = [Row(item=BULK, body=str(number).encode()) for number in range(150 * first)]
        commit = PageCommit(
            lease=self.pick(pick),
            outcome="ok",
            children=(*children, next_page),
            rows=tuple(rows) if self.twin.model.max_rows is None else (),
            chain=LISTS[-1],
        )
        self.make(lambda: self.twin.commit([commit]))

    def retry(self, pick, delay_s, hold_s):
        lease = self.pick(pick)
        self.make(lambda: self.twin.retry(lease, delay_s=delay_s, reason="503", hold_host_s=hold_s))

    def park(self, pick, needs):
        lease = self.pick(pick)
        self.make(lambda: self.twin.park(lease, needs=needs))

    def release_all(self, worker):
        self.make(lambda: self.twin.release(worker=worker))

    def release_some(self, worker, picks):
        leases = [self.pick(pick) for pick in picks]
        self.make(lambda: self.twin.release(worker=worker, leases=leases))

    def promote(self):
        self.make(self.twin.promote)

    def the_last_call_again(self):
        """Its reply was lost. (A lease call is not numbered anew.)"""
        if self.last_call is not None:
            self.backend.run(self.last_call())

    def time_passes(self, ticks):
        self.twin.move(ticks * TICK_MS)

    def everybody_dies_and_one_comes_back(self, worker, number, times):
        """What takes a page so many times to be poison would take random calls too long."""
        for _ in range(times):
            self.twin.move(TTL_MS)
            self.lease(worker, number)

    def the_store_is_down(self, ticks):
        self.twin.outage(ticks * TICK_MS)

    def the_job_is_paused_or_goes_on(self):
        if not self.twin.model.closed:
            self.twin.pause(paused=not self.twin.model.paused)

    def close(self, reason):
        if self.steps > 25 or reason == FINISHED:
            self.make(lambda: self.twin.close(reason))

    def read_rows(self, limit):
        self.backend.run(self.twin.check_rows(limit))

    def check(self):
        self.backend.run(self.twin.check_books())


def machine_for(backend, *, books_every: int) -> type[RuleBasedStateMachine]:
    """The state machine of a back end, all of whose examples run there."""

    class FrontierMachine(RuleBasedStateMachine):
        sound = False

        @initialize(limits=st.sampled_from(LIMITS), requests=st.lists(REQUESTS, min_size=2, max_size=12))
        def new_job(self, limits, requests):
            self.calls = Calls(backend, limits)
            self.calls.enqueue(requests)
            self.sound = True

        @rule(call=calls_for(backend.features))
        def step(self, call):
            name, *given = call
            self.sound = False
            getattr(self.calls, name)(*given)
            self.sound = True

        @invariant()
        def the_books_agree(self):
            self.calls.steps += 1
            if self.calls.steps % books_every == 0:
                self.sound = False
                self.calls.check()
                self.sound = True

        def teardown(self):
            if self.sound:
                self.calls.check()
                self.calls.read_rows(limit=3)

    return FrontierMachine


def run_machine(backend, *, examples: int, steps: int = 50, books_every: int = 1, repeatable: bool = False) -> None:
    """Raises Disagreement with the shortest sequence of calls that leads to one.

    Args:
        backend: see `twin.Backend`; all examples run on it.
        examples: sequences of calls.
        steps: calls per sequence.
        books_every: the books are counted anew after so many calls, and at the end.
        repeatable: the same sequences each time; the first that fails will do.
    """
    run_state_machine_as_test(
        machine_for(backend, books_every=books_every),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            phases=(Phase.generate,) if repeatable else tuple(Phase),
            derandomize=repeatable,
            suppress_health_check=list(HealthCheck),
        ),
    )
