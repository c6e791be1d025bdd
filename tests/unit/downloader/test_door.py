"""The door, alone and in a fleet: what a site sees of it. Time is made up, see `virtual_fleet`."""

from __future__ import annotations

import asyncio
import logging
import random
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from virtual_fleet import FarGate, Site, a_door, a_gate, keep_busy, now, run

from crawler.downloader.door import Closed, LongSilence, NotSent
from crawler.downloader.entrance import LONG_SILENCE_S
from crawler.errors import CrawleryError, StoreError
from crawler.frontier.gate_contract import WINDOW_S, Pace

TWO_AT_TEN = Pace(concurrency=2, delay_s=0.1)


class Fleet:
    """Doors of several workers on one gate, and the site that they ask."""

    def __init__(self, pace, *, workers=4, trip_s=0.002, latency_s=0.02):
        self.gate = FarGate(a_gate(), there_s=trip_s / 2, back_s=trip_s / 2)
        self.site = Site(latency_s=latency_s)
        self.doors = [a_door(self.gate, f"w{number}", site=pace) for number in range(workers)]
        self.tasks = []

    def start(self, *doors, tasks=4):
        for number in doors or range(len(self.doors)):
            busy = keep_busy(self.doors[number], self.site, f"w{number}", tasks=tasks)
            self.tasks.append(asyncio.get_running_loop().create_task(busy))

    async def stop(self):
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for door in self.doors:
            await door.close()

    def share(self):
        return Counter(self.site.by)


async def crawl(pace, *, seconds, **options):
    fleet = Fleet(pace, **options)
    fleet.start()
    await asyncio.sleep(seconds)
    await fleet.stop()
    return fleet


# --- one worker ---


def test_a_request_passes_and_the_slot_is_free_again():
    async def scenario():
        door = a_door(a_gate(), site=Pace(concurrency=1))
        for _ in range(3):
            async with door.pass_("h"):
                pass
        assert door.counters.passes == 3
        await door.close()

    run(scenario)


def test_a_failed_request_gives_its_slot_back_too():
    async def scenario():
        door = a_door(a_gate(), site=Pace(concurrency=1))
        for _ in range(3):
            with pytest.raises(ConnectionError):
                async with door.pass_("h"):
                    raise ConnectionError
        await door.close()

    run(scenario)


def test_no_more_are_open_than_allowed_and_as_many_as_allowed():
    fleet = run(lambda: crawl(Pace(concurrency=3), seconds=2, workers=1, latency_s=0.03))
    assert fleet.site.most_open == 3
    assert len(fleet.site.sent) > 150


def test_a_fast_host_without_delay_costs_few_calls():
    fleet = run(lambda: crawl(Pace(concurrency=16), seconds=5, workers=1, latency_s=0.02))
    assert len(fleet.site.sent) > 900
    assert len(fleet.gate.calls) <= 0.08 * len(fleet.site.sent)


def test_a_slow_host_without_delay_is_not_asked_about_all_the_time():
    fleet = run(lambda: crawl(Pace(concurrency=2), seconds=30, workers=1, latency_s=3.0))
    assert len(fleet.gate.calls) <= 2 * len(fleet.site.sent)


def test_hosts_do_not_wait_for_each_other():
    async def scenario():
        door = a_door(a_gate(), site=Pace(concurrency=1, delay_s=5.0))
        began = now()
        for host in ("a", "b", "c"):
            async with door.pass_(host):
                pass
        assert now() - began < 0.2
        await door.close()

    run(scenario)


def test_calls_about_several_hosts_leave_together():
    async def scenario():
        door = a_door(a_gate(), site=Pace(concurrency=1))

        async def one(host):
            async with door.pass_(host):
                pass

        await asyncio.gather(*(one(f"h{number}") for number in range(20)))
        assert (door.counters.calls, door.counters.round_trips) == (20, 1)
        await door.close()

    run(scenario)


def test_an_idle_worker_keeps_no_slot():
    async def scenario():
        gate = FarGate(a_gate())
        door = a_door(gate, site=Pace(concurrency=4))
        async with door.pass_("h"):
            pass
        await asyncio.sleep(0.2)
        assert gate.calls[-1].give_up
        assert not gate.calls[-1].keep
        calls = len(gate.calls)
        await asyncio.sleep(60)
        assert len(gate.calls) == calls
        await door.close()

    run(scenario)


