"""What calls of the control API are put together from: addresses, and the facts that a caller gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from crawler.errors import InvalidJob

if TYPE_CHECKING:
    from collections.abc import Mapping


def path_of(*parts: str) -> str:
    """`/v1/...` with each part quoted, so that an id cannot lead elsewhere.

    Raises:
        InvalidJob: a part is empty, "." or "..", which an address loses.
    """
    for part in parts:
        if part in ("", ".", ".."):
            raise InvalidJob(f"{part!r} is no id")
    return "/v1/" + "/".join(quote(part, safe="") for part in parts)


def given(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts that are there, without those that are None."""
    return {name: value for name, value in facts.items() if value is not None}
