"""Publishes the files of a job that were withheld, in the order in which nothing can be lost.

Whoever asks is noted first: an override that nobody knows of must not be. Then the override is put, which decides; and
then the run may teach. Repeating it is safe at any place, and answers the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawler.exports.history import record_of, write_record
from crawler.exports.overrides import Override, check_publishable, manifest_sha256, override_of, put_override

if TYPE_CHECKING:
    from collections.abc import Callable

    from crawler.exports.keys import JobKeys
    from crawler.exports.manifest import Manifest
    from crawler.exports.objects import ObjectStore


def publish_withheld(
    objects: ObjectStore,
    keys: JobKeys,
    manifest: Manifest,
    *,
    by: str,
    reason: str,
    at_ms: int,
    note: Callable[[], None],
    key: str = "",
) -> Override:
    """Publishes the files of a job; the override that it has then, which may be an earlier one.

    Args:
        objects: where the files are.
        keys: of the job.
        manifest: of the job.
        by: see `Override`.
        reason: ditto.
        at_ms: ditto.
        note: keeps in the audit that somebody does it; called before it is done, and not if it was done before.
        key: see `Override`.

    Raises:
        NothingToPublish: its files are not withheld.
        ManifestDamaged: there is an override of something else.
        ObjectStoreError: the storage of files does not answer; repeat it.
    """
    check_publishable(manifest)
    override = override_of(objects, keys, manifest)
    if override is None:
        note()
        made = Override(
            job=keys.job,
            client=keys.client,
            manifest_sha256=manifest_sha256(objects, keys),
            by=by,
            key=key,
            reason=reason,
            at_ms=at_ms,
        )
        override = put_override(objects, keys, made)
    record = record_of(manifest, overridden=True)
    if record is not None:
        write_record(objects, record)
    return override
