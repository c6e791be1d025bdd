"""What a job was judged by, and files that a person publishes all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from control_api.jobs.lookup import visible_owner
from control_api.jobs.results import publication
from control_api.problems import not_found, unavailable
from control_api.services import ask, origin, principal, services
from crawler.access.model import Scope
from crawler.audit.store import AuditStore
from crawler.errors import InvalidJob, ManifestDamaged, TransitionRefused
from crawler.exports.history import learned_of_recipe
from crawler.exports.keys import JobKeys
from crawler.exports.manifest import read_manifest
from crawler.exports.overrides import override_of
from crawler.exports.publication import publish_withheld
from crawler.jobs.redis import RedisJobStore

if TYPE_CHECKING:
    from crawler.exports.bands import BandsInForce
    from crawler.exports.figures import Figures
    from crawler.exports.manifest import Manifest
    from crawler.exports.overrides import Override


def quality_of(job_id: str) -> dict[str, Any]:
    """What a job was judged by.

    Raises:
        Problem: there is no such job, or it is another client's.
        TransitionRefused: it has not ended.
        ObjectStoreError: the storage of files does not answer.
    """
    keys, manifest = _ended(job_id)
    try:
        override = override_of(services().objects, keys, manifest)
    except ManifestDamaged as error:
        raise unavailable(f"Whether this job was published cannot be told: {error}") from error
    return _judged(manifest, override)


def published(job_id: str, reason: str) -> dict[str, Any]:
    """Publishes the files of a job that are withheld; who has done it, which may be somebody before.

    Raises:
        Problem: there is no such job, or it is another client's.
        TransitionRefused: it has not ended.
        NothingToPublish: its files are not withheld.
        ObjectStoreError: the storage of files does not answer.
    """
    keys, manifest = _ended(job_id)
    by, caller = origin(), principal()

    def note() -> None:
        after = {"withheld": False, "outcome": manifest.outcome, "reason": reason}
        ask(lambda store: AuditStore(store).note_publication(by, job_id, client=keys.client, after=after))

    try:
        override = publish_withheld(
            services().objects,
            keys,
            manifest,
            by=caller.client.id,
            key=caller.key.id,
            reason=reason,
            at_ms=caller.now_ms,
            note=note,
        )
    except ManifestDamaged as error:
        raise unavailable(f"This job cannot be published: {error}") from error
    return {"job": job_id, **(publication(override) or {})}


def _ended(job_id: str) -> tuple[JobKeys, Manifest]:
    """The manifest of a job; one that has left the store is found by it, if it is the caller's own."""
    owner = ask(lambda store: visible_owner(store, job_id, also=Scope.ADMIN))
    try:
        keys = JobKeys(client=owner or principal().client.id, job=job_id)
        manifest = read_manifest(services().objects, keys)
    except InvalidJob:
        raise not_found("job") from None
    except ManifestDamaged as error:
        raise unavailable(f"What this job was judged by cannot be told: {error}") from error
    if manifest is not None:
        return keys, manifest
    status = None if owner is None else ask(lambda store: RedisJobStore(store).status(job_id))
    if status is None:
        raise not_found("job")
    raise TransitionRefused(f"job {job_id} is {status.state}; it is judged when it has ended", state=status.state)


def _judged(manifest: Manifest, override: Override | None) -> dict[str, Any]:
    return {
        "job": manifest.job,
        "state": manifest.state,
        "outcome": manifest.outcome,
        "withheld": manifest.withheld and override is None,
        "why": list(manifest.why),
        "figures": _figures(manifest.judged.figures),
        "bands": bands(manifest.judged.bands),
        "published": publication(override),
    }


def _figures(figures: Figures) -> dict[str, Any]:
    return {
        "rows": figures.rows,
        "rejected": figures.rejected,
        "rejected_share": figures.rejected_share,
        "fetched": figures.fetched,
        "http_errors": figures.http_errors,
        "http_error_share": figures.error_share,
        "coverage": [
            {
                "item": each.item,
                "field": each.field,
                "places": each.places,
                "filled": each.filled,
                "share": each.share,
            }
            for each in figures.coverage
        ],
    }


def learned(recipe: str) -> dict[str, Any]:
    """Where the next runs of a recipe should be, of the caller's own.

    Raises:
        Problem: nothing was learned of it.
        ObjectStoreError: the storage of files does not answer.
    """
    found = learned_of_recipe(services().objects, principal().client.id, recipe)
    if not found:
        raise not_found("run of this recipe to learn from")
    return {
        "series": [
            {"series": each.series, "job": each.job, "at": each.at_ms, "bands": bands(each.bands)} for each in found
        ]
    }


def bands(found: BandsInForce) -> dict[str, Any]:
    """What a run is compared with."""
    return {
        "runs": found.runs,
        "minimum_runs": found.minimum_runs,
        "why": found.sentence,
        "figures": [
            {
                "figure": band.figure,
                "runs": band.runs,
                "median": band.median,
                "low": band.low,
                "high": band.high,
                "value": band.value,
                "kept": band.is_kept,
            }
            for band in found.bands
        ],
    }