def test_a_long_download_keeps_its_slot():
    async def scenario():
        gate = a_gate()
        door, other = a_door(gate, "w", site=Pace(concurrency=1)), a_door(gate, "other", site=Pace(concurrency=1))
        site = Site(latency_s=120)
        long = asyncio.get_running_loop().create_task(keep_busy(door, site, "w", tasks=1))
        await asyncio.sleep(1)
        second = asyncio.get_running_loop().create_task(keep_busy(other, site, "other", tasks=1))
        await asyncio.sleep(100)
        assert site.by == ["w"]
        for task in (long, second):
            task.cancel()
        await asyncio.gather(long, second, return_exceptions=True)
        await asyncio.gather(door.close(), other.close())

    run(scenario)


# --- what is checked right before a request is sent ---


def test_a_page_whose_lease_was_lost_while_it_waited_is_not_sent():
    async def scenario():
        door = a_door(a_gate(), site=Pace(concurrency=1))
        lost = False
        async with door.pass_("h"):
            waiting = asyncio.get_running_loop().create_task(_enter(door, still_ours=lambda: not lost))
            await asyncio.sleep(1)
            lost = True
        with pytest.raises(NotSent, match="lease"):
            await waiting
        async with door.pass_("h"):  # the slot has come back
            pass
        await door.close()

    run(scenario)


async def _enter(door, host="h", *, still_ours=None):
    async with door.pass_(host, still_ours=still_ours):
        return now()


def test_a_process_that_stood_still_sends_nothing_that_was_granted_before():
    async def scenario():
        gate = a_gate()
        stopped, other = (a_door(gate, name, site=Pace(concurrency=1)) for name in ("stopped", "other"))
        async with stopped.pass_("h"):
            pass
        asyncio.get_running_loop().now += 20.0  # SIGSTOP, SIGCONT
        site = Site(latency_s=30)
        busy = asyncio.get_running_loop().create_task(keep_busy(other, site, "other", tasks=1))
        await asyncio.sleep(0.01)
        sent = asyncio.get_running_loop().create_task(_enter(stopped))
        await asyncio.sleep(10)
        assert site.open == 1
        assert not sent.done()
        for task in (busy, sent):
            task.cancel()
        await asyncio.gather(busy, sent, return_exceptions=True)
        await asyncio.gather(stopped.close(), other.close())

    run(scenario)


def test_a_request_that_is_cancelled_while_it_waits_leaves_nothing_behind():
    async def scenario():
        door = a_door(a_gate(), site=Pace(concurrency=1))
        async with door.pass_("h"):
            waiting = [asyncio.get_running_loop().create_task(_enter(door)) for _ in range(3)]
            await asyncio.sleep(0.01)
            waiting[0].cancel()
            await asyncio.sleep(0)
        waiting[1].cancel()  # it has been given the slot already
        await asyncio.gather(*waiting[:2], return_exceptions=True)
        await asyncio.wait_for(waiting[2], 1)
        assert door.waiting() == 0
        await door.close()

    run(scenario)


def test_a_request_that_the_loop_comes_to_too_late_waits_for_new_leave_at_its_place():
    async def scenario():
        gate = FarGate(a_gate())
        door = a_door(gate, site=Pace(concurrency=1))
        order = []

        async def one(name):
            async with door.pass_("h"):
                order.append((name, now()))

        async with door.pass_("h"):
            tasks = [asyncio.get_running_loop().create_task(one(name)) for name in "ab"]
            await asyncio.sleep(0.01)
        calls = len(gate.calls)
        asyncio.get_running_loop().now += 0.2  # a callback that computes, after the slot was handed on
        await asyncio.gather(*tasks)
        assert [name for name, _ in order] == ["a", "b"]
        assert len(gate.calls) > calls
        await door.close()

    run(scenario)


def test_a_request_that_has_its_slot_is_held_back_by_a_silence_at_the_last_moment():
    async def scenario():
        door = a_door(a_gate(), site=Pace(concurrency=1))
        async with door.pass_("h"):
            waiting = asyncio.get_running_loop().create_task(_enter(door))
            await asyncio.sleep(0.01)
        door.silence("h", 1.0)
        began = now()
        assert await waiting >= began + 1.0
        await door.close()

    run(scenario)


# --- silence ---


def test_nothing_is_sent_while_a_host_wants_silence_and_then_it_goes_on():
    async def scenario():
        fleet = Fleet(Pace(concurrency=2), workers=1)
        fleet.start()
        await asyncio.sleep(1)
        began = now()
        fleet.doors[0].silence("h", 5.0)
        await asyncio.sleep(10)
        await fleet.stop()
        after = [moment for moment in fleet.site.sent if moment >= began]
        assert after[0] >= began + 5.0
        assert after[0] < began + 5.3

    run(scenario)


