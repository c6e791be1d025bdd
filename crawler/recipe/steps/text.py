"""Steps on text: cleaning, patterns, lookups. Numbers and booleans come as their text."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any, Final

from crawler.recipe.regex import Regex, RegexError, compile_regex
from crawler.recipe.scalars import NotScalar, describe, text_of
from crawler.recipe.steps.definition import (
    Run,
    Shape,
    StepDefinition,
    StepError,
    StepFailed,
    StepInfo,
    choice,
    count_argument,
    flag,
    needed_text,
    no_argument,
    options_argument,
    pattern_argument,
    text_argument,
    text_step,
)
from crawler.recipe.values import MISSING, Value, is_missing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_NOT_SLUG = compile_regex(r"[\W_]+")
#: In a replacement of another engine's dialect; here groups are \1.
_DOLLAR_GROUP = re.compile(r"\$(?:\d|\{\w+\})")


def _plain(change: Callable[[str], Value]) -> Callable[[Any], Run]:
    """The builder of a step that has no argument."""
    run = text_step(change)

    def build(argument: Any) -> Run:
        no_argument(argument)
        return run

    return build


def _build_strip(argument: Any) -> Run:
    if argument is MISSING:
        return text_step(str.strip)
    characters = text_argument(argument, "strip: '-* '", what="needs the characters to strip")
    return text_step(lambda text: text.strip(characters))


def _build_prepend(argument: Any) -> Run:
    added = text_argument(argument, 'prepend: "https://"')
    return text_step(lambda text: added + text)


def _build_append(argument: Any) -> Run:
    added = text_argument(argument, 'append: " cm"')
    return text_step(lambda text: text + added)


# --- replace, regex, reject, split ------------------------------------------------------------------------------------

_REPLACE_OPTIONS: Final = {
    "pattern": "regular expression whose matches are replaced",
    "text": "plain text that is replaced, instead of `pattern`",
    "with": r"what stands there instead; `\1` is group 1 of the pattern; empty text deletes",
}


def _build_replace(argument: Any) -> Run:
    example = "replace: {text: '-', with: ''}"
    if not isinstance(argument, dict):
        raise StepError("needs a map with `pattern` or `text`, and `with`", f"write `{example}`")
    options = options_argument(argument, _REPLACE_OPTIONS)
    if ("pattern" in options) == ("text" in options):
        raise StepError("needs either `pattern` or `text`", f"write `{example}`")
    new = options.get("with")
    if isinstance(new, int | float) and not isinstance(new, bool):
        new = text_of(new)
    if not isinstance(new, str):
        raise StepError("needs `with`, the text to put there", f"to delete the matches write `{example}`")
    if "text" in options:
        old = text_argument(options["text"], example, what="needs a `text` to replace")
        return text_step(lambda text: text.replace(old, new))
    regex = pattern_argument(options["pattern"], r"replace: {pattern: '\s*\|.*', with: ''}")
    if regex.groups and _DOLLAR_GROUP.search(new):
        raise StepError(f"`with` is {new!r}, but groups are written with a backslash", r"write \1, not $1")
    try:
        regex.check_replacement(new)
    except RegexError as error:
        raise StepError(f"`with`: {error.args[0]}", error.hint) from None
    return text_step(lambda text: regex.sub(new, text))


_REGEX_OPTIONS: Final = {
    "pattern": "the regular expression; its group, or without one the whole match, is the result",
    "all": "true: every match, as a list; default false: the first",
}


def _regex_parts(argument: Any) -> tuple[Regex, bool]:
    options = options_argument(argument, _REGEX_OPTIONS) if isinstance(argument, dict) else {"pattern": argument}
    regex = pattern_argument(options.get("pattern", MISSING), r"regex: '(\d+) in stock'")
    if regex.groups > 1:
        raise StepError(
            f"pattern {regex.pattern!r} has {regex.groups} groups, at most one can be the result",
            "write (?:...) for the groups that only hold together",
        )
    return regex, flag(options, "all", default=False)


def _build_regex(argument: Any) -> Run:
    regex, every = _regex_parts(argument)
    group = regex.groups

    def first(text: str) -> Value:
        match = regex.search(text)
        found = None if match is None else match.group(group)
        return MISSING if found is None else found

    def each(text: str) -> Value:
        return [found for match in regex.finditer(text) if (found := match.group(group))]

    return text_step(each if every else first)


def _regex_shapes(argument: Any) -> tuple[Shape, Shape]:
    return "element", "list" if isinstance(argument, dict) and argument.get("all") is True else "element"


def _build_reject(argument: Any) -> Run:
    example = "reject: '^(Select|Choose)'"
    patterns = argument if isinstance(argument, list) else [argument]
    if not patterns:
        raise StepError("needs a pattern, got an empty list", f"write `{example}`")
    regexes = [pattern_argument(pattern, example) for pattern in patterns]

    def run(text: str) -> Value:
        return MISSING if any(regex.search(text) for regex in regexes) else text

    return text_step(run)


_SPLIT_OPTIONS: Final = {
    "text": "plain text between the parts",
    "pattern": "regular expression of what is between the parts, instead of `text`",
}


def _build_split(argument: Any) -> Run:
    example = "split: ','"
    options = options_argument(argument, _SPLIT_OPTIONS) if isinstance(argument, dict) else {"text": argument}
    if ("pattern" in options) == ("text" in options):
        raise StepError("needs either `pattern` or `text`", f"write `{example}`")
    if "pattern" in options:
        cut = pattern_argument(options["pattern"], r"split: {pattern: '\s*[,;]\s*'}").split
    else:
        between = text_argument(options["text"], example, what="needs the text between the parts")

        def cut(text: str) -> list[str]:
            return text.split(between)

    return text_step(lambda text: [stripped for part in cut(text) if (stripped := part.strip())])


# --- map --------------------------------------------------------------------------------------------------------------

_MAP_OPTIONS: Final = {
    "values": "what is looked for, and what comes instead; null makes the value missing",
    "by": "equals (the default), contains, prefix or regex; of several matches the first written wins",
    "else": "what comes where nothing matches; null makes it missing. Without it no match is a failure",
}


def _build_map(argument: Any) -> Run:
    example = "map: {One: 1, Two: 2}"
    if not isinstance(argument, dict) or not argument:
        raise StepError("needs a map of values", f"write `{example}`")
    options: dict[str, Any]
    if isinstance(argument.get("values"), dict):
        options = options_argument(argument, _MAP_OPTIONS)
    elif "else" in argument or "by" in argument:
        raise StepError("`by` and `else` stand beside `values`", "write `map: {values: {One: 1}, else: 0}`")
    else:
        options = {"values": argument}
    values = _lookup_values(options["values"], example)
    by = choice(options, "by", ("equals", "contains", "prefix", "regex"), "equals")
    otherwise = _mapped(options["else"]) if "else" in options else None
    fallback = (otherwise,) if "else" in options else ()
    if by == "equals":
        return text_step(lambda text: _found(values.get(text, _NO_MATCH), text, values, fallback))
    if by in ("contains", "prefix"):
        pairs = tuple(values.items())
        fits: Callable[[str, str], bool] = str.__contains__ if by == "contains" else str.startswith
        return text_step(
            lambda text: _found(next((new for key, new in pairs if fits(text, key)), _NO_MATCH), text, values, fallback)
        )
    regexes = [
        (pattern_argument(key, "map: {values: {'^in': InStock}, by: regex}"), new) for key, new in values.items()
    ]
    return text_step(
        lambda text: _found(next((new for r, new in regexes if r.search(text)), _NO_MATCH), text, values, fallback)
    )


_NO_MATCH: Final = object()


def _found(found: Any, text: str, values: Mapping[str, Value], fallback: tuple[Value, ...]) -> Value:
    if found is not _NO_MATCH:
        return found
    if fallback:
        return fallback[0]
    known = ", ".join(list(values)[:5])
    raise StepFailed(f"{describe(text)} is none of {known}{', ...' if len(values) > 5 else ''}")


def _lookup_values(values: Mapping[Any, Any], example: str) -> dict[str, Value]:
    if not values:
        raise StepError("`values` is empty", f"write `{example}`")
    table: dict[str, Value] = {}
    for key, value in values.items():
        try:
            text = text_of(key)
        except NotScalar:
            raise StepError(f"cannot look for {describe(key)}", "quote the key") from None
        if not text:
            raise StepError("cannot look for an empty text: an empty value is missing", "give the rule a `default`")
        table[text] = _mapped(value)
    return table


def _mapped(value: Any) -> Value:
    if value is None:
        return MISSING
    if isinstance(value, dict | list):
        raise StepError(f"gives {describe(value)}, must be a text, number, boolean or null")
    return value


# --- truncate, slug ---------------------------------------------------------------------------------------------------

_TRUNCATE_OPTIONS: Final = {
    "length": "characters at most",
    "words": "true (the default): cut between words where there is a blank; false: exactly there",
    "end": "what is put behind a cut text, within the length; default nothing",
}


def _build_truncate(argument: Any) -> Run:
    example = "truncate: 500"
    options = options_argument(argument, _TRUNCATE_OPTIONS) if isinstance(argument, dict) else {"length": argument}
    length = count_argument(options.get("length", MISSING), example)
    words = flag(options, "words", default=True)
    end = options.get("end", "")
    if not isinstance(end, str) or len(end) >= length:
        raise StepError(f"`end` is {describe(end)}, must be text shorter than `length`")
    room = length - len(end)

    def cut(text: str) -> str:
        if len(text) <= length:
            return text
        kept = text[:room]
        if words and not text[room].isspace():
            at = max(kept.rfind(blank) for blank in (" ", "\n", "\t", "\N{NO-BREAK SPACE}"))
            if at > 0:
                kept = kept[:at]
        return kept.rstrip() + end

    return text_step(cut)


def slugged(text: str) -> str:
    """Lower case, letters, marks and digits of every script kept, everything else one hyphen."""
    return _NOT_SLUG.sub("-", unicodedata.normalize("NFKC", text).lower()).strip("-")


def _build_slug(argument: Any) -> Run:
    no_argument(argument)

    def run(value: Value, _base_url: str) -> Value:
        if isinstance(value, dict):
            return "-".join(filter(None, (slugged(needed_text(one)) for one in value.values() if not is_missing(one))))
        return slugged(needed_text(value))

    return run


STEPS: Final = (
    StepDefinition(
        info=StepInfo(
            name="strip",
            summary="Takes blanks off both ends, or the characters that the argument lists.",
            argument="nothing, or the characters to take off",
            example=("*- ", "** Samba -", "Samba"),
        ),
        build=_build_strip,
    ),
    StepDefinition(
        info=StepInfo(
            name="squeeze",
            summary="Makes every run of blanks and newlines one blank, no-break spaces included.",
            example=(MISSING, "Samba \N{NO-BREAK SPACE}\n chair", "Samba chair"),
        ),
        build=_plain(lambda text: " ".join(text.split())),
    ),
    StepDefinition(
        info=StepInfo(name="lower", summary="Lower case.", example=(MISSING, "Samba", "samba")),
        build=_plain(str.lower),
    ),
    StepDefinition(
        info=StepInfo(name="upper", summary="Upper case.", example=(MISSING, "Samba", "SAMBA")),
        build=_plain(str.upper),
    ),
    StepDefinition(
        info=StepInfo(
            name="replace",
            summary="Replaces every match of a pattern, or every place of a plain text. An empty `with` deletes.",
            argument="a map",
            options=_REPLACE_OPTIONS,
            example=({"pattern": r"\s*(\(new\)|\|.*)", "with": ""}, "Samba (new) | Shop", "Samba"),
        ),
        build=_build_replace,
    ),
    StepDefinition(
        info=StepInfo(
            name="regex",
            summary="Takes the first match: its group if there is one, else the whole. No match makes it missing.",
            argument="a pattern with at most one group, or a map",
            options=_REGEX_OPTIONS,
            example=(r"star-rating (\w+)", "star-rating Three", "Three"),
        ),
        build=_build_regex,
        shapes=_regex_shapes,
    ),
    StepDefinition(
        info=StepInfo(
            name="reject",
            summary="Makes a value that matches missing; drops such members of a list.",
            argument="a pattern, or a list of patterns",
            example=("^(Select|Choose)", ["Select a size", "S", "M"], ["S", "M"]),
        ),
        build=_build_reject,
    ),
    StepDefinition(
        info=StepInfo(
            name="prepend",
            summary="Puts a text before the value.",
            argument="the text",
            example=("SKU-", "123", "SKU-123"),
        ),
        build=_build_prepend,
    ),
    StepDefinition(
        info=StepInfo(
            name="append", summary="Puts a text behind the value.", argument="the text", example=(" cm", "40", "40 cm")
        ),
        build=_build_append,
    ),
    StepDefinition(
        info=StepInfo(
            name="split",
            summary="Cuts the value into a list. Parts are stripped, empty ones left out.",
            argument="the text between the parts, or a map",
            options=_SPLIT_OPTIONS,
            example=(",", "red, green,, blue", ["red", "green", "blue"]),
            gives="list",
        ),
        build=_build_split,
    ),
    StepDefinition(
        info=StepInfo(
            name="map",
            summary="Puts another value in place of a known one. No match is a failure, unless there is an `else`.",
            argument="a map from page text to value, or a map of options; `true` and `false` also match booleans",
            options=_MAP_OPTIONS,
            example=(
                {"values": {"out-of-stock": "OutOfStock", "in-stock": "InStock"}, "by": "contains"},
                "stock in-stock",
                "InStock",
            ),
        ),
        build=_build_map,
    ),
    StepDefinition(
        info=StepInfo(
            name="truncate",
            summary="Cuts the text to a number of characters, by default not inside a word.",
            argument="the number of characters, or a map",
            options=_TRUNCATE_OPTIONS,
            example=(12, "A chair of oak wood", "A chair of"),
        ),
        build=_build_truncate,
    ),
    StepDefinition(
        info=StepInfo(
            name="slug",
            summary="Lower case with hyphens, letters and digits of every script kept; of an object, its values.",
            example=(MISSING, "Oak & Ash: כיסא 2", "oak-ash-כיסא-2"),
        ),
        build=_build_slug,
    ),
)
