"""Numbers, prices and dates as they are written in different places; the dates were written and read by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from crawler.recipe.steps import StepError, StepFailed, build_step

#: A Thursday noon in Jerusalem, which is when the answer came.
NOW = datetime(2024, 3, 7, 10, 0, 0, tzinfo=UTC)
LINES = (Path(__file__).parent / "dates_by_locale.tsv").read_text(encoding="utf-8").splitlines()
DATES = [tuple(line.split("\t")) for line in LINES]


@pytest.mark.parametrize(("locale", "text", "expected"), DATES)
def test_a_date_is_read_as_people_there_read_it(locale, text, expected):
    step = build_step("date", {"locale": locale, "relative": True, "timezone": "Asia/Jerusalem"})
    try:
        found = step.apply(text, base_url="", now=NOW)
    except StepFailed:
        found = "fails"
    assert found == expected


def test_there_are_three_hundred_dates_of_eight_locales():
    assert len(DATES) == len({(locale, text) for locale, text, _ in DATES}) >= 300
    assert {locale for locale, _, _ in DATES} == {"he", "de", "fr", "en-US", "en-GB", "es", "it", "ru"}


@pytest.mark.parametrize(
    ("locale", "text", "amount"),
    [
        ("de", "1.234,50 €", "1234.50"),
        ("de", "1.234 €", "1234"),
        ("de", "1,234", "1.234"),
        ("de", "ab 99,90 EUR", "99.90"),
        ("de-CH", "CHF 1'234.50", "1234.50"),
        ("de-CH", "CHF 1.234", "1.234"),
        ("fr", "1\N{NARROW NO-BREAK SPACE}234,50 €", "1234.50"),
        ("fr-CA", "1\N{NO-BREAK SPACE}234,50 $", "1234.50"),
        ("en-US", "$1,234.50", "1234.50"),
        ("en-US", "$1.234", "1.234"),
        ("en", "£1,234", "1234"),
        ("he", "\u200f1,234.50 ₪", "1234.50"),
        ("he", "₪1.5", "1.5"),
        ("es", "1.234,50 €", "1234.50"),
        ("es-MX", "$1,234.50", "1234.50"),
        ("it", "€ 1.234,50", "1234.50"),
        ("ru", "1 234,50 ₽", "1234.50"),
        ("pl", "1234,50 zł", "1234.50"),
    ],
)
def test_a_price_is_read_with_the_separators_of_its_locale(locale, text, amount):
    assert build_step("price", {"locale": locale}).apply(text, base_url="") == Decimal(amount)


@pytest.mark.parametrize(
    ("locale", "text"), [("de", "1,234.50"), ("en-US", "1.234,50"), ("he", "99,9"), ("de-CH", "99,90"), ("fr", "1.5")]
)
def test_a_price_in_the_notation_of_another_place_is_refused(locale, text):
    with pytest.raises(StepFailed, match="not written like an amount"):
        build_step("price", {"locale": locale}).apply(text, base_url="")


def test_numbers_have_the_separators_of_their_locale_too():
    assert build_step("number", {"locale": "de"}).apply("1.234,50", base_url="") == Decimal("1234.50")
    assert build_step("integer", {"locale": "fr"}).apply("1 234", base_url="") == 1234
    with pytest.raises(StepFailed):
        build_step("number", {"locale": "he"}).apply("1,5", base_url="")


@pytest.mark.parametrize(
    ("step", "argument", "message"),
    [
        ("price", {"locale": "xx"}, "locale 'xx' is not known"),
        ("price", {"locale": "de_DE"}, "locale 'de_DE' is not known"),
        ("price", {"locale": "de-de"}, "locale 'de-de' is not known"),
        ("price", {"locale": ["de"]}, "locale a list of 1 is not known"),
        ("price", {"locale": None}, "is not known"),
        ("price", {"locale": "de", "decimal": ","}, "`locale` says the decimal separator already"),
        ("number", {"locale": "de", "decimal": ","}, "`locale` says the decimal separator already"),
        ("date", {"locale": "de", "order": "DMY"}, "`locale` says what `order` says"),
        ("date", {"locale": "de", "languages": ["de"]}, "`locale` says what `languages` says"),
        ("date", {"locale": "de", "formats": ["%d.%m.%Y"]}, "`locale` does not go with `formats`"),
        ("date", {"relative": True, "formats": ["%d.%m.%Y"]}, "`relative` does not go with `formats`"),
        ("date", {"relative": "yes"}, "must be true or false"),
    ],
)
def test_a_wrong_locale_is_refused(step, argument, message):
    with pytest.raises(StepError, match=message):
        build_step(step, argument)


def test_english_without_a_country_does_not_say_which_number_is_the_month():
    with pytest.raises(StepFailed, match="can be 2024-04-03 or 2024-03-04"):
        build_step("date", {"locale": "en"}).apply("03/04/2024", base_url="")


# --- relative dates --------------------------------------------------------------------------------------------------


def relative(text, *, now=NOW, **options):
    return build_step("date", {"relative": True, **options}).apply(text, base_url="", now=now)


@pytest.mark.parametrize(
    ("zone", "day"), [("Pacific/Kiritimati", "2024-03-06"), ("Pacific/Honolulu", "2024-03-05"), ("UTC", "2024-03-05")]
)
def test_days_are_counted_in_the_zone_of_the_recipe(zone, day):
    assert relative("yesterday", now=datetime(2024, 3, 6, 10, 30, tzinfo=UTC), timezone=zone) == day


def test_the_same_answer_gives_the_same_date_on_any_day():
    assert [relative("3 days ago", now=datetime(2020, 3, 2, tzinfo=UTC)) for _ in range(2)] == ["2020-02-28"] * 2


@pytest.mark.parametrize(
    ("text", "now", "day"),
    [
        ("1 month ago", datetime(2024, 3, 31, tzinfo=UTC), "2024-02-29"),
        ("1 year ago", datetime(2024, 2, 29, tzinfo=UTC), "2023-02-28"),
        ("13 months ago", datetime(2024, 1, 15, tzinfo=UTC), "2022-12-15"),
    ],
)
def test_months_and_years_are_those_of_the_calendar(text, now, day):
    assert relative(text, now=now) == day


@pytest.mark.parametrize("text", ["yesterday", "2 hours ago", "today"])
def test_without_the_time_of_the_answer_a_relative_date_fails_and_says_so(text):
    with pytest.raises(StepFailed, match="it is not known here when the answer came"):
        relative(text, now=None)


def test_a_whole_date_needs_no_time_of_an_answer():
    assert relative("5 March 2024", now=None) == "2024-03-05"


@pytest.mark.parametrize("text", ["9999 years ago", "in 9999 years"])
def test_a_relative_date_outside_the_calendar_fails(text):
    with pytest.raises(StepFailed, match="outside the calendar"):
        relative(text)


@pytest.mark.parametrize(
    "text", ["years ago", "3 days", "an hour ago 14:30", "yesterday 25:00", "yesterday 13:30 pm", "x"]
)
def test_what_says_no_one_day_fails(text):
    with pytest.raises(StepFailed):
        relative(text)


def test_without_the_option_relative_dates_stay_failures():
    with pytest.raises(StepFailed, match="no date with day, month and year"):
        build_step("date", {"locale": "de"}).apply("gestern", base_url="", now=NOW)
