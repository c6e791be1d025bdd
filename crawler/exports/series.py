"""Which runs belong together: a series is a recipe of a client with the same inputs, run again and again.

What one run learns the next one of the series builds on: what has changed, and what is usual. Pure; nothing here knows
where that is kept.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import msgspec

from crawler.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crawler.jobs.model import Job
    from crawler.recipe.model import Recipe

#: 128 bits are enough for two series never to be the same.
_BYTES: Final = 16


def series_id(client: str, recipe: str, inputs: Mapping[str, Any]) -> str:
    """The id of a series, 32 digits of 0-9 and a-f.

    Args:
        client: whose recipe it is.
        recipe: its name.
        inputs: as `recipe.inputs.resolve` gives them: with defaults, without secrets; their order does not matter.
    """
    digest = hashlib.blake2b(digest_size=_BYTES, person=b"crawlery series")
    for part in (client.encode(), recipe.encode(), msgspec.json.encode(dict(inputs), order="deterministic")):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()


def series_of_job(job: Job, recipe: Recipe) -> str:
    """The id of the series of a job; `recipe`: as the job has it.

    Inputs that do not fit the recipe, with which no worker can begin, are taken as they are.
    """
    try:
        inputs = recipe.inputs.resolve(job.inputs)
    except InputError:
        inputs = job.inputs
    return series_id(job.client, recipe.name, inputs)


def recipe_digest(text: str) -> str:
    """By which it is known whether a series was last crawled with the same recipe: SHA-256 of its resolved text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
