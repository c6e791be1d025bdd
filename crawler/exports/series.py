"""Which runs are runs of the same thing: those of one client, one recipe and the same inputs.

What is learned from earlier runs, or compared with them, is learned within a series. The version of the recipe is no
part of it: a recipe that was mended goes on where it was.
"""

from __future__ import annotations

import hashlib
from base64 import b32encode
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping


def series_id(client: str, recipe: str, inputs: Mapping[str, Any]) -> str:
    """Names the series of a run, in 26 characters of a-z and 2-7 that may stand in keys of any kind.

    Args:
        client: whose runs they are.
        recipe: its name.
        inputs: as they were resolved, defaults included; their order does not matter.
    """
    digest = hashlib.blake2b(digest_size=16, person=b"crawlery series")
    values = msgspec.json.encode(dict(inputs), order="sorted", enc_hook=str)
    for part in (client.encode(), recipe.encode(), values):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return b32encode(digest.digest()).rstrip(b"=").decode().lower()
