"""Filters of Cardigann definitions as steps: `- name: re_replace`, `args: [..]`.

Steps are built once, so that what is handed out is known to be one; what has no equal is told.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from crawler.recipe.importing.foreign_nodes import Part, maps_of, scalars_of
from crawler.recipe.importing.foreign_regex import NotTranslated, replacement, translated
from crawler.recipe.steps import StepError, build_step

if TYPE_CHECKING:
    from collections.abc import Callable


_PLAIN: Final = {
    "trim": "strip",
    "tolower": "lower",
    "toupper": "upper",
    "urldecode": "url_decode",
    "urlencode": "url_encode",
    "htmldecode": "html_unescape",
}
_DATES: Final = ("dateparse", "timeparse")
_RELATIVE: Final = ("timeago", "reltime", "fuzzytime")
#: Filters that are for a log, or clean what needs no cleaning here.
_NEEDLESS: Final = {
    "hexdump": "it wrote to a log",
    "strdump": "it wrote to a log",
    "validfilename": "a text is no file name here",
    "diacritics": "letters are kept as they are",
    "andmatch": "rows are not searched again after the site has found them",
}
#: Go's reference time and .NET's letters, longest first, and what they are here.
_GO: Final = (
    ("January", "%B"), ("Monday", "%A"), ("2006", "%Y"), ("-0700", "%z"), ("-07:00", "%z"), ("Z07:00", "%z"),
    ("Jan", "%b"), ("Mon", "%a"), ("MST", "%Z"), ("15", "%H"), ("01", "%m"), ("02", "%d"), ("03", "%I"), ("04", "%M"),
    ("05", "%S"), ("06", "%y"), ("PM", "%p"), ("pm", "%p"), ("_2", "%d"), ("1", "%m"), ("2", "%d"), ("3", "%I"),
    ("4", "%M"), ("5", "%S"),
)  # fmt: skip
_NET: Final = (
    ("yyyy", "%Y"), ("MMMM", "%B"), ("dddd", "%A"), ("MMM", "%b"), ("ddd", "%a"), ("zzz", "%z"), ("fff", "%f"),
    ("yy", "%y"), ("MM", "%m"), ("dd", "%d"), ("HH", "%H"), ("hh", "%I"), ("mm", "%M"), ("ss", "%S"), ("tt", "%p"),
    ("zz", "%z"), ("M", "%m"), ("d", "%d"), ("H", "%H"), ("h", "%I"), ("m", "%M"), ("s", "%S"), ("t", "%p"),
)  # fmt: skip


@dataclass(kw_only=True, slots=True)
class Filtered:
    """Steps, and whether all filters are among them."""

    steps: list[Any] = field(default_factory=list)
    whole: bool = True


def filter_steps(part: Part) -> Filtered:
    """The steps of the filters of a field; what has none is told at its place."""
    found = Filtered()
    for path, node in maps_of(part.node.get("filters"), (*part.path, "filters")):
        _filter(Part(node=node, path=path, found=part.found, draft=part.draft), found)
    return found


def _filter(part: Part, found: Filtered) -> None:
    name = part.text("name") or ""
    args = [scalar.raw for _, scalar in scalars_of(part.node.get("args"), (*part.path, "args"))]
    if name in _NEEDLESS:
        part.found.add("dropped", part.node.mark, part.path, f"`{name}`: {_NEEDLESS[name]}")
        return
    try:
        steps = _steps(name, args)
        for step in steps:
            _ = build_step(*next(iter(step.items()))) if isinstance(step, dict) else build_step(step)
    except _No as error:
        part.found.add("decide", part.node.mark, part.path, f"`{name}`: {error}", error.hint)
        found.whole = False
        return
    except (StepError, NotTranslated) as error:
        part.found.add("decide", part.node.mark, part.path, f"`{name}`: {error.args[0]}", error.hint)
        found.whole = False
        return
    found.steps.extend(steps)


class _No(ValueError):
    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


def _steps(name: str, args: list[str]) -> list[Any]:
    """The steps of one filter. Raises _No, NotTranslated or StepError where there are none."""
    if any("{{" in arg for arg in args):
        raise _No("a step has no template in it", "put the parts together in a `template` rule")
    if name == "trim" and args:
        return [{"strip": args[0]}]
    if name in _PLAIN:
        return [_PLAIN[name]]
    if name in _DATES:
        return [{"date": {"formats": [date_format(_first(args))]}}]
    if name in _RELATIVE:
        return [{"date": {"locale": "en", "relative": True}}]
    made = _WITH_ARGUMENTS.get(name)
    if made is None:
        raise _No("there is no such step here", "write one by hand, or leave it")
    return made(args)


def _first(args: list[str]) -> str:
    if not args:
        raise _No("it has no argument")
    return args[0]


def _two(args: list[str]) -> tuple[str, str]:
    if len(args) < 2:
        raise _No("it needs two arguments")
    return args[0], args[1]


def _regexp(args: list[str]) -> list[Any]:
    return [{"regex": translated(_first(args))}]


def _re_replace(args: list[str]) -> list[Any]:
    pattern, new = _two(args)
    return [{"replace": {"pattern": translated(pattern), "with": replacement(new)}}]


def _replace(args: list[str]) -> list[Any]:
    old, new = _two(args)
    return [{"replace": {"text": old, "with": new}}]


def _split(args: list[str]) -> list[Any]:
    """The part with a number. Empty parts count there, so that `split` and `slice` would take another one."""
    between, number = _two(args)
    try:
        index = int(number)
    except ValueError:
        raise _No(f"`{number}` is no number of a part") from None
    if not between or abs(index) > 50:
        raise _No("there is nothing to split at")
    sign = re.escape(between)
    if index >= 0:
        before = rf"(?:.*?{sign}){{{index}}}" if index else ""
        return [{"regex": rf"(?s)^{before}(.*?)(?:{sign}|$)"}]
    behind = rf"(?:{sign}[^{sign}]*){{{-index - 1}}}" if index < -1 and len(between) == 1 else ""
    if index < -1 and len(between) > 1:
        raise _No("parts are counted from the end only where one character is between them")
    return (
        [{"regex": rf"(?s)^(?:.*{sign})?(.*?){behind}$"}] if index == -1 else [{"regex": rf"(?s)([^{sign}]*){behind}$"}]
    )


_WITH_ARGUMENTS: Final[dict[str, Callable[[list[str]], list[Any]]]] = {
    "regexp": _regexp,
    "re_replace": _re_replace,
    "replace": _replace,
    "split": _split,
    "querystring": lambda args: [{"query_param": _first(args)}],
    "prepend": lambda args: [{"prepend": _first(args)}],
    "append": lambda args: [{"append": _first(args)}],
}


def date_format(layout: str) -> str:
    """A layout of Go (`Jan 2 2006 15:04`) or .NET (`yyyy-MM-dd HH:mm`) as strptime writes it."""
    table = _NET if re.search(r"yy|MM|dd|HH|mm", layout) else _GO
    out, at = "", 0
    while at < len(layout):
        for token, directive in table:
            if layout.startswith(token, at):
                out += directive
                at += len(token)
                break
        else:
            if layout[at] in "'\\":
                at += 1
                continue
            out += "%%" if layout[at] == "%" else layout[at]
            at += 1
    return out
