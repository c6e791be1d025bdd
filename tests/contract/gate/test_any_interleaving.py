"""Whatever workers do, in whatever order, the site sees one careful visitor; and both back ends say the same."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crawler.frontier.gate_contract import SLOT_TTL_S, WINDOW_S, Latency, Pace, PermitCall
from crawler.frontier.gate_memory import MemoryGate

WORKERS = 4

times = st.sampled_from([0.0, 0.001, 0.02, 0.05, 0.1, 0.33, 1.0, 1.5, 5.0, SLOT_TTL_S - 0.001, SLOT_TTL_S, 40.0])
asks = st.fixed_dictionaries(
    {
        "do": st.just("ask"),
        "who": st.integers(0, WORKERS - 1),
        "want": st.integers(0, 30),
        "new": st.integers(0, 4),
        "give_up": st.integers(0, 2),
        "busy": st.integers(0, 3),
        "latencies": st.lists(st.floats(0, 3), max_size=2),
        "silence_s": st.sampled_from([0.0] * 12 + [0.5, 5.0]),
        "crawl_delay_s": st.sampled_from([None] * 12 + [0.0, 0.25, 2.0]),
    }
)
others = st.fixed_dictionaries(
    {"do": st.sampled_from(["repeat", "old", "die"]), "who": st.integers(0, WORKERS - 1)}
) | st.builds(lambda seconds: {"do": "pass", "seconds": seconds}, times)
steps = st.lists(asks | asks | others, min_size=5, max_size=40)
paces = st.builds(
    Pace,
    concurrency=st.sampled_from([0, 1, 2, 3, 8]),
    delay_s=st.sampled_from([0.0, 0.01, 0.1, 1 / 3, 2.0]),
    adaptive=st.booleans(),
    start_delay_s=st.sampled_from([0.0, 0.5]),
    max_delay_s=st.sampled_from([0.2, 3.0]),
    target_concurrency=st.sampled_from([1.0, 3.0]),
)
thorough = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@dataclass
class Party:
    """A worker as it sees itself."""

    name: str
    job: str
    slots: tuple[int, ...] = ()
    calls: list[PermitCall] = field(default_factory=list)


def story(script, site: Pace, owns: tuple[Pace, Pace]):
    """The calls that a script comes to. The caller sends it the answer to each, and time that passes is a number."""
    names, tokens = itertools.count(1), itertools.count(1)
    parties = [Party(f"w{next(names)}", f"j{index % 2}") for index in range(WORKERS)]
    for step in script:
        if step["do"] == "pass":
            yield step["seconds"]
            continue
        party = parties[step["who"]]
        if step["do"] == "die":
            parties[step["who"]] = Party(f"w{next(names)}", party.job)
        elif step["do"] == "ask":
            given_up = party.slots[: step["give_up"]]
            call = PermitCall(
                host="shop.example",
                worker=party.name,
                call=len(party.calls) + 1,
                job=party.job,
                want=step["want"],
                keep=party.slots[step["give_up"] :],
                busy=step["busy"],
                give_up=given_up,
                new_slots=tuple(itertools.islice(tokens, step["new"])),
                site=site,
                own=owns[int(party.job[1:])],
                latencies=tuple(Latency(seconds=seconds, ok=seconds < 2) for seconds in step["latencies"]),
                silence_s=step["silence_s"],
                crawl_delay_s=step["crawl_delay_s"],
            )
            party.calls.append(call)
            party.slots = (yield call).slots
        elif party.calls:
            yield party.calls[-1] if step["do"] == "repeat" else party.calls[0]


class Site:
    """What the site sees of it all, and what it has asked for."""

    def __init__(self, site: Pace, owns: tuple[Pace, Pace]) -> None:
        self.limits = {"": site.concurrency, "j0": owns[0].concurrency, "j1": owns[1].concurrency}
        self.delays = {"": site.delay_s, "j0": owns[0].delay_s, "j1": owns[1].delay_s}
        self.slots: dict[int, tuple[str, float]] = {}
        self.starts: dict[str, list[float]] = {"": [], "j0": [], "j1": []}
        self.silent_until = self.crawl_delay = 0.0
        self.answered: set[tuple[str, int]] = set()

    def hears(self, call: PermitCall, now: float) -> bool:
        """What the call reports; whether it is a new one."""
        key = (call.worker, call.call)
        if key in self.answered:
            return False
        self.answered.add(key)
        self.silent_until = max(self.silent_until, now + call.silence_s)
        if call.crawl_delay_s is not None:
            self.crawl_delay = call.crawl_delay_s
        for token in call.give_up:
            self.slots.pop(token, None)
        return True

    def sees(self, call: PermitCall, permit, now: float) -> None:
        for token in permit.slots:
            self.slots[token] = (call.job, now + SLOT_TTL_S)
        live = [job for job, deadline in self.slots.values() if deadline > now]
        for scope, limit in self.limits.items():
            assert not limit or sum(scope in ("", job) for job in live) <= limit
        sent = permit.starts or permit.free_until_s
        assert not sent or permit.slots
        assert len(permit.starts) <= max(0, call.want)
        assert all(0 <= start <= WINDOW_S for start in (*permit.starts, permit.free_until_s))
        if now < self.silent_until:
            assert not sent
            assert permit.wait_s == permit.silent_s > 0
        for start in permit.starts:
            for scope in ("", call.job):
                delay = max(self.delays[scope], self.crawl_delay if not scope else 0.0)
                last = max(self.starts[scope], default=0.0)
                assert not delay or now + start - last >= delay - 1e-6
                self.starts[scope].append(now + start)
        if permit.free_until_s:
            assert self.delays[""] == self.delays[call.job] == self.crawl_delay == 0


@thorough
@given(script=steps, site=paces, owns=st.tuples(paces, paces))
def test_the_site_is_never_asked_more_than_it_allows(fleet, script, site, owns):
    fleet.renew()
    seen, tale = Site(site, owns), story(script, site, owns)
    step = next(tale, None)
    while step is not None:
        answer = None
        if isinstance(step, PermitCall):
            fresh = seen.hears(step, fleet.clock.now)
            (answer,) = fleet.permit(step)
            if fresh:
                seen.sees(step, answer, fleet.clock.now)
        else:
            fleet.pass_(step)
        step = _next(tale, answer)
    for scope, starts in seen.starts.items():
        if seen.delays[scope]:
            most = 1 / seen.delays[scope]
            assert all(sum(at <= start < at + 1 for start in starts) <= most + 1 for at in starts)


@thorough
@given(script=steps, site=paces, owns=st.tuples(paces, paces))
def test_the_answers_are_those_of_the_reference(fleet, script, site, owns):
    fleet.renew()
    reference = MemoryGate(lambda: fleet.clock.now)
    tale = story(script, site, owns)
    step = next(tale, None)
    while step is not None:
        answer = None
        if isinstance(step, PermitCall):
            (answer,) = fleet.permit(step)
            assert (answer,) == asyncio.run(reference.permit([step]))
        else:
            fleet.pass_(step)
        step = _next(tale, answer)


def _next(tale, answer):
    try:
        return tale.send(answer)
    except StopIteration:
        return None
