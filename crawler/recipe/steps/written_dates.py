"""What the `date` step takes from dateparser: its tables of languages, and its parser of whole dates.

dateparser is large, and most recipes read no dates or give their formats: `dates` loads this module for the others
only.
"""

from __future__ import annotations

import itertools
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from dateparser.conf import settings as _dateparser_settings
from dateparser.data.languages_info import language_order
from dateparser.date import DateDataParser
from dateparser.languages.loader import default_loader

from crawler.recipe.steps.locales import plain_date
from crawler.recipe.steps.relative_dates import Moment

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Codes of the languages in which dates can be read.
LANGUAGES: Final = frozenset(language_order)

_BLANKS: Final = re.compile(r"\s+")

#: What dateparser takes for today; with all parts required it never shows.
_NO_DAY: Final = datetime(2000, 1, 1)  # noqa: DTZ001 - dateparser compares it with dates that have no zone


class WrittenDates:
    """Reads dates as people write them, in some languages."""

    def __init__(self, languages: Sequence[str], orders: Sequence[str]) -> None:
        """`languages`: their codes; `orders`: DMY, MDY, YMD, what `03/04` may mean."""
        settings: dict[str, Any] = {
            "PARSERS": ["absolute-time"],
            "REQUIRE_PARTS": ["day", "month", "year"],
            "RETURN_TIME_AS_PERIOD": True,
            "PREFER_LOCALE_DATE_ORDER": False,
            "TIMEZONE": "UTC",
            "RELATIVE_BASE": _NO_DAY,
        }
        self._languages = tuple(languages)
        self._parsers = tuple(
            DateDataParser(languages=list(languages), settings={**settings, "DATE_ORDER": order}) for order in orders
        )

    def readings(self, text: str) -> list[Moment]:
        """What a text can mean, each meaning once: every parser reads it in its own order. `text` is `plain_text`."""
        found: dict[datetime, Moment] = {}
        written = dict.fromkeys(plain_date(text, language) for language in self._languages)
        for parser, one in itertools.product(self._parsers, written):
            data = _parsed(parser, one)
            if data is not None:
                found.setdefault(data.at, data)
        return list(found.values())

    def in_english(self, text: str) -> list[str]:
        """The few English words of a relative date, in each language that has such words. `text` is `plain_text`."""
        words = (_english(plain_date(text, language), language) for language in self._languages)
        return [one for one in words if one is not None]


def _parsed(parser: DateDataParser, text: str) -> Moment | None:
    try:
        data = parser.get_date_data(text)
    except (ValueError, OverflowError, TypeError, AttributeError, IndexError, KeyError):
        # What dateparser raises on noise is not documented and has changed; noise is no date.
        return None
    at = data.date_obj
    return None if at is None else Moment(at=at, has_time=data.period == "time")


def _english(text: str, language: str) -> str | None:
    locale: Any = default_loader.get_locale(language)
    if not locale.is_applicable(text, strip_timezone=False, settings=_dateparser_settings):
        return None
    translated: str = locale.translate(text, keep_formatting=False, settings=_dateparser_settings)
    return _BLANKS.sub(" ", translated).strip()
