"""How numbers and dates are written where: the `locale` of the steps `number`, `integer`, `price` and `date`.

A locale is a language (`de`) or one with a country (`de-CH`). Decimal separators and the order of numeric dates are
those of CLDR 44. Where a language alone does not say the order (`en`: 03/04 is March in the US and April elsewhere), it
is unknown, and stays a failure.
"""
# ruff: noqa: RUF001 - Hebrew letters are meant

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from crawler.recipe.diagnostics import did_you_mean
from crawler.recipe.scalars import describe
from crawler.recipe.steps.definition import StepError


@dataclass(frozen=True, kw_only=True, slots=True)
class Locale:
    """One locale. `order` is that of numeric dates: DMY, MDY or YMD; None where the language alone does not say."""

    language: str
    decimal: str
    order: str | None


_COMMA: Final = (
    *("az", "be", "bg", "bs", "ca", "cs", "da", "de", "el", "es", "et", "eu", "fi", "fo", "fr", "gl"),
    *("hr", "hu", "hy", "id", "is", "it", "ka", "kk", "ky", "lt", "lv", "mk", "nb", "nl", "nn", "no"),
    *("pl", "pt", "ro", "ru", "sk", "sl", "sq", "sr", "sv", "tr", "uk", "uz", "vi"),
)
_POINT: Final = (
    *("ar", "bn", "en", "fa", "fil", "ga", "gu", "he", "hi", "ja", "kn", "ko", "ml", "mr", "ms", "mt"),
    *("pa", "sw", "ta", "te", "th", "tl", "ur", "zh"),
)
_YEAR_FIRST: Final = frozenset(("eu", "hu", "ja", "ko", "lt", "sv", "zh"))

#: Countries that write otherwise than their language mostly does: decimal separator and order.
_COUNTRIES: Final[dict[str, tuple[str, str | None]]] = {
    "ar-DZ": (",", "DMY"),
    "ar-MA": (",", "DMY"),
    "ar-TN": (",", "DMY"),
    "de-CH": (".", "DMY"),
    "de-LI": (".", "DMY"),
    "en-AU": (".", "DMY"),
    "en-GB": (".", "DMY"),
    "en-IE": (".", "DMY"),
    "en-IL": (".", "DMY"),
    "en-IN": (".", "DMY"),
    "en-NZ": (".", "DMY"),
    "en-SG": (".", "DMY"),
    "en-US": (".", "MDY"),
    "es-CR": (",", "DMY"),
    "es-DO": (".", "DMY"),
    "es-GT": (".", "DMY"),
    "es-HN": (".", "DMY"),
    "es-MX": (".", "DMY"),
    "es-NI": (".", "DMY"),
    "es-PA": (".", "MDY"),
    "es-PE": (".", "DMY"),
    "es-PR": (".", "MDY"),
    "es-SV": (".", "DMY"),
    "es-US": (".", "DMY"),
    "fr-CA": (",", "YMD"),
    "it-CH": (".", "DMY"),
}
_COUNTRY: Final = re.compile(r"[A-Z]{2}")


def locale_option(options: dict[str, Any]) -> Locale | None:
    """The option `locale` of a step; None where it is not written.

    Raises:
        StepError: it is none that is known.
    """
    name = options.get("locale")
    if "locale" not in options:
        return None
    language, _, country = name.partition("-") if isinstance(name, str) else ("", "", "")
    known = (*_COMMA, *_POINT)
    if not isinstance(name, str) or language not in known or (country and not _COUNTRY.fullmatch(country)):
        written = name.replace("_", "-") if isinstance(name, str) else ""
        near = did_you_mean(written, (*known, *_COUNTRIES)) or "write a language, or one with a country: de, de-CH"
        raise StepError(f"locale {describe(name)} is not known", near)
    decimal, order = _COUNTRIES.get(name, (None, None))
    if decimal is not None:
        return Locale(language=language, decimal=decimal, order=order)
    usual = None if language == "en" else "YMD" if language in _YEAR_FIRST else "DMY"
    return Locale(language=language, decimal="," if language in _COMMA else ".", order=usual)


# --- dates as people write them --------------------------------------------------------------------------------------

