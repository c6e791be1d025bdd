from __future__ import annotations

import subprocess
import sys

import pytest

from crawler.recipe.steps.written_dates import LANGUAGES, WrittenDates


def test_a_date_that_can_be_read_both_ways_has_two_readings_and_one_that_cannot_has_one():
    dates = WrittenDates(["en"], ("DMY", "MDY"))
    assert [f"{one.at:%Y-%m-%d}" for one in dates.readings("03/04/2024")] == ["2024-04-03", "2024-03-04"]
    assert [f"{one.at:%Y-%m-%d}" for one in dates.readings("4 March 2024")] == ["2024-03-04"]
    assert dates.readings("nothing of the kind") == []


def test_a_reading_tells_whether_the_text_named_a_time_of_day():
    dates = WrittenDates(["en"], ("DMY",))
    assert [one.has_time for one in dates.readings("4 March 2024 14:30")] == [True]
    assert [one.has_time for one in dates.readings("4 March 2024")] == [False]


def test_relative_dates_come_as_english_words_of_the_languages_that_have_them():
    assert WrittenDates(["de"], ("DMY",)).in_english("vor 3 Tagen") == ["3 day ago"]
    assert WrittenDates(["en"], ("DMY",)).in_english("vor 3 Tagen") == []


def test_languages_are_codes_without_countries():
    assert {"en", "he", "de"} <= LANGUAGES
    assert "en-GB" not in LANGUAGES


@pytest.mark.parametrize(
    ("argument", "loaded"), [('{"formats": ["%d/%m/%Y"]}', False), ("MISSING", True)], ids=["formats", "written dates"]
)
def test_dateparser_is_loaded_for_written_dates_only(argument, loaded):
    code = (
        "import sys\nfrom crawler.recipe.values import MISSING\nfrom crawler.recipe.steps.registry import build_step\n"
        f"build_step('date', {argument})\nprint('dateparser' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(loaded)
