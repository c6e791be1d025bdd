"""Values of pages cut to a size that can be shown: text, lists and maps that go on and on are cut, and say so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from crawler.recipe.values import MISSING, Value

#: Characters of a text, members of a list or map, and levels of them, that are shown.
MAX_CHARACTERS: Final = 1_000
MAX_MEMBERS: Final = 50
MAX_LEVELS: Final = 6

_MORE: Final = "\N{HORIZONTAL ELLIPSIS}"


def shortened(value: Value, levels: int = MAX_LEVELS) -> Value:
    """The value, or as much of it as is shown; of MISSING, None. Half a surrogate pair becomes its escape.

    Also what stands in the middle of a list may be cut, so a value of `MAX_LEVELS` full lists is still large: whoever
    sends many of them limits the whole as well.
    """
    if value is MISSING:
        return None
    if isinstance(value, str):
        text = value if len(value) <= MAX_CHARACTERS else value[: MAX_CHARACTERS - 1] + _MORE
        return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, Mapping):
        if not levels:
            return _MORE
        few = list(value.items())[:MAX_MEMBERS]
        rest = {_MORE: f"{len(value) - MAX_MEMBERS} more"} if len(value) > MAX_MEMBERS else {}
        return {shortened(str(name)): shortened(member, levels - 1) for name, member in few} | rest
    if isinstance(value, list | tuple):
        if not levels:
            return _MORE
        rest_of = [f"{_MORE} {len(value) - MAX_MEMBERS} more"] if len(value) > MAX_MEMBERS else []
        return [shortened(member, levels - 1) for member in value[:MAX_MEMBERS]] + rest_of
    return value
