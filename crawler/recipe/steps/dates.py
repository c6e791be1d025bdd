"""The `date` step: text to ISO 8601, the same today and in a year.

A date without a year is a failure. So is a relative one ("yesterday"), unless the recipe asks for it: then it is told
from the day of the answer. Which of `03/04` is the month is never guessed: without `order`, or a `locale` that says it,
a date that can be read both ways is a failure.
"""

from __future__ import annotations

import functools
import re
import zoneinfo
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Literal

from crawler.recipe.diagnostics import did_you_mean
from crawler.recipe.scalars import NotScalar, describe, number_of
from crawler.recipe.steps.characters import plain_text
from crawler.recipe.steps.definition import (
    Run,
    StepDefinition,
    StepError,
    StepFailed,
    StepInfo,
    choice,
    flag,
    needed_text,
    options_argument,
)
from crawler.recipe.steps.locales import locale_option
from crawler.recipe.steps.relative_dates import Moment, relative_moment
from crawler.recipe.values import MISSING, Value

if TYPE_CHECKING:
    from crawler.recipe.steps.written_dates import WrittenDates

#: Characters; a longer text holds more than a date, and the free parser is slow on it.
MAX_DATE_LENGTH: Final = 100

_OPTIONS: Final = {
    "formats": "strptime formats, tried in order, or `unix` and `unix_ms`; without them ISO 8601 and written dates",
    "languages": "languages of written dates, e.g. [he, en]; default en. Not together with `formats`",
    "order": "DMY, MDY or YMD, for written dates like 03/04/2024",
    "locale": "instead of `languages` and `order`: a language, or one with a country, such as de, he, en-US, en-GB",
    "relative": "true: also `yesterday` and `3 days ago`, told from the day of the answer",
    "timezone": "the zone of times that name none, e.g. Asia/Jerusalem; times that do are converted to it",
    "as": "date or datetime; without it a datetime exactly where the text has a time of day",
}
_DIRECTIVE = re.compile(r"%(.?)", re.DOTALL)
_DIRECTIVES: Final = frozenset("YymbBdjHIpMSfzAa%")
_TIME_DIRECTIVES: Final = frozenset("HIMS")
_ISO = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?\s?(?:Z|[+-]\d{2}:?\d{2}|[+-]\d{2})?)?", re.ASCII
)
#: Stands for the time of an answer to see whether a text needs one.
_NO_ANSWER: Final = datetime(2000, 1, 1, tzinfo=UTC)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_UNIX: Final = {"unix": 1, "unix_ms": 1000}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Date:
    formats: tuple[str, ...]
    written: WrittenDates | None  # None: only `formats` are read
    relative: bool
    timezone: zoneinfo.ZoneInfo | None
    shape: Literal["date", "datetime"] | None

    def __call__(self, value: Value, base_url: str) -> Value:
        return self.at(value, base_url, None)

    def at(self, value: Value, _base_url: str, now: datetime | None) -> Value:
        text = needed_text(value).strip()
        if len(text) > MAX_DATE_LENGTH:
            raise StepFailed(f"{describe(text)} is too long for a date")
        if self.written is None:
            return self._iso(_from_formats(text, self.formats), text)
        moment = self._relative(text, self.written, now) if self.relative else None
        return self._iso(moment or _free(text, self.written), text)

    def _relative(self, text: str, written: WrittenDates, now: datetime | None) -> Moment | None:
        try:
            day = (now or _NO_ANSWER).astimezone(self.timezone or UTC)
            found = [relative_moment(words, day) for words in written.in_english(plain_text(text))]
        except (OverflowError, ValueError):
            raise StepFailed(f"{describe(text)} is outside the calendar") from None
        moment = next((one for one in found if one is not None), None)
        if moment is not None and now is None:
            raise StepFailed(f"{describe(text)} is told from a day, and it is not known here when the answer came")
        return moment

    def _iso(self, moment: Moment, text: str) -> str:
        at = moment.at
        if moment.has_time and self.timezone is not None:
            try:
                at = at.replace(tzinfo=self.timezone) if at.tzinfo is None else at.astimezone(self.timezone)
            except (OverflowError, ValueError):
                raise StepFailed(f"{describe(text)} is outside the calendar") from None
        if self.shape == "date" or (self.shape is None and not moment.has_time):
            return at.date().isoformat()
        if not moment.has_time:
            raise StepFailed(f"{describe(text)} has no time of day, and the recipe asks for one")
        return at.isoformat()


def _from_formats(text: str, formats: tuple[str, ...]) -> Moment:
    for written in formats:
        if written in _UNIX:
            moment = _unix(text, _UNIX[written])
            if moment is not None:
                return moment
            continue
        try:
            at = datetime.strptime(text, written)  # noqa: DTZ007 - a zone comes from the format or the option
        except ValueError:
            continue
        return Moment(at=at, has_time=not _TIME_DIRECTIVES.isdisjoint(_DIRECTIVE.findall(written)))
    raise StepFailed(f"{describe(text)} fits none of {', '.join(formats)}")


def _unix(text: str, per_second: int) -> Moment | None:
    try:
        seconds = number_of(text) / per_second
        return Moment(at=_EPOCH + timedelta(microseconds=int(seconds * Decimal(10**6))), has_time=True)
    except (NotScalar, OverflowError):
        return None


