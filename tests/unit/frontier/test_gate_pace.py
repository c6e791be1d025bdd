from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from scrapy.extensions.throttle import AutoThrottle

from crawler.frontier.gate_contract import Latency, Pace, PermitCall, whole_ms
from crawler.frontier.gate_pace import Rhythm, asked_of_itself, latency_ms, rounded_up, throttled


@pytest.mark.parametrize(
    ("seconds", "milliseconds"),
    [
        (0.0, 0),
        (-1.0, 0),
        (float("nan"), 0),
        (float("inf"), 3_600_000),
        (5000.0, 3_600_000),
        (0.1, 100),
        (16.1, 16_100),
        (1 / 3, 334),
        (1e-5, 1),
    ],
)
def test_seconds_become_whole_milliseconds_and_no_delay_becomes_shorter(seconds, milliseconds):
    assert whole_ms(seconds) == milliseconds


@pytest.mark.parametrize(
    ("exact", "whole"), [(100.0, 100), (100.0000000001, 100), (100.01, 101), (1.2, 2), (1.0, 1), (0.9, 0), (0.0, 0)]
)
def test_an_adaptive_delay_is_rounded_up_but_not_for_an_error_of_rounding(exact, whole):
    assert rounded_up(exact) == whole


@pytest.mark.parametrize(
    ("seconds", "milliseconds"),
    [(0.25, 250.0), (0.0, 0.0), (-1.0, 0.0), (float("nan"), 0.0), (float("inf"), 3_600_000.0)],
)
def test_a_latency_that_cannot_be_is_brought_to_what_can(seconds, milliseconds):
    assert latency_ms(seconds) == milliseconds


@given(
    samples=st.lists(st.tuples(st.floats(0, 100), st.sampled_from([200, 200, 404, 503])), max_size=30),
    least=st.sampled_from([0.0, 0.25, 2.0]),
    start=st.sampled_from([0.0, 1.0, 5.0]),
    target=st.sampled_from([0.5, 1.0, 4.0]),
)
def test_the_adaptive_delay_is_that_of_scrapy(samples, least, start, target):
    scrapys = SimpleNamespace(target_concurrency=target, mindelay=least, maxdelay=60.0)
    slot = SimpleNamespace(delay=max(least, start))
    pace = Pace(adaptive=True, delay_s=least, start_delay_s=start, max_delay_s=60.0, target_concurrency=target)
    delay = throttled(None, pace, ())
    assert delay == slot.delay * 1000
    for seconds, status in samples:
        AutoThrottle._adjust_delay(scrapys, slot, seconds, SimpleNamespace(status=status))
        delay = throttled(delay, pace, [Latency(seconds=seconds, ok=status == 200)])
        assert delay == pytest.approx(slot.delay * 1000)


def test_a_delay_longer_than_the_longest_adaptive_one_holds():
    assert throttled(None, Pace(adaptive=True, delay_s=90.0, max_delay_s=60.0), ()) == 90_000


def test_a_rhythm_without_a_delay_or_a_start_knows_no_waiting():
    rhythm = Rhythm()
    assert rhythm.next(100, 5_000) == 5_000
    rhythm.passed(5_050)
    assert rhythm.next(0, 5_000) == 5_000
    assert rhythm.next(100, 5_000) == 5_150
    assert rhythm.next(100, 6_000) == 6_000


def test_a_rhythm_never_goes_back():
    rhythm = Rhythm()
    rhythm.passed(5_050)
    rhythm.passed(5_000)
    assert rhythm.last == 5_050


def test_a_pace_that_is_the_sites_asks_for_nothing_more():
    pace = Pace(concurrency=2, delay_s=1.0, adaptive=True)
    call = PermitCall(host="h", worker="w", call=1, site=pace, own=replace(pace))
    assert asked_of_itself(call) == Pace()
    own = replace(pace, delay_s=2.0)
    assert asked_of_itself(replace(call, own=own)) is own
