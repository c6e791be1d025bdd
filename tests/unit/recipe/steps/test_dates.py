"""Dates become ISO 8601, the same on every day."""

import pytest

from crawler.recipe.steps import StepError, StepFailed, build_step


def read(argument, value):
    return build_step("date", *argument).apply(value, base_url="")


BARE = ()


@pytest.mark.parametrize(
    ("argument", "text", "result"),
    [
        (BARE, "2024-03-05", "2024-03-05"),
        (BARE, "2024-03-05T14:30:00Z", "2024-03-05T14:30:00+00:00"),
        (BARE, "2024-03-05 14:30", "2024-03-05T14:30:00"),
        (BARE, "2024-03-05T14:30:00.123456789+0200", "2024-03-05T14:30:00.123456+02:00"),
        (BARE, "2024-03-05 14:30:00 +02:00", "2024-03-05T14:30:00+02:00"),
        (BARE, "5 March 2024", "2024-03-05"),
        (BARE, "Mar 5, 2024 2:30 PM", "2024-03-05T14:30:00"),
        (BARE, "13/03/2024", "2024-03-13"),
        (BARE, "2024-03-05 14:30:00,5", "2024-03-05T14:30:00.500000"),
        (({"languages": ["de"], "order": "MDY"},), "03/04/2024", "2024-03-04"),
        (({"formats": ["%d %b %y"]},), "05 Mar 24", "2024-03-05"),
        (BARE, "05/05/2024", "2024-05-05"),
        (({"order": "MDY"},), "03/04/2024", "2024-03-04"),
        (({"order": "DMY"},), "03/04/2024", "2024-04-03"),
        (({"languages": ["he"]},), "5 במרץ 2024", "2024-03-05"),
        (({"languages": "de"},), "5. März 2024", "2024-03-05"),
        (("%d/%m/%Y",), "05/03/2024", "2024-03-05"),
        (({"formats": ["%d.%m.%Y", "%d/%m/%y"]},), "5/3/24", "2024-03-05"),
        (
            ({"formats": ["%d/%m/%Y %H:%M"], "timezone": "Asia/Jerusalem"},),
            "05/07/2024 14:30",
            "2024-07-05T14:30:00+03:00",
        ),
        (
            ({"formats": ["%Y-%m-%dT%H:%M:%S%z"], "timezone": "Asia/Jerusalem"},),
            "2024-03-05T12:30:00Z",
            "2024-03-05T14:30:00+02:00",
        ),
        (({"formats": ["%d/%m/%Y"], "timezone": "Asia/Jerusalem"},), "05/03/2024", "2024-03-05"),
        (({"formats": ["unix"]},), 1709649000, "2024-03-05T14:30:00+00:00"),
        (({"formats": ["unix_ms"], "timezone": "Asia/Jerusalem", "as": "date"},), "1709676000000", "2024-03-06"),
        (({"as": "date"},), "2024-03-05T14:30:00Z", "2024-03-05"),
        (({"as": "datetime", "timezone": "UTC"},), "2024-03-05T14:30:00", "2024-03-05T14:30:00+00:00"),
        (({"formats": ["%j %Y"]},), "065 2024", "2024-03-05"),
    ],
)
def test_a_date_becomes_iso_8601(argument, text, result):
    assert read(argument, text) == result


@pytest.mark.parametrize(
    ("argument", "text", "message"),
    [
        (BARE, "03/04/2024", "say `order: DMY`"),
        (({"languages": ["de"]},), "03/04/2024", "can be 2024-04-03 or 2024-03-04; say `order: DMY`"),
        (BARE, "yesterday", "no date with day, month and year"),
        (BARE, "2 days ago", "no date with"),
        (BARE, "Monday", "no date with"),
        (BARE, "March 5", "no date with"),
        (BARE, "March 2024", "no date with"),
        (BARE, "14:30", "no date with"),
        (BARE, "2024", "no date with"),
        (BARE, "2024-02-30", "no date of the calendar"),
        (BARE, "soon", "no date with"),
        (BARE, "5 March 2024 " * 20, "too long"),
        (BARE, {"date": 1}, "got an object"),
        (({"languages": ["en"]},), "5 במרץ 2024", "no date with"),
        (("%d/%m/%Y",), "2024-03-05", "fits none of %d/%m/%Y"),
        (("%d/%m/%Y",), "30/02/2024", "fits none of"),
        (({"formats": ["unix"]},), "1e99", "fits none of"),
        (({"formats": ["unix"]},), "9" * 30, "fits none of"),
        (({"as": "datetime"},), "2024-03-05", "has no time of day"),
        (({"timezone": "Asia/Tokyo"},), "0001-01-01T00:00:00Z", None),
        (({"timezone": "America/New_York"},), "0001-01-01T00:00:00Z", "outside the calendar"),
    ],
)
def test_what_is_no_one_date_fails(argument, text, message):
    if message is None:
        assert read(argument, text).startswith("0001-01-01T")
        return
    with pytest.raises(StepFailed) as failure:
        read(argument, text)
    assert message in str(failure.value)


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        (5, "takes a map"),
        ({"format": "%d"}, "no option `format`"),
        ({"formats": []}, "must be a list of formats"),
        ({"formats": [5]}, "must be a list of formats"),
        ({"formats": ["DD/MM/YYYY"]}, "no directive"),
        ({"formats": ["%d/%m"]}, "no full date"),
        ({"formats": ["%H:%M"]}, "no full date"),
        ({"formats": ["%m/%Y"]}, "no full date"),
        ({"formats": ["%d/%Y"]}, "no full date"),
        ({"formats": ["%-d/%m/%Y"]}, "`%-` is not supported"),
        ({"formats": ["%d/%m/%Y %"]}, "`%` is not supported"),
        ({"formats": ["%d/%m/%Y %Z"]}, "`%Z` is not supported"),
        ({"formats": ["%d %d %m %Y"]}, "`%d` is there twice"),
        ({"formats": ["%d/%m/%Y"], "languages": ["he"]}, "does not go with `formats`"),
        ({"formats": ["%d/%m/%Y"], "order": "DMY"}, "does not go with `formats`"),
        ({"timezone": "Jerusalem"}, "timezone 'Jerusalem' is not known"),
        ({"timezone": 2}, "timezone 2 is not known"),
        ({"languages": ["xx"]}, "`languages`"),
        ({"languages": []}, "must be a list of language codes"),
        ({"order": "dmy"}, "must be one of"),
        ({"as": "time"}, "must be one of"),
    ],
)
def test_a_wrong_argument_is_refused(argument, message):
    with pytest.raises(StepError) as error:
        build_step("date", argument)
    assert message in error.value.args[0]


def test_a_directive_of_other_languages_gets_a_hint():
    with pytest.raises(StepError) as error:
        build_step("date", "%-d/%m/%Y")
    assert "with and without leading zero" in error.value.hint
    with pytest.raises(StepError) as error:
        build_step("date", "%d/%m/%Y %Z")
    assert error.value.hint is None
