"""Overrides: a person publishes the files of a job although they are not what its recipe asks for.

The manifest of a job never changes. An override is a second object beside it, put only if there is none: who has
published the files, when and why. It holds for the one manifest whose hash it names.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from crawler.errors import ManifestDamaged, NoSuchObject, NothingToPublish, ObjectStoreError

if TYPE_CHECKING:
    from crawler.exports.keys import JobKeys
    from crawler.exports.manifest import Manifest
    from crawler.exports.objects import ObjectStore

#: Raised whenever an older reader could misread what is written.
VERSION: Final = 1

CONTENT_TYPE: Final = "application/json"

#: A reason is one line of so many characters at most.
MAX_REASON_CHARACTERS: Final = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Override:
    """Who has published the files of a job, and why.

    Attributes:
        version: of the format.
        job: whose files.
        client: whose job.
        manifest_sha256: of the manifest that was published.
        by: the client whose key was used; of a command, user and machine.
        key: id of the key; "" of a command.
        reason: in the words of that person.
        at_ms: when, ms since 1970.
    """

    version: int = VERSION
    job: str
    client: str
    manifest_sha256: str
    by: str
    key: str = ""
    reason: str
    at_ms: int


def read_override(objects: ObjectStore, keys: JobKeys) -> Override | None:
    """The override of a job; None if it has none.

    Raises:
        ManifestDamaged: what is there is none, or that of another job.
        ObjectStoreError: it cannot be read.
    """
    try:
        override = msgspec.json.decode(objects.get(keys.override), type=Override)
    except NoSuchObject:
        return None
    except (msgspec.DecodeError, ValueError) as error:
        raise ManifestDamaged(f"{keys.override}: no override: {error}") from error
    if (override.client, override.job, override.version) != (keys.client, keys.job, VERSION):
        raise ManifestDamaged(f"{keys.override}: it is that of job {override.job} of {override.client}")
    return override


def override_of(objects: ObjectStore, keys: JobKeys, manifest: Manifest) -> Override | None:
    """The override that holds for a manifest; None if it is not withheld, or nobody has published it.

    Raises:
        ManifestDamaged: what is there is none, or that of another manifest.
        ObjectStoreError: it cannot be read.
    """
    if not manifest.withheld:
        return None
    override = read_override(objects, keys)
    if override is not None and override.manifest_sha256 != manifest_sha256(objects, keys):
        raise ManifestDamaged(f"{keys.override}: it is that of another manifest")
    return override


def check_publishable(manifest: Manifest) -> None:
    """Whether there is anything to override.

    Raises:
        NothingToPublish: the files of the job are given out as it is.
    """
    if not manifest.withheld:
        raise NothingToPublish(f"the files of job {manifest.job} are not withheld ({manifest.outcome})")


def put_override(objects: ObjectStore, keys: JobKeys, override: Override) -> Override:
    """Publishes the files of a job, unless somebody has: ONE conditional put decides.

    Returns:
        The override that the job has; the first one stays, whoever comes later.

    Raises:
        ObjectStoreError: it is not known whether it was put; repeat it.
        ManifestDamaged: what is there is no override of this job.
    """
    encoded = msgspec.json.format(msgspec.json.encode(override, order="deterministic"), indent=2) + b"\n"
    if objects.put(keys.override, encoded, content_type=CONTENT_TYPE, only_new=True):
        return override
    there = read_override(objects, keys)
    if there is None:
        raise ObjectStoreError(f"{keys.override}: it was there, and is not any more", passing=True)
    return there


def manifest_sha256(objects: ObjectStore, keys: JobKeys) -> str:
    """In hexadecimal, of the manifest of a job as it lies there.

    Raises:
        NoSuchObject: there is none.
        ObjectStoreError: it cannot be read.
    """
    return hashlib.sha256(objects.get(keys.manifest)).hexdigest()
