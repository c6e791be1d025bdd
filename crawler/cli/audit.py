"""`crawlery audit ...`: who has changed what, and whether anybody has touched what was noted. For admins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from crawler.cli import console, exits
from crawler.cli.api_target import api_target, opened, print_json, with_api, with_json
from crawler.cli.groups import CommandFailed, CommandGroup
from crawler.cli.keys import Moment
from crawler.cli.stores import run_with_store, storage_of_files, with_store
from crawler.client.model import AuditFinding, AuditReport, time_text
from crawler.config import read_config

if TYPE_CHECKING:
    from datetime import datetime

    from crawler.client.model import AuditEntry
    from crawler.store import Store

_PAGE: Final = 200


@click.group(cls=CommandGroup)
def audit() -> None:
    """Who has changed what, and whether that was touched."""


@audit.command("list")
@with_api
@click.option("--client", metavar="ID", help="What it has done, and what was done to what is its own.")
@click.option("--action", metavar="NAME", help="Such as key.revoked; key alone: all that begin with it.")
@click.option("--after", type=Moment(), metavar="WHEN", help="Not before this time.")
@click.option("--before", type=Moment(), metavar="WHEN", help="Before this time.")
@click.option("-n", "--lines", type=click.IntRange(1, 100_000), default=50, show_default=True, help="At most so many.")
@with_json
def list_entries(
    *,
    api_url: str | None,
    client: str | None,
    action: str | None,
    after: datetime | None,
    before: datetime | None,
    lines: int,
    as_json: bool,
) -> int:
    """What was changed, the newest first."""
    found: list[AuditEntry] = []
    with opened(api_target(api_url)) as api:
        cursor: str | None = None
        while len(found) < lines:
            page = api.audit.list(
                client=client,
                action=action,
                after=after,
                before=before,
                limit=min(_PAGE, lines - len(found)),
                cursor=cursor,
            )
            found += page.entries
            cursor = page.next
            if cursor is None:
                break
    if as_json:
        print_json({"entries": found})
        return exits.OK
    if not found:
        console.note("nothing was changed that is asked for")
        return exits.OK
    rows = [
        [time_text(each.at), each.action, each.object, each.client, each.actor or each.by, each.source, each.request_id]
        for each in found
    ]
    console.print_rows(console.out(), ["at", "action", "object", "of", "by", "from", "request"], rows)
    return exits.OK


@audit.command("verify")
@with_store
@with_api
@with_json
def verify(*, redis_url: str | None, prefix: str, api_url: str | None, as_json: bool) -> int:
    """Tell whether all that was sealed is there as it was; exit status 1 if it is not.

    With AUDIT_KEY in the environment it looks at the store and the storage of files itself; otherwise it asks the API.
    """
    key = read_config().audit_key
    report = _looked_at(redis_url, prefix, key) if key else _asked(api_url)
    if as_json:
        print_json(report)
    else:
        _print(report)
    return exits.OK if report.whole else exits.TESTS_FAILED


def _asked(api_url: str | None) -> AuditReport:
    with opened(api_target(api_url)) as api:
        return api.audit.verify()


def _looked_at(redis_url: str | None, prefix: str, key: str) -> AuditReport:
    from crawler.audit.checking import verified  # noqa: PLC0415 - with the storage that it talks to

    objects = storage_of_files()
    if objects is None:
        raise CommandFailed("where are the anchors? STORAGE_URL in the environment says it: s3://BUCKET/PREFIX")

    async def ask(store: Store) -> AuditReport:
        found = await verified(store, objects, key=key.encode())
        return AuditReport(
            whole=found.is_whole,
            sealed=found.sealed,
            anchored=found.anchored,
            unsealed=found.unsealed,
            findings=tuple(
                AuditFinding(kind=each.kind, first=each.first, last=each.last, why=each.why) for each in found.findings
            ),
            unnamed=found.unnamed,
        )

    return run_with_store(redis_url, prefix, ask)


def _print(report: AuditReport) -> None:
    to = console.out()
    for finding in report.findings:
        where = f"{finding.first}" if finding.first == finding.last else f"{finding.first}-{finding.last}"
        console.line(to, (console.safe(f"{finding.kind} {where}: {finding.why}"), "bold red"))
    if report.unnamed:
        console.line(to, f"... and {report.unnamed:,} more")
    news = report.sealed - report.anchored
    console.line(to, f"{report.sealed:,} entries are sealed; an anchor vouches for {report.anchored:,} of them")
    if news > 0 or report.unsealed:
        console.line(to, f"not yet anchored: {max(0, news):,}, not yet sealed: {report.unsealed:,}")
    if report.whole:
        console.line(to, "nothing is wrong")
