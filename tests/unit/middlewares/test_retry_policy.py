from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from crawler.middlewares.retry_policy import MAX_RETRY_AFTER_S, decide, parse_retry_after, silence_s
from crawler.recipe.model import Retry

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def decision(policy: Retry | None = None, **facts):
    given = {"tries": 0, "reason": "503", "status": 503, "now": NOW, "jitter": 1.0, **facts}
    return decide(policy or Retry(), **given)


@pytest.mark.parametrize("status", [200, 404, 403, 501, 505])
def test_statuses_that_are_not_listed_are_not_retried(status):
    assert decision(status=status) is None


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_the_usual_passing_failures_are_retried(status):
    assert decision(status=status).again


def test_network_errors_are_retried_unless_the_policy_says_no():
    assert decision(status=None, reason="reset").again
    assert decision(Retry(network_errors=False), status=None) is None


@pytest.mark.parametrize(("tries", "wait_s"), [(0, 1), (1, 2), (2, 4), (5, 32), (6, 60), (500, 60)])
def test_waits_double_up_to_the_ceiling(tries, wait_s):
    assert decision(Retry(times=1_000), tries=tries).wait_s == wait_s


def test_half_of_a_wait_is_left_to_chance():
    assert decision(tries=2, jitter=0.0).wait_s == 2
    assert decision(tries=2, jitter=0.5).wait_s == 3


def test_a_page_is_given_up_when_it_has_been_tried_often_enough():
    assert decision(Retry(times=3), tries=2).again
    given_up = decision(Retry(times=3), tries=3, reason="500 Internal Server Error")
    assert not given_up.again
    assert given_up.reason == "500 Internal Server Error (given up after 4 tries)"


def test_no_retries_means_the_first_failure_is_final():
    assert not decision(Retry(times=0)).again


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_waited_to_the_second_and_silences_the_host(status):
    answer = decision(status=status, retry_after="7", jitter=0.0)
    assert (answer.wait_s, answer.hold_host_s) == (7, 7)


def test_retry_after_counts_only_where_it_is_defined():
    answer = decision(status=500, retry_after="7")
    assert (answer.wait_s, answer.hold_host_s) == (1, 0)


def test_a_429_without_a_time_silences_the_host_for_the_usual_wait():
    answer = decision(status=429)
    assert (answer.wait_s, answer.hold_host_s) == (1, 1)
    assert decision(status=503).hold_host_s == 0


@pytest.mark.parametrize("tries", [0, 1, 50])
def test_a_wish_for_silence_counts_whatever_becomes_of_the_page(tries):
    def asked(status, retry_after, policy=None):
        return silence_s(policy or Retry(times=0), tries=tries, status=status, retry_after=retry_after, now=NOW)

    assert asked(429, "7") == asked(503, "7") == 7
    assert asked(429, "7200") == MAX_RETRY_AFTER_S
    assert asked(429, None) == min(60, 2**tries)
    assert asked(503, None) == asked(503, "soon") == asked(500, "7") == asked(200, "7") == 0
    assert asked(503, "7", Retry(respect_retry_after=False)) == 0
    assert asked(429, "7", Retry(statuses=frozenset())) == 7


def test_retry_after_is_ignored_where_the_policy_says_so():
    answer = decision(Retry(respect_retry_after=False), status=503, retry_after="900")
    assert (answer.wait_s, answer.hold_host_s) == (1, 0)


def test_a_longer_wait_than_an_hour_is_cut_and_then_given_up():
    answer = decision(retry_after="7200")
    assert (answer.again, answer.wait_s, answer.hold_host_s) == (True, MAX_RETRY_AFTER_S, MAX_RETRY_AFTER_S)
    answer = decision(retry_after="7200", tries=1)
    assert not answer.again
    assert "asks to wait 7200 s" in answer.reason


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 0 ", 0),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30),
        ("Sun, 01 Mar 2026 13:00:30 +0100", 30),
        ("Sunday, 01-Mar-26 12:01:00 GMT", 60),
        ("Sun Mar  1 12:01:00 2026", 60),
        ("Sat, 28 Feb 2026 12:00:00 GMT", 0),
        ("9" * 5_000, 999_999_999),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("٣", None),
        ("Sun, 99 Mar 2026 12:00:30 GMT", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_a_number_or_a_date(value, seconds):
    assert parse_retry_after(value, now=NOW) == seconds


def test_a_wait_by_date_uses_the_same_clock():
    later = (NOW + timedelta(seconds=9)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert decision(status=503, retry_after=later).wait_s == 9
