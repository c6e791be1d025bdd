"""The calls on the audit: who has changed what, and whether anybody has changed that."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from control_api.audit.schemas import AuditListSchema, AuditQuerySchema, AuditReportSchema
from control_api.blueprint import Blueprint
from control_api.gate import needs
from control_api.jobs.cursor import read_cursor, write_cursor
from control_api.problems import Problem, unavailable
from control_api.services import ask, services
from crawler.access.model import Scope
from crawler.audit.checking import verified
from crawler.audit.listing import EventFilter, newest
from crawler.errors import AuditDamaged, StoreAway

if TYPE_CHECKING:
    from crawler.audit.chain import Report
    from crawler.audit.listing import Event, EventPage
    from crawler.store import Store

audit: Final = Blueprint("audit", __name__, url_prefix="/v1/audit", description="Who has changed what.")

#: A verification through the API has so long, in seconds.
VERIFY_PATIENCE_S: Final = 25.0

_PLACE: Final = re.compile(r"[0-9]{1,16}-[0-9]{1,16}", re.ASCII)


@audit.route("", methods=["GET"])
@needs(Scope.ADMIN)
@audit.arguments(AuditQuerySchema, location="query")
@audit.response(200, AuditListSchema)
def list_audit(query: dict[str, Any]) -> dict[str, Any]:
    """List what was changed, the newest first.

    Jobs, keys and clients that were made, changed or ended, and links that were issued: by whom, from where, how it was
    before. A call looks at 2,000 entries at most: with filters a page may be short, or empty, and still have a `next`.
    """
    filters = {
        "client": query.get("client", ""),
        "action": query.get("action", ""),
        "after_ms": query.get("after"),
        "before_ms": query.get("before"),
    }
    after = read_cursor(query.get("cursor", ""), filters, check=_place)
    wanted, objects = EventFilter(**filters), services().objects

    async def look(store: Store) -> EventPage:
        return await newest(store, objects, wanted, after=after, limit=query["limit"])

    try:
        page = ask(look)
    except AuditDamaged as error:
        raise unavailable(str(error)) from error
    return {"entries": [_shown(event) for event in page.events], "next": write_cursor(page.next, filters)}


@audit.route("/verify", methods=["GET"])
@needs(Scope.ADMIN)
@audit.response(200, AuditReportSchema)
def verify_audit() -> dict[str, Any]:
    """Verify the audit.

    Whether every entry that was sealed is there as it was sealed, and none was added or taken away. It takes as long as
    there are entries. A deployment whose API has no AUDIT_KEY answers `409`: then `crawlery audit verify` does it.
    """
    key, objects = services().config.base.audit_key.encode(), services().objects
    if not key:
        raise Problem("conflict", "This API has no AUDIT_KEY, so it cannot tell; `crawlery audit verify` can.")

    async def look(store: Store) -> Report:
        return await verified(store, objects, key=key)

    try:
        report = services().store.ask(look, within_s=VERIFY_PATIENCE_S)
    except StoreAway as error:
        raise unavailable(
            f"It is not done within {VERIFY_PATIENCE_S:.0f} s; `crawlery audit verify` has no such limit."
        ) from error
    return {
        "whole": report.is_whole,
        "sealed": report.sealed,
        "anchored": report.anchored,
        "unsealed": report.unsealed,
        "findings": [
            {"kind": finding.kind, "first": finding.first, "last": finding.last, "why": finding.why}
            for finding in report.findings
        ],
        "unnamed": report.unnamed,
    }


def _place(text: str) -> str:
    if _PLACE.fullmatch(text) is None:
        raise ValueError(f"{text!r} is no id of an entry")
    return text


def _shown(event: Event) -> dict[str, Any]:
    return {
        "id": event.id,
        "number": event.number or None,
        "at": event.at_ms,
        "action": event.action,
        "object": event.object,
        "client": event.client,
        "by": event.by,
        "actor": event.actor,
        "key": event.key,
        "source": event.source,
        "request_id": event.request,
        "before": _members(event.before),
        "after": _members(event.after),
    }


def _members(value: Any) -> dict[str, Any] | None:
    """What an entry says of a thing; somebody who writes to the store may have put something else there."""
    return value if isinstance(value, dict) else None