#: What stands around dates and says nothing: `am 5. März`, `el 5 de marzo`. Only at the very beginning.
_BEFORE: Final = {
    "de": re.compile(r"(?:am|vom|den|der)\s+", re.IGNORECASE),
    "en": re.compile(r"on\s+", re.IGNORECASE),
    "es": re.compile(r"el\s+", re.IGNORECASE),
    "fr": re.compile(r"(?:le|du)\s+", re.IGNORECASE),
    "it": re.compile(r"(?:il|del)\s+", re.IGNORECASE),
    "nl": re.compile(r"op\s+", re.IGNORECASE),
    "pt": re.compile(r"(?:em|no dia)\s+", re.IGNORECASE),
}
_CLOCK: Final = r"([01]?[0-9]|2[0-3])"
#: Times with a point or a word, as `14:30`.
_TIMES: Final = (
    (re.compile(rf"\b{_CLOCK}\.([0-5][0-9])(?=\s*Uhr\b)", re.IGNORECASE), r"\1:\2"),
    (re.compile(rf"\b(ore|alle|klo|kl\.?)\s+{_CLOCK}\.([0-5][0-9])\b", re.IGNORECASE), r"\1 \2:\3"),
    (re.compile(rf"\b{_CLOCK}\s?h\s?([0-5][0-9])\b", re.IGNORECASE), r"\1:\2"),
    (re.compile(rf"(?<=[à,])\s+{_CLOCK}\s?h\b", re.IGNORECASE), r" \1:00"),
)
_ORDINAL: Final = re.compile(r"\b([0-9]{1,2})\s?[º°]")
_COMMON: Final = (("\N{HEBREW PUNCTUATION GERESH}", "'"), ("\N{HEBREW PUNCTUATION GERSHAYIM}", '"'))

#: What dateparser does not know of a language, in its own words.
_WORDS: Final = {
    "de": (
        (re.compile(r",\s*den\b"), ","),
        (re.compile(r"\bgerade eben\b", re.IGNORECASE), "jetzt"),
    ),
    "he": (
        (re.compile(r"\b([בל]?)פבר'?(?!ו)"), r"\1פברואר"),
        (re.compile(r"\b([בל]?)ינו'?(?!א)"), r"\1ינואר"),
        (re.compile(r"\b([בל]?)אפר'?(?!י)"), r"\1אפריל"),
        (re.compile(r"\b([בל]?)אוג'?(?!ו)"), r"\1אוגוסט"),
        (re.compile(r"\b([בל]?)ספט'?(?!מ)"), r"\1ספטמבר"),
        (re.compile(r"\b([בל]?)אוק'?(?!ט)"), r"\1אוקטובר"),
        (re.compile(r"\b([בל]?)אוקט'?(?!ו)"), r"\1אוקטובר"),
        (re.compile(r"\b([בל]?)נוב'?(?!מ)"), r"\1נובמבר"),
        (re.compile(r"\b([בל]?)דצמ'?(?!ב)"), r"\1דצמבר"),
        (re.compile(r"\bשלשום\b"), "לפני 2 ימים"),
        *(
            (re.compile(rf"\bלפני {one}$"), f"לפני 1 {many}")
            for one, many in (("דקה", "דקות"), ("שעה", "שעות"), ("יום", "ימים"), ("שבוע", "שבועות"))
        ),
        *((re.compile(rf"\bלפני {one}$"), f"לפני 1 {many}") for one, many in (("חודש", "חודשים"), ("שנה", "שנים"))),
    ),
    "it": (
        (re.compile(r"\bl'altro ieri\b", re.IGNORECASE), "2 giorni fa"),
        (re.compile(r"\bun\s+(?=(?:mese|anno|giorno|minuto)\b)", re.IGNORECASE), "1 "),
    ),
}


def plain_date(text: str, language: str) -> str:
    """A written date without what stands around it, its time with a colon. `text` is `plain_text` already."""
    for sign, plain in _COMMON:
        text = text.replace(sign, plain)
    text = " ".join(text.split())
    before = _BEFORE.get(language)
    found = before.match(text) if before is not None else None
    text = text[found.end() :] if found is not None else text
    for pattern, plain in (*_TIMES, *_WORDS.get(language, ())):
        text = pattern.sub(plain, text)
    return _ORDINAL.sub(r"\1", text)
