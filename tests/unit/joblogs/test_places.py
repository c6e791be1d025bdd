"""Places in logs travel as texts, for one job."""

from __future__ import annotations

import pytest

from crawler.joblogs.places import MAX_CHARACTERS, Places

SEATS = {f"{number:016x}": number * 8_000_000 for number in range(500)}


def test_places_of_as_many_workers_as_are_looked_at_come_back():
    places = Places.made(SEATS, horizon_ms=1_790_000_000_000)
    text = places.text("monday")
    assert len(text) < MAX_CHARACTERS
    assert Places.read(text, "monday") == places
    assert places.of(f"{7:016x}", -1) == 56_000_000
    assert places.of("another", -1) == -1


def test_a_worker_that_came_later_is_not_meant():
    places = Places.made({"a": 1}, horizon_ms=100)
    assert places.knows("a", 100)
    assert not places.knows("a", 101)
    assert not places.knows("b", 50)


@pytest.mark.parametrize("text", ["", "x", "AAAA", Places.made({"a": 1}, horizon_ms=0).text("tuesday")])
def test_what_is_none_or_of_another_job_is_refused(text):
    with pytest.raises(ValueError, match="no places"):
        Places.read(text, "monday")
