"""The manifest of a job: which files it has come to, and of which segments. Putting it is the job's commit point.

There is one manifest of a job, whoever makes it: it is put only if there is none, and whoever finds another one adopts
it. What no manifest and no record names are orphans, of processes that died between writing and recording.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec

from crawler.errors import ManifestDamaged, NoSuchObject, ObjectStoreError
from crawler.exports.bands import BandsInForce
from crawler.exports.compose import ComposedFile  # noqa: TC001 - msgspec reads the types of `Manifest`
from crawler.exports.figures import Figures
from crawler.exports.series_store import SeriesRecord  # noqa: TC001 - as above
from crawler.jobs.model import Outcome, State  # noqa: TC001 - as above
from crawler.jobs.segments import Segment  # noqa: TC001 - as above

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crawler.exports.keys import JobKeys
    from crawler.exports.objects import ObjectInfo, ObjectStore

#: Raised whenever an older reader could misread what is written.
VERSION: Final = 1

CONTENT_TYPE: Final = "application/json"


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerSummary:
    """The books of a job at its end.

    Attributes:
        accepted: pages found.
        settled: pages by outcome.
        rows: kept, by item.
        rejected: rows that broke a contract.
        unfetched: sentences on pages that should have been fetched, and were not.
    """

    accepted: int = 0
    settled: dict[str, int] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    rejected: int = 0
    unfetched: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """What a job was judged by.

    Attributes:
        figures: what was counted.
        bands: what it was compared with, for a recipe that learns from earlier runs.
    """

    figures: Figures = field(default_factory=Figures)
    bands: BandsInForce = field(default_factory=BandsInForce)


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """What a job has come to.

    Attributes:
        version: of the format.
        job: its id.
        client: whose it is.
        recipe: name; "" for an ordinary spider.
        recipe_sha256: of its text; ditto.
        state: the end: succeeded, failed, cancelled or expired.
        outcome: what the files are worth.
        withheld: the files are kept, and given out only to those who ask for withheld ones.
        why: a sentence for everything that kept it from `complete`.
        files: see `ComposedFile`.
        segments: of which they were made, in their order, as the store has recorded them.
        chain: `digest` of the last segment, in which all others are; filled in, "" without any.
        joined: the jobs whose rows come before those of the segments, the first one first: pages of them that failed
            were fetched again by this one.
        replay_key: of the object that a replay of its failed pages begins with; "" = nothing can be replayed.
        series: what it has done in its series; None unless its recipe is incremental. The objects that this names are
            not those of the job.
        ledger: the books; with those of `joined`.
        judged: what it was judged by; with those of `joined`.
        created_ms: when it was made, ms since 1970 of the store's clock.
        attempt: which composition of this job it is, from 1.

    Raises:
        ValueError: `chain` is not that of the segments.
    """

    version: int = VERSION
    job: str
    client: str
    recipe: str = ""
    recipe_sha256: str = ""
    state: State
    outcome: Outcome
    withheld: bool = False
    why: tuple[str, ...] = ()
    files: tuple[ComposedFile, ...] = ()
    segments: tuple[Segment, ...] = ()
    chain: str = ""
    joined: tuple[str, ...] = ()
    replay_key: str = ""
    series: SeriesRecord | None = None
    ledger: LedgerSummary = LedgerSummary()
    judged: Judged = field(default_factory=Judged)
    created_ms: int
    attempt: int = 1

    def __post_init__(self) -> None:
        chain = self.segments[-1].digest if self.segments else ""
        if self.chain not in ("", chain):
            raise ValueError(f"the chain of a manifest is {self.chain}, but that of its segments is {chain}")
        object.__setattr__(self, "chain", chain)

    @property
    def keys(self) -> frozenset[str]:
        """Of all objects that it names."""
        single = [self.replay_key] if self.replay_key else []
        return frozenset([*(file.key for file in self.files), *(segment.key for segment in self.segments), *single])


def encode_manifest(manifest: Manifest) -> bytes:
    """JSON for people and programs: the same bytes for the same manifest."""
    return msgspec.json.format(msgspec.json.encode(manifest, order="deterministic"), indent=2) + b"\n"


def decode_manifest(encoded: bytes) -> Manifest:
    """The manifest that `encode_manifest` wrote.

    Raises:
        ManifestDamaged: no manifest, or one of another version.
    """
    try:
        version = msgspec.json.decode(encoded, type=_Versioned).version
        if version == VERSION:
            return msgspec.json.decode(encoded, type=Manifest)
    except (msgspec.DecodeError, ValueError) as error:
        raise ManifestDamaged(f"{encoded[:40]!r}...: no manifest: {error}") from error
    raise ManifestDamaged(f"a manifest of version {version} of the format; this reader knows {VERSION}")


def read_manifest(objects: ObjectStore, keys: JobKeys) -> Manifest | None:
    """The manifest of a job; None if it has none.

    Raises:
        ManifestDamaged: what is there is none, or that of another job.
        ObjectStoreError: it cannot be read.
    """
    try:
        manifest = decode_manifest(objects.get(keys.manifest))
    except NoSuchObject:
        return None
    if (manifest.client, manifest.job) != (keys.client, keys.job):
        raise ManifestDamaged(f"{keys.manifest}: it is that of job {manifest.job} of {manifest.client}")
    return manifest


def publish(objects: ObjectStore, keys: JobKeys, manifest: Manifest) -> Manifest:
    """Puts the manifest of a job, unless it has one: ONE conditional put decides.

    Repeating it is safe: after a lost answer it finds its own manifest, or that of somebody who came first.

    Returns:
        The manifest that the job has. Its files count; those of `manifest`, if it is another one, are orphans.

    Raises:
        ObjectStoreError: it is not known whether it was put; repeat it.
        ManifestDamaged: what is there is no manifest of this job.
        ValueError: `manifest` is that of another job, or names objects of one.
    """
    foreign = sorted(key for key in manifest.keys if not key.startswith(keys.prefix))
    if (manifest.client, manifest.job) != (keys.client, keys.job) or foreign:
        raise ValueError(f"{keys.manifest}: a manifest of {manifest.client}/{manifest.job}, which names {foreign}")
    if objects.put(keys.manifest, encode_manifest(manifest), content_type=CONTENT_TYPE, only_new=True):
        return manifest
    there = read_manifest(objects, keys)
    if there is None:
        raise ObjectStoreError(f"{keys.manifest}: it was there, and is not any more", passing=True)
    return there


def orphans(
    objects: ObjectStore,
    keys: JobKeys,
    known: Manifest | Sequence[Segment],
    *,
    older_than_s: float,
    now_s: float,
) -> list[ObjectInfo]:
    """Segments and files of a job that nothing names: of processes that died before they had recorded them.

    Args:
        objects: where they lie.
        keys: of the job.
        known: its manifest, or its recorded segments while it has none.
        older_than_s: younger ones may still be recorded; longer than any composition takes.
        now_s: seconds since 1970, of the storage's clock.

    Raises:
        ObjectStoreError: they cannot be listed.
    """
    named = known.keys if isinstance(known, Manifest) else {segment.key for segment in known}
    return [
        found
        for prefix in (keys.segment_prefix, keys.file_prefix)
        for found in objects.list(prefix)
        if found.key not in named and found.modified_s < now_s - older_than_s
    ]


class _Versioned(msgspec.Struct):
    version: int
