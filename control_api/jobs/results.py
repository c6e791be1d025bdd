"""Files of a job as links: only what its manifest names, or recorded pieces of a job that runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from control_api.jobs.lookup import visible_owner
from control_api.problems import not_found, unavailable
from control_api.services import ask, origin, principal, services
from crawler.access.model import Scope
from crawler.audit.store import AuditStore
from crawler.errors import InvalidJob, ManifestDamaged
from crawler.exports.keys import JobKeys
from crawler.exports.manifest import read_manifest
from crawler.exports.overrides import override_of
from crawler.frontier.row_stream import RedisRowStream
from crawler.jobs.redis import RedisJobStore
from crawler.recipe.loader import is_judged

if TYPE_CHECKING:
    from crawler.exports.manifest import Manifest
    from crawler.exports.overrides import Override
    from crawler.jobs.segments import Segment
    from crawler.jobs.store_contract import StoredJob
    from crawler.store import Store


def results_of(job_id: str, *, expires_s: int) -> dict[str, Any]:
    """What there is of a job, with links that live for so long.

    A job that has left the store is found by its manifest, if it is the caller's own.

    Raises:
        Problem: there is no such job, or it is another client's.
        ObjectStoreError: the storage of files does not answer.
    """
    owner = ask(lambda store: visible_owner(store, job_id, also=Scope.SUPPORT_READ))
    try:
        keys = JobKeys(client=owner or principal().client.id, job=job_id)
        manifest = read_manifest(services().objects, keys)
        override = None if manifest is None else override_of(services().objects, keys, manifest)
    except InvalidJob:
        raise not_found("job") from None
    except ManifestDamaged as error:
        raise unavailable(f"The files of this job cannot be told: {error}") from error
    if manifest is not None:
        return _noted(_final(manifest, override, expires_s), keys.client)
    if owner is None:
        raise not_found("job")
    return _noted(_so_far(*ask(lambda store: _pieces(store, job_id)), expires_s), keys.client)


def publication(override: Override | None) -> dict[str, Any] | None:
    """Who has published files that were withheld; None if nobody has."""
    if override is None:
        return None
    return {"at": override.at_ms, "by": override.by, "key": override.key, "reason": override.reason}


def _noted(found: dict[str, Any], client: str) -> dict[str, Any]:
    """The same, when the audit has it: no link is issued that it does not know of."""
    links = [*found["files"], *found["segments"]]
    if links:
        by, job_id = origin(), found["job"]
        after = {"links": len(links), "expires_ms": links[0]["expires_at"]}
        ask(lambda store: AuditStore(store).note_links(by, job_id, client=client, after=after))
    return found


def _final(manifest: Manifest, override: Override | None, expires_s: int) -> dict[str, Any]:
    until_ms = principal().now_ms + expires_s * 1000
    withheld = manifest.withheld and override is None
    files = () if withheld else manifest.files
    objects = services().objects
    return {
        "job": manifest.job,
        "state": manifest.state,
        "outcome": manifest.outcome,
        "final": True,
        "withheld": withheld,
        "published": publication(override),
        "why": list(manifest.why),
        "files": [
            {
                "name": file.name,
                "item": file.item,
                "format": file.format,
                "content_type": file.content_type,
                "columns": list(file.columns),
                "rows": file.rows,
                "size_bytes": file.size_bytes,
                "sha256": file.sha256,
                "url": objects.link(file.key, file_name=file.name, expires_s=expires_s),
                "expires_at": until_ms,
            }
            for file in files
        ],
        "segments": [],
    }


async def _pieces(store: Store, job_id: str) -> tuple[StoredJob, tuple[Segment, ...]]:
    stored = await RedisJobStore(store).get(job_id)
    if stored is None:
        raise not_found("job")
    return stored, await RedisRowStream(store, job=job_id).segments()


def _so_far(stored: StoredJob, segments: tuple[Segment, ...], expires_s: int) -> dict[str, Any]:
    job = stored.job
    withheld = bool(job.recipe_text) and is_judged(job.recipe_text)
    why = [stored.status.why] if stored.status.why else []
    if withheld:
        why.append("the rows are judged before anybody gets them")
    until_ms, objects = principal().now_ms + expires_s * 1000, services().objects
    names = {segment.key: f"{job.id}-{segment.number:06d}.jsonl.zst" for segment in segments}
    return {
        "job": job.id,
        "state": stored.status.state,
        "outcome": stored.status.outcome,
        "final": False,
        "withheld": withheld,
        "published": None,
        "why": why,
        "files": [],
        "segments": [
            {
                "name": names[segment.key],
                "rows": segment.row_count,
                "size_bytes": segment.size_bytes,
                "url": objects.link(segment.key, file_name=names[segment.key], expires_s=expires_s),
                "expires_at": until_ms,
            }
            for segment in (() if withheld else segments)
        ],
    }
