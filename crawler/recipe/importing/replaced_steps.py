r"""What a transform step of the replaced system really did, whatever its author believed.

Its engine looked for `->` first, then for `trim:` and `replace:`, and did nothing about everything else:

    pattern->new           blanks round both are cut off; if either is then empty, nothing happens
    trim:characters        blanks at the ends go, then these characters
    replace:pattern|new    cut at every `|`, also inside the pattern; a third part is lost; if either is empty, nothing
                           happens
    anything else          nothing

An error, such as a pattern that was cut in the middle of a group, was swallowed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from crawler.recipe.importing.foreign_regex import NotTranslated, doubled, problem, replacement, translated, undoubled

#: Steps here, for words that the engine did not know.
_MEANT: Final = {
    "limit": "truncate",
    "truncate": "truncate",
    "maxlength": "truncate",
    "substring": "truncate",
    "trim": "strip",
    "strip": "strip",
    "lower": "lower",
    "lowercase": "lower",
    "tolowercase": "lower",
    "upper": "upper",
    "uppercase": "upper",
    "touppercase": "upper",
    "regex": "regex",
    "match": "regex",
    "extract": "regex",
    "prefix": "prepend",
    "prepend": "prepend",
    "suffix": "append",
    "append": "append",
    "split": "split",
    "number": "number",
    "integer": "integer",
    "price": "price",
    "slug": "slug",
    "unescape": "html_unescape",
}
_WITHOUT_ARGUMENT: Final = frozenset({"strip", "lower", "upper", "number", "integer", "price", "slug", "html_unescape"})
#: Patterns of blanks at the ends, which texts here do not have.
_ENDS: Final = frozenset({r"^\s+|\s+$", r"^\s*|\s*$", r"^\s+", r"\s+$", r"^\s*", r"\s*$", r"\s+$|^\s+"})
_PATTERN_SIGNS: Final = ("\\", "^", ".*", ".+", "[", "(?", "]+", "]*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Did:
    """What a step did.

    `steps` are the steps here that do the same: none for one that did nothing. `nothing` says why it did nothing.
    `doubt` says why what it did cannot have been meant; then `steps` is empty too. `meant` is what its author probably
    wanted, as a step here, if that is known.
    """

    steps: tuple[Any, ...] = ()
    nothing: str | None = None
    doubt: str | None = None
    meant: Any = None


def read_step(text: str | None) -> Did:
    """What the engine made of a step; None is one that is no text."""
    if text is None:
        return Did(nothing="a step is a text")
    if "->" in text:
        return _arrow(text)
    if text.startswith("trim:"):
        return _trim(text.removeprefix("trim:"))
    if text.startswith("replace:"):
        return _replace(text.removeprefix("replace:"))
    return _unknown(text)


def _arrow(text: str) -> Did:
    parts = text.split("->")
    pattern, new = parts[0].strip(), parts[1].strip()
    if not pattern:
        return Did(nothing="there is no pattern before `->`")
    if not new:
        how = "an empty text" if not parts[1] else "blanks, which are cut off"
        return Did(nothing=f"a match was to become {how}, and such a step was skipped", meant=_step(pattern, parts[1]))
    if pattern.startswith(("replace:", "trim:")):
        verb, _, rest = pattern.partition(":")
        return Did(nothing=f"`->` counts first, so that it looked for the text `{verb}:`", meant=_step(rest, new))
    return _substitution(pattern, new, whole=pattern, lost=parts[2:])


def _trim(characters: str) -> Did:
    if not characters.strip():
        return Did(steps=("strip",))
    pattern = f"^[{characters}]+|[{characters}]+$"
    if problem(pattern) is not None:
        return Did(steps=("strip",), doubt=f"`{characters}` are no characters of a class, so that only blanks went")
    if not set(characters) & set("\\-^[]"):
        return Did(steps=("strip", {"strip": characters}))
    step = _step(pattern, "")
    return Did(steps=("strip", step)) if step is not None else Did(steps=("strip",), doubt="its class is none here")


def _replace(rest: str) -> Did:
    parts = rest.split("|")
    if len(parts) < 2:
        return Did(nothing="there is no `|` with a new text behind it", meant=_step(rest, ""))
    pattern, new = parts[0], parts[1]
    if not pattern or not new:
        why = "before" if not pattern else "behind"
        meant = _step(rest if len(parts) > 2 else pattern, "") if pattern else None
        return Did(nothing=f"there is nothing {why} the first `|`", meant=meant)
    return _substitution(pattern, new, whole=rest, lost=parts[2:])


def _substitution(pattern: str, new: str, *, whole: str, lost: list[str]) -> Did:
    broken = problem(pattern)
    if broken is not None:
        cut = f", cut at the first `|`, is `{pattern}`" if whole != pattern else f" is `{pattern}`"
        meant = _meant(whole) if whole != pattern else None
        return Did(nothing=f"its pattern{cut}: {broken}, and the error was swallowed", meant=meant)
    if doubled(pattern):
        return Did(
            nothing=f"two backslashes stay two in single quotes, so that `{pattern}` looks for a backslash",
            meant=_step(undoubled(pattern), new.strip()),
        )
    if lost:
        message = f"it put `{new}` in the place of `{pattern}`; what stands behind the second mark was lost"
        return Did(doubt=message, meant=_step(whole, ""))
    if whole != pattern and _looks_like_pattern(new):
        message = f"it put the text `{new}` in the place of `{pattern}`, because `|` ends the pattern"
        return Did(doubt=message, meant=_step(whole, ""))
    step = _step(pattern, new)
    if step is None:
        return Did(doubt=_why_not(pattern), meant=None)
    return Did(steps=(step,))


def _meant(whole: str) -> Any:
    """A step for a pattern with `|` in it: behind the last one is the new text, unless that is a pattern too."""
    pattern, _, new = whole.rpartition("|")
    return _step(whole, "") if _looks_like_pattern(new) or problem(pattern) else _step(pattern, new)


def _looks_like_pattern(text: str) -> bool:
    return any(sign in text for sign in _PATTERN_SIGNS) and not text.startswith("$")


def _step(pattern: str, new: str) -> Any:
    """`replace` with this pattern, None if there is no such pattern here. For blanks at the ends it is `strip`."""
    if pattern in _ENDS and not new:
        return "strip"
    try:
        return {"replace": {"pattern": translated(pattern), "with": replacement(new)}}
    except NotTranslated:
        return None


def _why_not(pattern: str) -> str:
    try:
        translated(pattern)
    except NotTranslated as error:
        return f"{error}; {error.hint}" if error.hint else str(error)
    return ""


def _unknown(text: str) -> Did:
    verb, colon, argument = text.partition(":")
    known = _MEANT.get(verb.strip().lower())
    meant: Any = None
    if known in _WITHOUT_ARGUMENT:
        meant = known
    elif known == "truncate" and argument.strip().isdigit():
        meant = {"truncate": int(argument)}
    elif known == "regex" and argument:
        meant = {"regex": argument}
    elif known is not None and argument:
        meant = {known: argument}
    name = f"`{verb}:`" if colon else f"`{verb}`"
    return Did(nothing=f"{name} is no step of that system: it knows `a->b`, `trim:` and `replace:`", meant=meant)
