"""Random calls in random order, made on a frontier and its model: hypothesis looks for the shortest disagreement.

`run_machine` runs it on any back end. What is drawn is one integer per value: that is cheap, and shrinks to the
plainest request, row or moment.
"""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from twin import TICK_MS, TTL_MS, Limits, Twin

from crawler.frontier.contract import OUTCOMES, FrontierRequest, Lease, PageCommit, Reply, Row
from crawler.frontier.identity import START_ID

IDS = (*range(10, 34), START_ID, 0, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)
HOSTS = ("a", "b", "c.example:8080", "", "ü:*?[x]{job}\r\n\0 %s")
PRIORITIES = (0, 0, 0, 1, -1, 4095, -4095, 100_000, -100_000, 1 << 40)
LISTS = (None, None, None, None, "list", "li:st\0{2}")
WORKERS = ("w1", "w2", "w:3\0")
MARKS = (1, 2, 1 << 63, (1 << 64) - 1)
ITEMS = ("book", "k:\0ö")
KEYS = (0, 0, 1, 2, 3, 1 << 63, (1 << 64) - 1)
UNIQUE = ((), (), (), (1,), (1, 2), (2, (1 << 64) - 1), (3, 3))
OUTCOME_NAMES = ("ok", *sorted(OUTCOMES))
#: Ticks that pass; ends of delays, holds and ttl are hit exactly, just missed and overrun.
MOMENTS = (1, 8, 39, 40, 41, 80, 160, 479, 480, 481, 2000)
SECONDS = (0.0, 0.0, TICK_MS / 1000, 5.0, 20.0, 60.0, -1.0)
TTLS_S = (60.0, 60.0, 7.5, float("inf"))
LIMITS = tuple(
    Limits(per_host=per_host, max_pages=max_pages, max_rows=max_rows)
    for per_host, max_pages, max_rows in ((0, None, None), (1, None, 4), (3, 12, None), (2, 30, 2), (0, 5, 0))
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


class FrontierMachine(RuleBasedStateMachine):
    """Set `backend` in a subclass."""

    backend = None
    books_every = 1

    @initialize(limits=st.sampled_from(LIMITS))
    def new_job(self, limits):
        self.twin = Twin(self.backend, limits)
        self.numbers = dict.fromkeys(WORKERS, 0)
        self.leases: list[Lease] = []
        self.last_call = None
        self.steps = 0
        self.had_large = False

    # --- how a rule makes its call ---

    def make(self, call):
        """Makes a call, which may be repeated later as after a lost reply. `call` builds the coroutine."""
        self.last_call = call
        return self.run(call())

    def run(self, call):
        self.sound = False
        answer = self.backend.run(call)
        self.sound = True
        return answer

    def pick(self, number: int) -> Lease:
        """A lease that was given, the younger the likelier to be held; some are forged."""
        if not self.leases:
            request = FrontierRequest(id=number, host="a", body=b"")
            return Lease(request=request, token=number)
        lease = self.leases[-1 - number // 2 % len(self.leases)]
        return replace(lease, token=lease.token ^ 1) if number >= 56 else lease

    def ttl_s(self, number: int) -> float:
        return TTL_MS / 1000 if self.backend.features.grace_ms else TTLS_S[number % len(TTLS_S)]

    # --- rules ---

    @rule(requests=st.lists(REQUESTS, max_size=6))
    def enqueue(self, requests):
        self.make(lambda: self.twin.enqueue(requests))

    @rule(worker=st.sampled_from(WORKERS), number=st.integers(0, 35))
    def lease(self, worker, number):
        self.numbers[worker] += 1
        self.lease_numbered(worker, self.numbers[worker], limit=number // 4, ttl_s=self.ttl_s(number))

    @rule(worker=st.sampled_from(WORKERS), number=st.integers(0, 35))
    def lease_more(self, worker, number):
        self.lease(worker, number)

    def lease_numbered(self, worker, call, *, limit, ttl_s):
        reply = self.make(lambda: self.twin.lease(worker=worker, call=call, limit=limit, ttl_s=ttl_s))
        if reply.reply is Reply.PAUSED:
            self.numbers[worker] -= 1  # nothing was given: the number is still free
        self.leases += [lease for lease in reply.leases if lease not in self.leases[-40:]]

    @rule(worker=st.sampled_from(WORKERS), older=st.sampled_from((0, 0, 1)))
    def lease_again(self, worker, older):
        if (number := self.numbers[worker] - older) > 0:
            numbers = dict(self.numbers)
            self.lease_numbered(worker, number, limit=3, ttl_s=TTL_MS / 1000)
            self.numbers = numbers

    @rule(worker=st.sampled_from((*WORKERS, "nobody")), picks=st.lists(PICKS, max_size=4), number=st.integers(0, 3))
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
            url=f"http://a/{number}",
            reason="why\n",
        )

    ENDS = _numbers(OUTCOME_NAMES, LISTS, *((False, True) for _ in MARKS))

    @rule(pick=PICKS, number=ENDS, children=st.lists(REQUESTS, max_size=5), rows=st.lists(ROWS, max_size=4))
    def commit(self, pick, number, children, rows):
        commits = [self.page_commit(pick, number, children, rows)]
        self.make(lambda: self.twin.commit(commits))

    @rule(ends=st.lists(st.tuples(PICKS, ENDS, st.lists(REQUESTS, max_size=2)), max_size=4))
    def commit_some(self, ends):
        commits = [self.page_commit(*end) for end in ends]
        self.make(lambda: self.twin.commit(commits))

    @precondition(lambda self: self.backend.features.stage_over and not self.had_large and self.leases)
    @rule(pick=PICKS, first=st.integers(0, 3), next_page=REQUESTS)
    def commit_large(self, pick, first, next_page):
        """Its children come in part again, so that some of what is staged is known when it is looked at."""
        self.had_large = True
        numbers = (IDS * 3)[:20] + tuple(range(1000 * (1 + first % 2), 1000 * (1 + first % 2) + 240))
        children = [FrontierRequest(id=number, host=HOSTS[number % 2], body=b"") for number in numbers]
        commit = PageCommit(lease=self.pick(pick), outcome="ok", children=(*children, next_page), chain=LISTS[-1])
        self.make(lambda: self.twin.commit([commit]))

    @rule(pick=PICKS, delay_s=st.sampled_from(SECONDS), hold_s=st.sampled_from(SECONDS))
    def retry(self, pick, delay_s, hold_s):
        lease = self.pick(pick)
        self.make(lambda: self.twin.retry(lease, delay_s=delay_s, reason="503", hold_host_s=hold_s))

    @rule(worker=st.sampled_from((*WORKERS, "nobody")))
    def release_all(self, worker):
        self.make(lambda: self.twin.release(worker=worker))

    @rule(worker=st.sampled_from(WORKERS), picks=st.lists(PICKS, max_size=4))
    def release_some(self, worker, picks):
        leases = [self.pick(pick) for pick in picks]
        self.make(lambda: self.twin.release(worker=worker, leases=leases))

    @rule()
    def promote(self):
        self.make(self.twin.promote)

    @precondition(lambda self: self.last_call is not None)
    @rule()
    def the_last_call_again(self):
        """Its reply was lost. (A lease call is not numbered anew.)"""
        self.run(self.last_call())

    @rule(ticks=st.sampled_from(MOMENTS))
    def time_passes(self, ticks):
        self.twin.move(ticks * TICK_MS)

    @precondition(lambda self: self.backend.features.grace_ms)
    @rule(ticks=st.sampled_from(MOMENTS))
    def the_store_is_down(self, ticks):
        self.twin.outage(ticks * TICK_MS)

    @precondition(lambda self: self.backend.features.grace_ms and (self.steps > 15 or self.twin.model.paused))
    @rule()
    def the_job_is_paused_or_goes_on(self):
        if not self.twin.model.closed:
            self.twin.pause(paused=not self.twin.model.paused)

    @precondition(lambda self: self.steps > 25)
    @rule(reason=st.sampled_from(("limit", "cancelled", "")))
    def close(self, reason):
        self.make(lambda: self.twin.close(reason))

    @rule(limit=st.integers(0, 5))
    def read_rows(self, limit):
        self.run(self.twin.check_rows(limit))

    # --- after every step ---

    @invariant()
    def the_books_agree(self):
        self.steps += 1
        if self.steps % self.books_every == 0:
            self.run(self.twin.check_books())

    def teardown(self):
        if getattr(self, "sound", False):
            self.backend.run(self.twin.check_books())
            self.backend.run(self.twin.check_rows())


def run_machine(backend, *, examples: int, steps: int = 50, books_every: int = 1, shrink: bool = True) -> None:
    """Raises Disagreement with the shortest sequence of calls that leads to one.

    Args:
        backend: see `twin.Backend`; all examples run on it.
        examples: sequences of calls.
        steps: calls per sequence.
        books_every: the books are counted anew after so many calls, and at the end.
        shrink: False: the first sequence that fails will do.
    """
    machine = type("Machine", (FrontierMachine,), {"backend": backend, "books_every": books_every})
    phases = [phase for phase in Phase if shrink or phase not in {Phase.shrink, Phase.explain}]
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            phases=phases,
            suppress_health_check=list(HealthCheck),
        ),
    )