def test_a_silence_reaches_all_workers_within_the_window():
    async def scenario():
        fleet = Fleet(Pace(concurrency=8), workers=4, trip_s=0.01)
        fleet.start()
        await asyncio.sleep(2)
        began = now()
        fleet.doors[1].silence("h", 5.0)
        await asyncio.sleep(10)
        await fleet.stop()
        assert not [moment for moment in fleet.site.sent if began + WINDOW_S < moment < began + 5.0]
        assert len({worker for worker, at in zip(fleet.site.by, fleet.site.sent, strict=True) if at > began + 5}) == 4

    run(scenario)


def test_a_worker_that_comes_later_hears_of_the_silence():
    async def scenario():
        gate = a_gate()
        first, second = a_door(gate, "1"), a_door(gate, "2")
        first.silence("h", 5.0)
        await asyncio.sleep(0.5)
        began = now()
        assert await _enter(second) >= began + 4.5
        await asyncio.gather(first.close(), second.close())

    run(scenario)


def test_who_is_not_patient_does_not_wait_for_the_end_of_a_long_silence():
    async def enter(door, *, patient):
        async with door.pass_("h", patient=patient):
            return "sent"

    async def scenario():
        door = a_door(a_gate())
        door.silence("h", LONG_SILENCE_S - 1)
        waiting = [asyncio.ensure_future(enter(door, patient=patient)) for patient in (False, True, False, True)]
        await asyncio.sleep(0)
        assert door.waiting() == 4
        door.silence("h", LONG_SILENCE_S + 1)
        answers = await asyncio.gather(waiting[0], waiting[2], return_exceptions=True)
        assert [type(answer) for answer in answers] == [LongSilence] * 2
        assert door.waiting() == 2
        with pytest.raises(LongSilence):
            await enter(door, patient=False)
        assert await asyncio.gather(waiting[1], waiting[3]) == ["sent"] * 2
        await door.close()

    run(scenario)


# --- the fleet as a site sees it ---


@pytest.mark.parametrize("trip_s", [0.0, 0.002, 0.01, 0.03])
def test_four_workers_are_one_careful_visitor(trip_s):
    fleet = run(lambda: crawl(TWO_AT_TEN, seconds=60, trip_s=trip_s))
    assert fleet.site.most_open <= 2
    assert fleet.site.most_in_a_second() <= 11
    assert len(fleet.site.sent) >= 0.8 * 600
    assert min(fleet.share().values()) >= 0.15 * len(fleet.site.sent)


def test_a_gentle_job_does_not_slow_another():
    async def scenario():
        gate, site = a_gate(), Site()
        fast = a_door(gate, "fast", job="a", site=Pace(concurrency=4, delay_s=0.1))
        slow = a_door(gate, "slow", job="b", site=Pace(concurrency=4, delay_s=0.1), own=Pace(delay_s=2.0))
        tasks = [
            asyncio.get_running_loop().create_task(keep_busy(door, site, name))
            for door, name in ((fast, "fast"), (slow, "slow"))
        ]
        await asyncio.sleep(30)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(fast.close(), slow.close())
        assert 13 <= site.by.count("slow") <= 16
        assert site.by.count("fast") >= 250
        assert site.most_in_a_second() <= 11

    run(scenario)


def test_slots_of_a_worker_that_died_come_free():
    async def scenario():
        fleet = Fleet(Pace(concurrency=2), workers=2, latency_s=0.05)
        fleet.start(0)
        await asyncio.sleep(0.52)
        fleet.tasks[0].cancel()  # in the middle of two requests, and it says nothing any more
        fleet.doors[0]._closed = True
        await asyncio.gather(*fleet.tasks, return_exceptions=True)
        died = now()
        fleet.start(1)
        await asyncio.sleep(20)
        await fleet.stop()
        later = [at for worker, at in zip(fleet.site.by, fleet.site.sent, strict=True) if worker == "w1"]
        assert later[0] - died <= 15.5
        assert fleet.site.most_open <= 2

    run(scenario)


