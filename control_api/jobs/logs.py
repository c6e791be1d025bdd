"""What the workers of a job have logged, as an answer: from the storage of files, while they run and afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from control_api.jobs.lookup import visible_owner
from control_api.problems import bad_request, not_found, unavailable
from control_api.services import ask, principal, services
from crawler.access.model import Scope
from crawler.errors import InvalidJob
from crawler.exports.keys import JobKeys
from crawler.joblogs.places import Places
from crawler.joblogs.reader import JobLogs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crawler.joblogs.reader import LogPage


def logs_of(job_id: str, query: Mapping[str, Any]) -> dict[str, Any]:
    """Records of a job's logs. A job that has left the store is found by its logs, if it is the caller's own.

    Raises:
        Problem: there is no such job, or it is another client's; a place is none; the logs are damaged.
        ObjectStoreError: the storage of files does not answer.
    """
    owner = ask(lambda store: visible_owner(store, job_id, also=Scope.ADMIN))
    try:
        keys = JobKeys(client=owner or principal().client.id, job=job_id)
    except InvalidJob:
        raise not_found("job") from None
    logs = JobLogs(services().objects, keys, cache=services().log_indexes)
    if owner is None and logs.is_empty:
        raise not_found("job")
    places = {name: _place(query[name], name, job_id) for name in ("before", "after") if name in query}
    if len(places) > 1:
        raise bad_request([("/query/before", "cannot be together with after")])
    try:
        page = _page(logs, query, places)
    except ValueError as error:
        raise unavailable(f"The logs of this job cannot be read: {error}.") from error
    return {
        "records": [
            {"node": record.node, "worker": record.worker, "level": record.level, "text": record.text}
            for record in page.records
        ],
        "earlier": None if page.earlier is None else page.earlier.text(job_id),
        "next": page.next.text(job_id),
    }


def _page(logs: JobLogs, query: Mapping[str, Any], places: Mapping[str, Places]) -> LogPage:
    wanted = {"level": query["level"], "text": query.get("text", ""), "worker": query.get("worker", "")}
    if "after" in places:
        return logs.after(places["after"], limit=query["limit"], **wanted)
    return logs.newest(limit=query["limit"], before=places.get("before"), **wanted)


def _place(text: str, name: str, job_id: str) -> Places:
    try:
        return Places.read(text, job_id)
    except ValueError:
        said = "is no place in the logs of this job; take it from an answer, or leave it out"
        raise bad_request([(f"/query/{name}", said)]) from None
