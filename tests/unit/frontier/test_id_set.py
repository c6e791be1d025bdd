from __future__ import annotations

import random
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from crawler.frontier.id_set import IdSet

ids = st.integers(0, 2**64 - 1)


@given(st.lists(ids | st.integers(0, 20), max_size=200), st.lists(ids | st.integers(0, 20), max_size=50))
def test_it_is_a_set(added, asked):
    plain: set[int] = set()
    compact = IdSet()
    for number in added:
        assert compact.add(number) == (number not in plain)
        plain.add(number)
        assert len(compact) == len(plain)
    assert [number in compact for number in (*asked, *added)] == [number in plain for number in (*asked, *added)]


def test_it_stays_one_while_it_grows():
    numbers = random.Random(7)
    known = [numbers.getrandbits(64) for _ in range(40_000)]
    compact = IdSet()
    assert all(compact.add(number) for number in known)
    assert not any(compact.add(number) for number in known)
    assert all(number in compact for number in known)
    assert not any(numbers.getrandbits(64) in compact for _ in range(40_000))
    assert len(compact) == 40_000


def test_ids_that_are_no_hashes_are_held_too():
    compact = IdSet()
    assert all(compact.add(number) for number in range(5_000))
    assert not any(compact.add(number) for number in range(5_000))
    assert [number in compact for number in (4_999, 5_000, 2**64 - 1)] == [True, False, False]


def test_an_id_takes_little_more_than_its_eight_bytes():
    numbers = random.Random(7)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    compact = IdSet()
    for _ in range(100_000):
        compact.add(numbers.getrandbits(64))
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (after - before) / len(compact) < 11
