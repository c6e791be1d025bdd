"""Between what figures a run should be: the median of earlier ones, and what is usual around it."""

from __future__ import annotations

import random
import statistics

import pytest

from crawler.exports.bands import Band, EarlierRun, bands_for, lines_of
from crawler.exports.figures import Covered, Figures
from crawler.recipe.quality_plan import BandsRule

RULE = BandsRule()


def run(rows, number=0, *, rejected=0, errors=0, fetched=100, filled=None, overridden=False):
    coverage = () if filled is None else (Covered(item="a", field="price", places=100, filled=filled),)
    figures = Figures(
        rows={"a": rows},
        rejected=rejected,
        fetched=fetched,
        http_errors={"http_5xx": errors} if errors else {},
        coverage=coverage,
    )
    return EarlierRun(job=f"j{number}", at_ms=number, figures=figures, is_overridden=overridden)


def runs(*rows):
    return [run(count, number) for number, count in enumerate(rows)]


def band(found, figure="rows.a"):
    (one,) = [each for each in found.bands if each.figure == figure]
    return one


def test_before_there_are_enough_runs_nothing_is_compared_and_that_is_said():
    found = bands_for(runs(100, 100, 100, 100), RULE, series="s", of=run(1).figures)
    assert (found.series, found.runs, found.bands, found.missed) == ("s", 4, (), [])
    assert found.sentence == "nothing is compared before 5 whole runs; there were 4 so far"


def test_a_band_is_four_robust_deviations_wide():
    """Median 100, absolute deviations 0 2 3 4 9: MAD 3, so 4 x 1.4826 x 3 = 17.8 to each side."""
    found = band(bands_for(runs(100, 98, 103, 104, 91), RULE, of=run(117).figures))
    assert (found.median, found.runs) == (100, 5)
    assert found.low == pytest.approx(100 - 17.7912)
    assert found.high == pytest.approx(100 + 17.7912)
    assert found.is_kept


@pytest.mark.parametrize(("rows", "kept"), [(81, False), (83, True), (117, True), (118, False), (0, False)])
def test_rows_are_held_in_both_directions(rows, kept):
    found = bands_for(runs(100, 98, 103, 104, 91), RULE, of=run(rows).figures)
    assert band(found).is_kept is kept
    assert bool(found.missed) is not kept


def test_runs_that_were_all_alike_leave_room_for_a_twentieth():
    found = band(bands_for(runs(*[320] * 8), RULE, of=run(305).figures))
    assert (found.low, found.high) == (304, 336)


def test_few_rows_may_be_off_by_one():
    found = band(bands_for(runs(*[3] * 8), RULE, of=run(2).figures))
    assert (found.low, found.high) == (2, 4)


def test_one_run_that_was_mad_moves_nothing():
    assert band(bands_for(runs(100, 101, 99, 100, 1_000_000), RULE)).high < 110


def test_errors_may_fall_and_coverage_may_rise_as_they_like():
    earlier = [run(100, number, rejected=10, errors=5, filled=90) for number in range(6)]
    good = bands_for(earlier, RULE, of=run(100, rejected=0, errors=0, filled=100).figures)
    assert good.missed == []
    bad = bands_for(earlier, RULE, of=run(100, rejected=30, errors=7, filled=80).figures)
    assert [each.split(";")[0] for each in bad.missed] == [
        "quality.bands: 23.0% of the rows were rejected",
        "quality.bands: 7.0% of the pages came to an error",
        "quality.bands: 80.0% coverage of a.price",
    ]
    assert (band(bad, "rejected").low, band(bad, "coverage.a.price").high) == (None, None)


def test_shares_may_always_be_off_by_a_percentage_point():
    earlier = [run(100, number, filled=100) for number in range(6)]
    assert bands_for(earlier, RULE, of=run(100, filled=99).figures).missed == []
    (said,) = bands_for(earlier, RULE, of=run(100, filled=98, errors=1).figures).missed
    assert said == (
        "quality.bands: 98.0% coverage of a.price; the last 6 whole runs had 100.0% (median), so at least 99.0% is"
        " expected"
    )


