from __future__ import annotations

from crawler.up.spec import Backoff, Restart


def test_pauses_double_up_to_the_longest():
    backoff = Backoff(Restart(first_s=0.2, longest_s=10))
    pauses = [backoff.pause_s(0.5) for _ in range(8)]
    assert pauses == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10]


def test_a_child_that_has_lived_long_enough_begins_anew():
    backoff = Backoff(Restart(first_s=0.2, longest_s=10, healthy_s=30))
    assert [backoff.pause_s(lived_s) for lived_s in (1, 1, 29.9, 30, 1)] == [0.2, 0.4, 0.8, 0.2, 0.4]
