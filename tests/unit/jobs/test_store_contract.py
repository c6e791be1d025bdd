from __future__ import annotations

import pytest

from crawler.errors import InvalidJob
from crawler.jobs.store_contract import MAX_PAGE, bounded, check_place, place


def test_places_sort_by_time_and_then_by_id():
    places = [place("b", 999), place("a", 1_000), place("b", 1_000), place("a", 10**15 - 1)]
    assert sorted(places) == places
    assert places[0] == "000000000000999:b"


@pytest.mark.parametrize("text", ["", place("a", 0), place("a.b-c_d", 1763845000123)])
def test_a_place_that_comes_back_is_kept(text):
    assert check_place(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "x",
        ":",
        "12:a",
        "00000000000001a:j",
        "000000000000012",
        "1" * 16 + ":j",
        "\N{ARABIC-INDIC DIGIT ONE}" * 15 + ":j",
    ],
)
def test_what_is_no_place_is_refused_with_what_to_give(text):
    with pytest.raises(InvalidJob, match="is no place in a list of jobs; give what the page before says in `next`"):
        check_place(text)


@pytest.mark.parametrize("text", ["000000000000012:", "000000000000012:a b"])
def test_a_place_without_a_possible_job_is_refused(text):
    with pytest.raises(InvalidJob, match="is no id of a job"):
        check_place(text)


def test_a_refused_place_is_shown_in_part():
    with pytest.raises(InvalidJob) as raised:
        check_place("x" * 1_000_000)
    assert len(str(raised.value)) < 200


@pytest.mark.parametrize(
    ("limit", "size"), [(-1, 1), (0, 1), (1, 1), (50, 50), (MAX_PAGE, MAX_PAGE), (10**9, MAX_PAGE)]
)
def test_a_page_has_room_for_one_to_its_maximum(limit, size):
    assert bounded(limit) == size