def test_the_sentence_about_rows_says_what_was_expected_and_why():
    (said,) = bands_for(runs(*[320] * 12), RULE, of=run(210).figures).missed
    assert said == ("quality.bands: 210 rows of a; the last 12 whole runs had 320 (median), so 304 to 336 is expected")


def test_only_the_newest_runs_count():
    found = bands_for(runs(*[10] * 30, *[500] * 20), BandsRule(window=20), of=run(500).figures)
    assert (found.runs, band(found).median) == (20, 500)


def test_what_a_person_has_published_is_inside_from_then_on():
    earlier = [*runs(*[100] * 9), run(200, 9, overridden=True)]
    found = bands_for(earlier, RULE, of=run(198).figures)
    assert found.missed == []
    assert (band(found).low, band(found).high, band(found).median) == (95, 205, 100)
    assert bands_for(earlier, RULE, of=run(206).figures).missed


def test_fewer_rows_that_a_person_has_published_are_inside_too():
    earlier = [*runs(*[100] * 9), run(40, 9, overridden=True, filled=50)]
    found = bands_for(earlier, RULE, of=run(37).figures)
    assert (band(found).low, band(found).high) == (35, 105)
    assert found.missed == []


def test_a_figure_that_is_new_has_no_band_before_there_are_enough_runs_with_it():
    earlier = [run(100, number, filled=50 if number > 3 else None) for number in range(8)]
    found = bands_for(earlier, RULE, of=run(100, filled=1).figures)
    assert {each.figure for each in found.bands} == {"rows.a", "rejected", "http_errors"}
    earlier += [run(100, 8, filled=50)]
    assert "coverage.a.price" in {each.figure for each in bands_for(earlier, RULE, of=run(100, filled=1).figures).bands}


def test_an_item_that_is_gone_is_compared_with_nothing():
    found = bands_for(runs(*[100] * 6), RULE, of=Figures(rows={"b": 5}))
    assert {each.figure for each in found.bands} == {"rejected", "http_errors"}


def test_bands_of_a_run_to_come_have_no_value_and_hold_all_figures():
    found = bands_for([run(100, number, filled=90) for number in range(6)], RULE)
    assert [each[::3] for each in lines_of(found)] == [
        ("rows.a", "-"), ("rejected", "-"), ("http_errors", "-"), ("coverage.a.price", "-"),
    ]  # fmt: skip
    assert found.missed == []


def test_bands_are_told_as_people_read_them():
    assert Band(figure="rows.a", runs=5, median=1000, low=950.4, high=1049.6).range == "950 to 1,050"
    assert Band(figure="rejected", runs=5, median=0, high=0.01).range == "at most 1.0%"
    assert Band(figure="coverage.a.b", runs=5, median=1, low=0.99).range == "at least 99.0%"


def test_normal_values_stay_inside_and_a_jump_does_not():
    """Of runs that vary by 3 %, one in thousands is called a failure; one that has lost a quarter of its rows is."""
    drawn = random.Random(1)
    calls = 0
    for _ in range(300):
        earlier = [run(round(drawn.gauss(1000, 30)), number) for number in range(20)]
        calls += bool(bands_for(earlier, RULE, of=run(round(drawn.gauss(1000, 30))).figures).missed)
        assert bands_for(earlier, RULE, of=run(750).figures).missed
    assert calls <= 5


@pytest.mark.parametrize("seed", range(20))
def test_a_band_holds_the_middle_of_what_it_was_learned_from(seed):
    drawn = random.Random(seed)
    rows = [drawn.randrange(1, 2000) for _ in range(drawn.randrange(5, 21))]
    found = band(bands_for(runs(*rows), RULE))
    assert found.low <= statistics.median(rows) <= found.high
    assert sum(found.low <= each <= found.high for each in rows) >= len(rows) / 2
