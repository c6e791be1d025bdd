"""States of series in a storage of files: the newest one is that of the greatest pointer, whoever puts it when."""

from __future__ import annotations

import pytest

from crawler.errors import NoSuchObject, StateDamaged
from crawler.exports import series_store
from crawler.exports.keys import SeriesKeys, kind_of, pointer_order, series_of_key
from crawler.exports.objects_folder import FolderObjectStore
from crawler.exports.series_store import Pointer

KEYS = SeriesKeys("acme", "0123456789abcdef" * 2)


@pytest.fixture
def objects(tmp_path):
    return FolderObjectStore(tmp_path / "objects")


def put(objects, tmp_path, order, job, text=b"state"):
    path = tmp_path / "state"
    path.write_bytes(text)
    key = series_store.put(objects, KEYS, job, path)
    pointer = Pointer(order=order, job=job, state=key, recipe="shop", made_ms=order)
    series_store.advance(objects, KEYS, pointer)
    return pointer


def test_a_series_without_a_pointer_has_no_state(objects, tmp_path):
    (tmp_path / "state").write_bytes(b"x")
    series_store.put(objects, KEYS, "j", tmp_path / "state")
    assert series_store.newest(objects, KEYS) is None


def test_the_greatest_order_is_the_newest_and_a_pointer_may_be_put_again(objects, tmp_path):
    old = put(objects, tmp_path, 9, "zz", b"old")
    new = put(objects, tmp_path, 10, "aa", b"new")
    series_store.advance(objects, KEYS, old)
    assert series_store.newest(objects, KEYS) == new
    series_store.fetch(objects, new.state, tmp_path / "found")
    assert (tmp_path / "found").read_bytes() == b"new"


def test_of_two_states_of_one_order_everybody_takes_the_same(objects, tmp_path):
    put(objects, tmp_path, 1, "b")
    put(objects, tmp_path, 1, "a")
    assert series_store.newest(objects, KEYS).job == "b"


def test_a_state_that_is_damaged_or_gone_is_said_to_be(objects, tmp_path):
    objects.put(f"{KEYS.state_prefix}x.zst", b"no zstd", content_type="x")
    with pytest.raises(StateDamaged, match="cannot be read"):
        series_store.fetch(objects, f"{KEYS.state_prefix}x.zst", tmp_path / "found")
    with pytest.raises(NoSuchObject):
        series_store.fetch(objects, f"{KEYS.state_prefix}y.zst", tmp_path / "found")
    objects.put(KEYS.pointer(1, "j"), b"{", content_type="x")
    with pytest.raises(StateDamaged, match="it is no pointer"):
        series_store.newest(objects, KEYS)


def test_a_series_that_is_forgotten_begins_anew_and_others_stay(objects, tmp_path):
    put(objects, tmp_path, 1, "j")
    other = SeriesKeys("acme", "f" * 32)
    series_store.advance(objects, other, Pointer(order=1, job="j", state="s"))
    assert series_store.forget(objects, KEYS) == 2
    assert series_store.newest(objects, KEYS) is None
    assert [keys.series for keys in series_store.all_series(objects)] == [other.series]


def test_old_states_are_removed_but_the_newest_two(objects, tmp_path):
    pointers = [put(objects, tmp_path, order, f"j{order}") for order in (1, 2, 3)]
    assert series_store.tidy(objects, older_than_s=1e9, now_s=0.0) == 0
    assert series_store.tidy(objects, older_than_s=0.0, now_s=1e12) == 2
    left = {info.key for info in objects.list("-series/")}
    assert {pointer.state for pointer in pointers[1:]} <= left
    assert len(left) == 4


def test_keys_are_told_apart():
    assert kind_of(KEYS.new_state("j")) == "state"
    assert kind_of(KEYS.pointer(3, "a-b")) == "pointer"
    assert pointer_order(KEYS.pointer(3, "a-b")) == (3, "a-b")
    assert series_of_key(KEYS.pointer(3, "j")) == ("acme", KEYS.series)
    assert (pointer_order("acme/j/manifest.json"), series_of_key("acme/j/files/x")) == (None, None)
    assert kind_of("-series/acme/x/y") is None


@pytest.mark.parametrize("series", ["", "../../../../etc", "0" * 31, "0" * 33, "G" * 32])
def test_what_is_no_id_of_a_series_makes_no_key(series):
    with pytest.raises(ValueError, match="is no id of a series"):
        SeriesKeys("acme", series)