def test_autothrottle_finds_the_pace_of_the_site():
    pace = Pace(concurrency=4, delay_s=0.01, adaptive=True, start_delay_s=0.5, target_concurrency=2.0)
    fleet = run(lambda: crawl(pace, seconds=20, workers=2, latency_s=0.2))
    gaps = [later - earlier for earlier, later in zip(fleet.site.sent[50:], fleet.site.sent[51:], strict=False)]
    assert sum(gaps) / len(gaps) == pytest.approx(0.1, rel=0.15)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    workers=st.integers(1, 4),
    concurrency=st.integers(1, 4),
    per_second=st.sampled_from([2, 5, 10]),
    trip_ms=st.integers(0, 45),
)
def test_whatever_happens_a_site_sees_no_more_than_was_promised(seed, workers, concurrency, per_second, trip_ms):
    """Slow and fast answers, slow stores, busy event loops and silences, at random."""
    chance = random.Random(seed)

    async def scenario():
        fleet = Fleet(Pace(concurrency=concurrency, delay_s=1 / per_second), workers=workers, trip_s=trip_ms / 1000)
        fleet.site.latency_s = chance.choice([0.005, 0.05, 0.4])
        fleet.start(tasks=chance.randint(1, 5))
        silences = []
        for _ in range(40):
            await asyncio.sleep(chance.uniform(0.0, 0.5))
            what = chance.random()
            if what < 0.3:
                asyncio.get_running_loop().now += chance.uniform(0.0, 0.09)  # a long callback
            elif what < 0.4:
                seconds = chance.uniform(0.1, 2.0)
                silences.append((now(), now() + seconds))
                chance.choice(fleet.doors).silence("h", seconds)
        await fleet.stop()
        assert fleet.site.most_open <= concurrency
        assert fleet.site.most_in_a_second() <= per_second + 1
        margin = WINDOW_S + trip_ms / 2000 + 1e-6
        assert not [
            (moment, silence)
            for silence in silences
            for moment in fleet.site.sent
            if silence[0] + margin < moment < silence[1] - 1e-6
        ]

    run(scenario)


# --- stores and gates that fail ---


def test_a_store_that_refuses_is_asked_again_with_the_same_call(caplog):
    async def scenario():
        gate = FarGate(a_gate())
        gate.error = StoreError("OOM command not allowed")
        door = a_door(gate)
        waiting = asyncio.get_running_loop().create_task(_enter(door))
        await asyncio.sleep(2.5)
        assert not waiting.done()
        gate.error = None
        await asyncio.wait_for(waiting, 2)
        assert gate.calls[0].call == 1
        await door.close()

    run(scenario)
    assert "OOM command not allowed" in caplog.text


def test_a_mistake_in_a_gate_reaches_those_who_wait():
    async def scenario():
        gate = FarGate(a_gate())
        gate.error = ZeroDivisionError("of the gate")
        door = a_door(gate)
        with pytest.raises(ZeroDivisionError):
            await _enter(door)
        gate.error = None
        await _enter(door)
        await door.close()

    run(scenario)


def test_a_store_that_is_too_far_away_is_named(caplog):
    caplog.set_level(logging.WARNING)

    async def scenario():
        door = a_door(FarGate(a_gate(), there_s=0.2, back_s=0.2))
        waiting = asyncio.get_running_loop().create_task(_enter(door))
        await asyncio.sleep(10)
        assert not waiting.done()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await door.close()

    run(scenario)
    assert caplog.text.count("Hardly anything is sent") == 1


# --- the end ---


def test_those_who_wait_can_be_refused():
    async def scenario():
        door = a_door(a_gate())
        door.silence("h", 60)
        waiting = [asyncio.get_running_loop().create_task(_enter(door)) for _ in range(3)]
        await asyncio.sleep(0.1)
        door.refuse_waiting(lambda: CrawleryError("over"))
        assert [str(error) for error in await asyncio.gather(*waiting, return_exceptions=True)] == ["over"] * 3
        await door.close()

    run(scenario)


def test_a_closed_door_has_given_up_its_slots_and_lets_nothing_pass():
    async def scenario():
        gate = FarGate(a_gate())
        door = a_door(gate)
        async with door.pass_("h"):
            pass
        await door.close()
        assert gate.calls[-1].give_up
        with pytest.raises(Closed, match="ended"):
            await _enter(door)

    run(scenario)


def test_the_end_does_not_wait_for_a_store_that_is_gone(caplog):
    async def scenario():
        gate = FarGate(a_gate())
        door = a_door(gate)
        async with door.pass_("h"):
            pass
        gate.there_s = 1000.0
        began = now()
        await door.close()
        assert now() - began < 3

    run(scenario)
    assert "will expire" in caplog.text


def test_hosts_that_are_not_asked_any_more_are_forgotten():
    async def scenario():
        door = a_door(a_gate())
        for number in range(300):
            await _enter(door, f"h{number}")
            await asyncio.sleep(1)
        assert len(door._entrances) < 200
        assert await _enter(door, "h0")  # known to the gate by older calls
        await door.close()

    run(scenario)
