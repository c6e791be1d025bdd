"""Steps that read numbers and prices out of text, exactly as the page writes them.

A number step reads a text that is one number; `price` looks for the one amount in a text with words and currencies.
Neither guesses: two possible readings are a failure, which the rule's next alternative or the recipe's author resolves.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from crawler.recipe.scalars import MAX_DIGITS, NotScalar, describe, integer_of, number_of
from crawler.recipe.steps.characters import plain_text
from crawler.recipe.steps.definition import (
    Run,
    StepDefinition,
    StepError,
    StepFailed,
    StepInfo,
    choice,
    needed_text,
    options_argument,
)
from crawler.recipe.steps.locales import locale_option
from crawler.recipe.values import MISSING, Value

if TYPE_CHECKING:
    from collections.abc import Callable

# --- numbers with separators ------------------------------------------------------------------------------------------

_GROUPED = re.compile(r"[1-9][0-9]{0,2}(?P<group>[.,' ])(?:[0-9]{3}(?P=group))*[0-9]{3}(?:(?P<point>[.,])[0-9]+)?")
_INDIAN = re.compile(r"[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}(?:\.[0-9]+)?")
#: Digits, and a point that cannot group them.
_PLAIN = re.compile(r"[0-9]{1,30}(?:\.(?:[0-9]{1,2}|[0-9]{4,30}))?")
_UNGROUPED = re.compile(r"[0-9]*(?:(?P<point>[.,])[0-9]+)?")


def _decimal_point(number: str, decimal: str | None) -> str | None:
    """The character before the fraction, or any that could stand there if there is none; None if it is no number.

    `decimal` is what the recipe says it is. Without that, one separator before exactly three digits groups them.
    """
    if decimal != "," and _INDIAN.fullmatch(number):
        return "."
    grouped = _GROUPED.fullmatch(number)
    if grouped:
        group, point = grouped["group"], grouped["point"]
        if point is None and group != decimal:
            return "," if group == "." else "."
        if point is not None and point != group and decimal in (None, point):
            return str(point)
    ungrouped = _UNGROUPED.fullmatch(number)
    if not number or ungrouped is None or (decimal is not None and ungrouped["point"] not in (None, decimal)):
        return None
    return ungrouped["point"] or "."


# --- number, integer --------------------------------------------------------------------------------------------------

_LOCALE: Final = "a language, or one with a country, whose decimal separator it is: de, he, en-US, de-CH"
_NUMBER_OPTIONS: Final = {
    "decimal": "the decimal separator, `.` (the default) or `,`; the other one groups digits",
    "locale": _LOCALE,
}
_GROUP_MARKS: Final = {
    point: str.maketrans({mark: None for mark in ".,' " if mark != point} | {point: "."}) for point in ".,"
}


def _read_number(text: str, decimal: str) -> Decimal:
    plain = plain_text(text).strip()
    sign = plain[:1] if plain[:1] in ("-", "+") else ""
    number = plain.removeprefix(sign).lstrip()
    point = _decimal_point(number, decimal) if len(number) <= MAX_DIGITS else None
    if point is None:
        raise StepFailed(f"{describe(text)} is not a number")
    return Decimal(sign + number.translate(_GROUP_MARKS[point]))


def _number(value: Value, decimal: str) -> Decimal:
    if isinstance(value, str):
        return _read_number(value, decimal)
    try:
        return number_of(value)
    except NotScalar as error:
        raise StepFailed(f"needs a number, got {error}") from None


def _decimal_option(argument: Any) -> str:
    if argument is MISSING:
        return "."
    if not isinstance(argument, dict):
        raise StepError(f"takes a map of options, got {describe(argument)}", 'write `{decimal: ","}`')
    return _decimal(options_argument(argument, _NUMBER_OPTIONS)) or "."


def _decimal(options: dict[str, Any]) -> str | None:
    """The decimal separator that `decimal` or `locale` says; None where neither does."""
    locale = locale_option(options)
    if locale is not None and "decimal" in options:
        raise StepError("`locale` says the decimal separator already", "leave out `decimal`, or `locale`")
    return choice(options, "decimal", (".", ","), None) if locale is None else locale.decimal


def _build_number(argument: Any) -> Run:
    decimal = _decimal_option(argument)
    return lambda value, _base_url: _number(value, decimal)


def _build_integer(argument: Any) -> Run:
    decimal = _decimal_option(argument)

    def run(value: Value, _base_url: str) -> Value:
        number = _number(value, decimal)
        try:
            return integer_of(number)
        except NotScalar:
            raise StepFailed(f"{describe(value)} is not a whole number") from None

    return run


# --- price ------------------------------------------------------------------------------------------------------------

#: A run of digits with what may separate them inside one amount. A blank does so only before three digits.
_AMOUNT = re.compile(
    r"""
    (?P<number> (?<![0-9.,]) [1-9][0-9]{0,2} (?: [ ][0-9]{3} )+ (?![0-9]) (?: [.,][0-9]+ )?
              | [0-9]+ (?: [.,'][0-9]+ )*
              | (?<!\w) [.,][0-9]+ )   # $.99, but the point of Rs.500 is the word's
    (?: € (?P<cents> [0-9]{2} ) (?![0-9]) )?   # 35€99
    (?P<percent> [ ]*% )?
    """,
    re.VERBOSE,
)
#: Nothing but one amount and a currency's sign, so that there is nothing to decide. The usual case.
_ONLY_AMOUNT = re.compile(
    r"(?:[$\u20a0-\u20c0\xa3\xa5][ \xa0]?)?([0-9]{1,30}(?:\.[0-9]{1,2})?)(?:[ \xa0]?[$\u20a0-\u20c0\xa3\xa5])?"
)
#: `100 200` is 100200 with a blank that groups, or an old price and a new one. A no-break space only ever groups, and
#: so does a blank before decimals (`100 200,00`, `100 200,-`) or a further group (`100 200 000`).
_TWO_OR_GROUPED = re.compile(
    r"(?<![0-9.,])(?<![0-9] )([1-9][0-9]{2}) (?=[1-9][0-9]{2}(?![0-9]|[.,][0-9-]|[ ][0-9]{3}(?![0-9])))"
)
#: What may stand between a minus and its amount is a currency sign or code; a dash between amounts is no minus.
_MINUS_BEFORE = re.compile(r"(?P<before>^|[^\w.,-])-(?:[^\w\s.,-]{1,2}|[A-Z]{1,3}[$£]?)?[ ]?$")
_LEADING_MINUS = re.compile(r"[ ]*-[ ]?(?:[^\w\s.,-]{1,2}|[A-Z]{1,3}[$£]?)?[ ]?")
_MINUS_BEHIND_CURRENCY = re.compile(r"[ ]*(?:[^\w\s.,-]{1,2}|[A-Z]{1,2}[$£]|[A-Z]{3}[ ])[ ]?-")
_FREE_WORDS: Final = frozenset(
    (
        *("free", "gratis", "gratuit", "gratuite", "grátis", "gratuito", "kostenlos", "umsonst", "ilmainen", "zdarma"),
        *("darmowe", "ingyenes", "ücretsiz", "бесплатно", "безкоштовно", "חינם", "בחינם", "مجاني", "مجانا", "مجاناً"),
        *("免费", "免費", "無料", "무료"),
    )
)
_PRICE_OPTIONS: Final = {
    "which": "first, last, lowest or highest of several different amounts; without it they are a failure",
    "decimal": "the decimal separator, `.` or `,`; without it `1.234` and `1,234` are thousands",
    "locale": _LOCALE,
    "free": "the amount that a text like `Free` stands for; without it that is a failure",
}
_CHOOSE: Final[dict[str, Callable[[list[Decimal]], Decimal]]] = {
    "first": lambda amounts: amounts[0],
    "last": lambda amounts: amounts[-1],
    "lowest": min,
    "highest": max,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Price:
    which: str | None
    decimal: str | None
    free: Decimal | None

    def __call__(self, value: Value, _base_url: str) -> Value:
        if value.__class__ is str and self.decimal != "," and (only := _ONLY_AMOUNT.fullmatch(value)):  # as most are
            return Decimal(only[1])
        if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
            return _number(value, ".")
        text = plain_text(_TWO_OR_GROUPED.sub(r"\1 / ", needed_text(value)))
        amounts = _amounts(text, self.decimal)
        if not amounts:
            if _is_free(text):
                if self.free is not None:
                    return self.free
                raise StepFailed(f"{describe(value)} is no amount; `price: {{free: 0}}` makes it one")
            raise StepFailed(f"no amount in {describe(value)}")
        if len(set(amounts)) == 1:
            return amounts[0]
        if self.which is None:
            several = ", ".join(dict.fromkeys(f"{amount:f}" for amount in amounts[:5]))
            raise StepFailed(f"more than one amount in {describe(value)}: {several}")
        return _CHOOSE[self.which](amounts)


def _is_free(text: str) -> bool:
    return "".join(char for char in text.lower() if char.isalpha() or char.isspace()).strip() in _FREE_WORDS


def _amounts(text: str, decimal: str | None) -> list[Decimal]:
    """Every amount in the text, in order. Percentages are none."""
    found: list[Decimal] = []
    for match in _AMOUNT.finditer(text):
        if match["percent"]:
            continue
        if len(match["number"]) > MAX_DIGITS:
            raise StepFailed("a number too long to be an amount")
        amount = _read_amount(match["number"], decimal, match["cents"])
        found.append(-amount if amount and _is_negative(text, match.start()) else amount)
    return found


def _is_negative(text: str, start: int) -> bool:
    """Whether a minus belongs to the amount at `start`, and is no hyphen of a word and no dash of a range."""
    if start <= 9 and (_LEADING_MINUS.fullmatch(text, 0, start) or _MINUS_BEHIND_CURRENCY.fullmatch(text, 0, start)):
        return True
    near = text[max(0, start - 9) : start]
    minus = _MINUS_BEFORE.search(near)
    if minus is None:
        return False
    before = near[: minus.end("before")].rstrip()
    return not before or not (before[-1].isdigit() or unicodedata.category(before[-1]) == "Sc")


def _read_amount(number: str, decimal: str | None, cents: str | None) -> Decimal:
    """One amount. Raises StepFailed if its separators cannot be those of a number (`12.34.56`)."""
    if cents is not None:
        return _read_amount(number, decimal, None) + Decimal(f"0.{cents}")
    if _PLAIN.fullmatch(number) and decimal != ",":
        return Decimal(number)  # as below, at a tenth of the time
    point = _decimal_point(number, decimal)
    from price_parser import Price  # noqa: PLC0415 - its patterns take 5 ms to compile, and most amounts are plain

    # Told the point, price-parser need not guess: alone it reads 0.999 as 999.
    amount = None if point is None else Price.fromstring(f"0{number}", decimal_separator=point).amount
    if amount is None:
        raise StepFailed(f"{number!r} is not written like an amount")
    return amount


def _build_price(argument: Any) -> Run:
    example = "price: {which: lowest}"
    if argument is MISSING:
        return _Price(which=None, decimal=None, free=None)
    if not isinstance(argument, dict):
        raise StepError(f"takes a map of options, got {describe(argument)}", f"write `{example}`")
    options = options_argument(argument, _PRICE_OPTIONS)
    free = options.get("free")
    if free is not None:
        try:
            free = number_of(free)
        except NotScalar:
            raise StepError(f"`free` is {describe(free)}, must be a number", "write `price: {free: 0}`") from None
    return _Price(
        which=choice(options, "which", tuple(_CHOOSE), None),
        decimal=_decimal(options),
        free=free,
    )


STEPS: Final = (
    StepDefinition(
        info=StepInfo(
            name="number",
            summary="Reads a text that is one number, digits grouped or not, with all its decimals.",
            argument="nothing, or a map",
            options=_NUMBER_OPTIONS,
            example=({"decimal": ","}, "1.234,50", Decimal("1234.50")),
        ),
        build=_build_number,
    ),
    StepDefinition(
        info=StepInfo(
            name="integer",
            summary="Reads a text that is one whole number, digits grouped or not.",
            argument="nothing, or a map",
            options=_NUMBER_OPTIONS,
            example=(MISSING, "1,234", 1234),
        ),
        build=_build_integer,
    ),
    StepDefinition(
        info=StepInfo(
            name="price",
            summary="Finds the one amount in a text, with all its decimals. Several different amounts are a failure.",
            argument="nothing, or a map",
            options=_PRICE_OPTIONS,
            example=(MISSING, "\N{POUND SIGN}1,290.00 incl. 20 % VAT", Decimal("1290.00")),
        ),
        build=_build_price,
    ),
)
