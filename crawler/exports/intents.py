"""Intents: a job that was accepted, as an object beside its files, so that it outlives a store that loses it.

Whoever accepts a job writes its intent before the client is told; a steward accepts it again from there when the store
has forgotten it. It holds the whole order, its secret too: it is as private as the rows.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Final

import msgspec

from crawler.errors import NoSuchObject
from crawler.exports.keys import INTENTS, intent_job, intent_key
from crawler.jobs.codec import decode_job, encode_job
from crawler.wire import Undecodable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crawler.exports.objects import ObjectStore
    from crawler.jobs.model import Job

#: Raised whenever an older reader could misread what is written.
VERSION: Final = 1


class _Intent(msgspec.Struct, frozen=True, kw_only=True):
    v: int
    job: str
    record: str


def write_intent(objects: ObjectStore, job: Job, *, only_new: bool = False) -> bool:
    """Keeps the order of a job; the same job again replaces it, unless `only_new`.

    Returns:
        Whether it was written. With `only_new` and an answer that got lost, the one that is there may be this one.

    Raises:
        ObjectStoreError: the storage of files does not take it.
    """
    intent = _Intent(v=VERSION, job=job.id, record=b64encode(encode_job(job)).decode())
    encoded = msgspec.json.encode(intent)
    return objects.put(intent_key(job.id), encoded, content_type="application/json", only_new=only_new)


def read_intent(objects: ObjectStore, job: str) -> Job | None:
    """The order of a job; None if there is no intent of it (any more).

    Raises:
        ObjectStoreError: the storage of files does not give it.
        Undecodable: it is none, or of another version.
    """
    try:
        encoded = objects.get(intent_key(job))
    except NoSuchObject:
        return None
    try:
        intent = msgspec.json.decode(encoded, type=_Intent)
        if intent.v == VERSION:
            return decode_job(b64decode(intent.record, validate=True))
    except (msgspec.DecodeError, ValueError) as error:
        raise Undecodable(f"the intent of job {job}: {error}") from error
    raise Undecodable(f"the intent of job {job}: version {intent.v} of the format; this reader knows {VERSION}")


def intents(objects: ObjectStore) -> Iterator[str]:
    """Ids of the jobs that have an intent.

    Raises:
        ObjectStoreError: the storage of files does not list them.
    """
    for info in objects.list(f"{INTENTS}/"):
        job = intent_job(info.key)
        if job is not None:
            yield job


def forget_intent(objects: ObjectStore, job: str) -> None:
    """Removes an intent: the job has ended, and its manifest says so.

    Raises:
        ObjectStoreError: the storage of files does not do it.
    """
    objects.delete([intent_key(job)])
