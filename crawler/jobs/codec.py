"""Jobs on the wire: msgpack with a version, never pickle; and the plain fields in which a store keeps a status.

A reader skips what it does not know and takes the default for what is missing, so a new optional field needs no new
version. Knows no store.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from crawler.errors import InvalidJob
from crawler.jobs.model import LATEST_MS, Job, JobStatus
from crawler.wire import NotEncodable, Undecodable, pack, unpack

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Raised whenever an older reader could misread what is written.
VERSION: Final = 1

#: A larger job is refused: recipes have 256 KiB at most, and one call to a store has 1 MiB.
MAX_JOB_BYTES: Final = 1024 * 1024

#: The fields of a status as a store keeps them, each as text; what is None or empty there may be missing.
STATUS_FIELDS: Final = (
    "state",
    "intended",
    "outcome",
    "why",
    "epoch",
    "version",
    "queued_ms",
    "started_ms",
    "finishing_ms",
    "finished_ms",
)

_T = TypeVar("_T", Job, JobStatus)

_VERSIONED: Final = msgspec.msgpack.Decoder(tuple[int, msgspec.Raw])
_JOB: Final = msgspec.msgpack.Decoder(Job, ext_hook=unpack)
_STATUS: Final = msgspec.msgpack.Decoder(JobStatus, ext_hook=unpack)


def encode_job(job: Job) -> bytes:
    """The bytes of a job.

    Raises:
        InvalidJob: an input is no plain value, a text is no Unicode, or it is more than `MAX_JOB_BYTES`.
    """
    try:
        encoded = msgspec.msgpack.encode((VERSION, replace(job, inputs=pack(job.inputs, "inputs"))))
    except (NotEncodable, UnicodeEncodeError, OverflowError) as error:
        raise InvalidJob(f"job {job.id} cannot be stored: {error}") from error
    if len(encoded) > MAX_JOB_BYTES:
        raise InvalidJob(f"job {job.id} has {len(encoded):,} bytes; at most {MAX_JOB_BYTES:,} are stored")
    return encoded


def decode_job(encoded: bytes) -> Job:
    """The job that `encode_job` wrote.

    Raises:
        Undecodable: no such job, or one of another version.
    """
    return _decoded(encoded, _JOB)


def stored_job(record: bytes, created_ms: bytes | None) -> Job:
    """The job from the two fields in which a store keeps it: what `encode_job` wrote, and when it was accepted.

    Raises:
        Undecodable: one of them is not what it should be.
    """
    if created_ms is None or not created_ms.isdigit() or len(created_ms) > len(str(LATEST_MS)):
        raise Undecodable(f"{created_ms!r} is no time at which a job was accepted")
    job = decode_job(record)
    # It is ours alone until it is answered; `replace` would check all of it again, which lists of jobs feel.
    object.__setattr__(job, "created_ms", int(created_ms))
    return job


def encode_status(status: JobStatus) -> bytes:
    """The bytes of a status."""
    return msgspec.msgpack.encode((VERSION, status))


def decode_status(encoded: bytes) -> JobStatus:
    """The status that `encode_status` wrote.

    Raises:
        Undecodable: no such status, or one of another version.
    """
    return _decoded(encoded, _STATUS)


def status_from_fields(values: Sequence[bytes | None]) -> JobStatus:
    """The status from the values of `STATUS_FIELDS`, in that order.

    Raises:
        Undecodable: a field that is needed is missing, or holds something else.
    """
    fields = {name: value.decode(errors="replace") for name, value in zip(STATUS_FIELDS, values, strict=True) if value}
    try:
        return msgspec.convert(fields, JobStatus, strict=False)
    except msgspec.ValidationError as error:
        raise Undecodable(f"{fields!r}: {error}") from error


def _decoded(encoded: bytes, decoder: msgspec.msgpack.Decoder[_T]) -> _T:
    try:
        version, content = _VERSIONED.decode(encoded)
        if version == VERSION:
            return decoder.decode(content)
    except (msgspec.DecodeError, InvalidJob, ValueError, RecursionError) as error:
        raise Undecodable(f"{encoded[:40]!r}...: {error}") from error
    raise Undecodable(f"{encoded[:40]!r}...: version {version} of the format; this reader knows {VERSION}")