def _free(text: str, dates: WrittenDates) -> Moment:
    """A written date. All that it can mean must agree."""
    text = plain_text(text)
    if _ISO.fullmatch(text):
        try:
            return Moment(at=datetime.fromisoformat(_iso_for_python(text)), has_time=len(text) > 10)
        except ValueError:
            raise StepFailed(f"{describe(text)} is no date of the calendar") from None
    readings = dates.readings(text)
    if not readings:
        raise StepFailed(f"{describe(text)} is no date with day, month and year")
    if len(readings) > 1:
        first, second = readings[0].at, readings[1].at
        raise StepFailed(
            f"{describe(text)} can be {first:%Y-%m-%d} or {second:%Y-%m-%d}; say `order: DMY`, or give `formats`"
        )
    return readings[0]


def _iso_for_python(text: str) -> str:
    """Nanoseconds cut to microseconds, and no blank before the offset: what `fromisoformat` reads."""
    compact = text[:10] + text[10:].replace(",", ".").replace(" ", "T", 1).replace(" ", "")
    return re.sub(r"(\.\d{6})\d+", r"\1", compact)


# --- building ---------------------------------------------------------------------------------------------------------


def _build_date(argument: Any) -> Run:
    options = {} if argument is MISSING else argument
    if isinstance(options, str):
        options = {"formats": [options]}
    if not isinstance(options, dict):
        raise StepError(f"takes a map of options, got {describe(options)}", 'write `date: {formats: ["%d/%m/%Y"]}`')
    options = options_argument(options, _OPTIONS)
    formats = _formats(options.get("formats", []), written="formats" in options)
    if formats:
        extra = next((name for name in ("languages", "order", "locale", "relative") if name in options), None)
        if extra:
            raise StepError(f"`{extra}` does not go with `formats`", f"leave out `{extra}`, or `formats`")
    locale = locale_option(options)
    if locale is not None:
        extra = next((name for name in ("languages", "order") if name in options), None)
        if extra:
            raise StepError(f"`locale` says what `{extra}` says", f"leave out `{extra}`, or `locale`")
        options |= {"languages": [locale.language], **({"order": locale.order} if locale.order else {})}
    shape = choice(options, "as", ("date", "datetime"), None)
    return _Date(
        formats=formats,
        written=None if formats else _written_dates(options),
        relative=flag(options, "relative", default=False),
        timezone=_timezone(options.get("timezone")),
        shape=None if shape is None else "date" if shape == "date" else "datetime",
    )


def _formats(value: Any, *, written: bool) -> tuple[str, ...]:
    formats = [value] if isinstance(value, str) else value
    if not isinstance(formats, list) or not all(isinstance(one, str) for one in formats) or (written and not formats):
        raise StepError("`formats` must be a list of formats", 'write `date: {formats: ["%d/%m/%Y"]}`')
    for one in formats:
        if one not in _UNIX:
            _check_format(one)
    return tuple(formats)


def _check_format(written: str) -> None:
    directives = _DIRECTIVE.findall(written)
    if not directives:
        raise StepError(f"format {written!r} has no directive", "write like %d/%m/%Y, or `unix`")
    for one in directives:
        if one not in _DIRECTIVES or not one:
            hint = "%d, %m and %H read numbers with and without leading zero" if one == "-" else None
            raise StepError(f"format {written!r}: `%{one}` is not supported", hint)
        if one != "%" and directives.count(one) > 1:
            raise StepError(f"format {written!r}: `%{one}` is there twice")
    named = set(directives)
    if named.isdisjoint("Yy") or not ("j" in named or ("d" in named and not named.isdisjoint("mbB"))):
        raise StepError(f"format {written!r} names no full date", "it needs a year, a month and a day")


@functools.cache
def _timezones() -> frozenset[str]:
    """Names of all time zones; finding them walks the whole tz database."""
    return frozenset(zoneinfo.available_timezones())


def _timezone(name: Any) -> zoneinfo.ZoneInfo | None:
    if name is None:
        return None
    known = _timezones()
    if not isinstance(name, str) or name not in known:
        raise StepError(f"timezone {describe(name)} is not known", did_you_mean(str(name), known))
    return zoneinfo.ZoneInfo(name)


def _written_dates(options: dict[str, Any]) -> WrittenDates:
    from crawler.recipe.steps.written_dates import (  # noqa: PLC0415 - dateparser is large, and few recipes need it
        LANGUAGES,
        WrittenDates,
    )

    languages = options.get("languages", ["en"])
    if isinstance(languages, str):
        languages = [languages]
    if not isinstance(languages, list) or not languages or not all(isinstance(one, str) for one in languages):
        raise StepError("`languages` must be a list of language codes", "write `languages: [en]`")
    for one in languages:
        if one not in LANGUAGES:
            raise StepError(f"`languages`: there is no language {one!r}", "write codes without country, e.g. [he, en]")
    order = choice(options, "order", ("DMY", "MDY", "YMD"), None)
    return WrittenDates(languages, ("DMY", "MDY") if order is None else (order,))


STEPS: Final = (
    StepDefinition(
        info=StepInfo(
            name="date",
            summary="Reads a date and writes it as ISO 8601. Never depends on the day on which the recipe runs.",
            argument="nothing, a format, or a map",
            options=_OPTIONS,
            example=(
                {"formats": ["%d/%m/%Y %H:%M"], "timezone": "Asia/Jerusalem"},
                "05/03/2024 14:30",
                "2024-03-05T14:30:00+02:00",
            ),
        ),
        build=_build_date,
    ),
)
