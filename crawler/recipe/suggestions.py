"""`did you mean ...?`: the known name that a misspelt one is closest to."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like `name`, ignoring case and `-` against `_`; None if none is near."""
    by_form = {_form(candidate): candidate for candidate in known}
    found = difflib.get_close_matches(_form(name), by_form, n=1, cutoff=0.6)
    return by_form[found[0]] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """The sentence for a hint, or None if no known name is near."""
    found = closest(name, known)
    return None if found is None else f"did you mean `{found}`?"


def _form(name: str) -> str:
    return name.lower().replace("-", "_")
