from __future__ import annotations

import pytest

from crawler.jobs.attempts import MAX_ATTEMPTS, MAX_LOG_LINES, Attempt, RedisAttempts, decode_attempt
from crawler.wire import Undecodable


@pytest.fixture
def attempts(clocked):
    return clocked.face(RedisAttempts(clocked.store))


def test_an_attempt_is_running_until_its_end_is_noted(attempts):
    attempt = Attempt(seat="s", node="n", worker="n/1/s", pid=1, started_ms=5)
    attempts.begin("j", attempt)
    assert attempts.of("j") == (attempt,)
    assert attempt.how == "running"
    attempts.end("j", attempt, ended_ms=9, signal=9, log_tail=[f"line {number}" for number in range(50)])
    (ended,) = attempts.of("j")
    assert (ended.how, ended.ended_ms, len(ended.log_tail)) == ("signal 9", 9, MAX_LOG_LINES)
    assert ended.log_tail[-1] == "line 49"


def test_how_it_ended_is_said_in_words(attempts):
    attempt = Attempt(seat="s", node="n", started_ms=5)
    attempts.end("j", attempt, ended_ms=9, exit_code=3)
    assert attempts.of("j")[0].how == "exit 3"
    attempts.lose("j", attempt, ended_ms=9)
    assert attempts.of("j")[0].how == "lost with its node"


def test_only_the_newest_are_kept(attempts):
    for number in range(MAX_ATTEMPTS + 3):
        attempts.end("j", Attempt(seat=f"s{number}", node="n", started_ms=number), ended_ms=number, exit_code=0)
    attempts.begin("j", Attempt(seat="new", node="n", started_ms=10_000))
    kept = attempts.of("j")
    assert len(kept) == MAX_ATTEMPTS
    assert (kept[0].seat, kept[-1].seat) == ("s4", "new")


@pytest.mark.parametrize("encoded", [b"", b"\x92\x02\x80", b"\x92\x01\x05"])
def test_what_is_no_attempt_is_refused(encoded):
    with pytest.raises(Undecodable):
        decode_attempt(encoded)
