"""The manifest of a job: which files it has, made of which segments, and how it ended.

It is written once, on condition that there is none: that is the moment at which a job has ended, whatever the store
says. Whoever comes second reads the first one and goes by it. JSON, for people and other programs too.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from crawler.errors import NoSuchObject, ObjectStoreError
from crawler.exports.compose import ComposedFile  # noqa: TC001 - msgspec reads the annotations, here and below
from crawler.jobs.model import Outcome, State  # noqa: TC001
from crawler.jobs.segments import Segment  # noqa: TC001
from crawler.wire import Undecodable

if TYPE_CHECKING:
    from crawler.exports.keys import JobKeys
    from crawler.exports.objects import ObjectInfo, ObjectStore

#: Raised whenever an older reader could misread what is written.
VERSION: Final = 1

CONTENT_TYPE: Final = "application/json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """See the module.

    Attributes:
        v: version of the format.
        job: id of the job.
        client: whose it is.
        recipe: name of its recipe, or of its spider.
        recipe_sha256: of the recipe's text; "" for a spider.
        state: how it ended.
        outcome: what its files are worth.
        withheld: its rows are not what the recipe asks for: files are not given out without being asked twice.
        why: a sentence for everything that kept it from `complete`.
        files: composed from the segments.
        segments: all of them, in order; each names the digest of the one before.
        accepted: pages that were found.
        settled: pages by outcome.
        rows: by item.
        created_ms: when it was written, ms since 1970 of the store's clock.
    """

    v: int = VERSION
    job: str
    client: str
    recipe: str
    recipe_sha256: str = ""
    state: State
    outcome: Outcome
    withheld: bool = False
    why: tuple[str, ...] = ()
    files: tuple[ComposedFile, ...] = ()
    segments: tuple[Segment, ...] = ()
    accepted: int = 0
    settled: dict[str, int]
    rows: dict[str, int]
    created_ms: int


def encode_manifest(manifest: Manifest) -> bytes:
    """The manifest as JSON that a person can read."""
    return msgspec.json.format(msgspec.json.encode(manifest))


def decode_manifest(encoded: bytes) -> Manifest:
    """The manifest that `encode_manifest` wrote.

    Raises:
        Undecodable: no manifest, or one of another version.
    """
    try:
        manifest = msgspec.json.decode(encoded, type=Manifest)
    except (msgspec.DecodeError, ValueError) as error:
        raise Undecodable(f"no manifest: {encoded[:80]!r}...: {error}") from error
    if manifest.v != VERSION:
        raise Undecodable(f"a manifest of version {manifest.v}; this reader knows {VERSION}")
    return manifest


def read_manifest(objects: ObjectStore, keys: JobKeys) -> Manifest | None:
    """The manifest of a job; None if it has none yet.

    Raises:
        ObjectStoreError: the storage of files does not answer.
        Undecodable: it is of another version.
    """
    try:
        return decode_manifest(objects.get(keys.manifest))
    except NoSuchObject:
        return None


def publish(objects: ObjectStore, keys: JobKeys, manifest: Manifest) -> Manifest:
    """Writes the manifest if there is none; answers the one that holds, which may be that of another steward.

    Raises:
        ObjectStoreError: the storage of files does not take it; it may have been written all the same.
        Undecodable: there is one of another version.
    """
    if objects.put(keys.manifest, encode_manifest(manifest), content_type=CONTENT_TYPE, only_new=True):
        return manifest
    published = read_manifest(objects, keys)
    if published is None:
        raise ObjectStoreError(f"{keys.manifest} was there a moment ago, and is not any more", passing=True)
    return published


def orphans(objects: ObjectStore, keys: JobKeys, manifest: Manifest, *, older_than_s: float = 0) -> list[ObjectInfo]:
    """Segments and files of an ended job that its manifest does not name: they do not exist, and may be removed.

    Args:
        objects: where they are.
        keys: of the job.
        manifest: of the job.
        older_than_s: younger ones are left out; somebody may be about to find out that he came second.

    Raises:
        ObjectStoreError: the storage of files does not list them.
    """
    named = {segment.key for segment in manifest.segments} | {file.key for file in manifest.files}
    before_s = time.time() - older_than_s
    return [
        info
        for prefix in (keys.segment_prefix, keys.file_prefix)
        for info in objects.list(prefix)
        if info.key not in named and (not older_than_s or info.modified_s < before_s)
    ]
