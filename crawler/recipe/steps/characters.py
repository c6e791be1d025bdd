"""Characters of numbers and dates in page text, as their plain ASCII equivalents.

Pages hold no-break spaces, direction marks around right-to-left text, and digits of other scripts.
"""

from __future__ import annotations

from typing import Final

_BLANKS: Final = (
    "\t\r\x0b\x0c\N{NO-BREAK SPACE}\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
)
#: Direction marks, isolates, joiners and the BOM: invisible, and all over right-to-left prices.
_INVISIBLE: Final = (
    "\u061c\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff\u00ad"
)
_DIGIT_ZEROS: Final = "\u0660\u06f0\u0966\u09e6\u0a66\u0ae6\u0be6\u0c66\u0ce6\u0d66\u0e50\u0ed0\u0f20\u1040\uff10"
_PLAIN: Final = str.maketrans(
    dict.fromkeys(_BLANKS, " ")
    | dict.fromkeys(_INVISIBLE, "")
    | {chr(ord(zero) + digit): str(digit) for zero in _DIGIT_ZEROS for digit in range(10)}
    | {
        "\u2212": "-",
        "\ufe63": "-",
        "\uff0d": "-",
        "\u066a": "%",
        "\u066b": ".",
        "\u066c": ",",
        "\u2019": "'",
        "\u02bc": "'",
    }
)


def plain_text(text: str) -> str:
    """The text with ASCII digits, blanks, minus and separators, without invisible marks."""
    return text if text.isascii() and "\t" not in text else text.translate(_PLAIN)
