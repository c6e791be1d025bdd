"""`crawlery clients ...`: whose jobs and keys the control API has, and how much they may use. For admins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click
from msgspec import UNSET

from crawler.cli import console, exits
from crawler.cli.api_target import api_target, opened, print_json, with_api, with_json
from crawler.cli.groups import CommandFailed, CommandGroup
from crawler.client.model import ClientAccount, Quotas

if TYPE_CHECKING:
    from collections.abc import Callable

#: Of `--option none`: the quota is taken away. Told from an option that was not typed.
_NO_LIMIT: Final = -1


class Most(click.ParamType[int]):
    """A whole number from 0 on, or `none`."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number; `_NO_LIMIT` of none."""
        text = str(value).strip()
        if text.lower() == "none" or value == _NO_LIMIT:
            return _NO_LIMIT
        if not (text.isascii() and text.isdecimal()):
            self.fail(f"{value!r} is neither a whole number nor `none`", param, ctx)
        return int(text)


def _with_facts(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say what is kept of a client."""
    for option, text in (
        ("--rate-limit", "Requests to the API, such as 600/minute; empty: as the deployment has it."),
        ("--requests-per-day", "Pages that its jobs may fetch; `none`: no limit."),
        ("--jobs-per-day", "Jobs that it may make; `none`: no limit."),
        ("--running-jobs", "Jobs that have not ended; `none`: no limit."),
        ("--name", "For people."),
    ):
        kind = Most() if option in ("--requests-per-day", "--jobs-per-day", "--running-jobs") else None
        command = click.option(option, type=kind, help=text)(command)
    return command


@click.group(cls=CommandGroup)
def clients() -> None:
    """Clients of the API: whose jobs and keys there are."""


@clients.command("list")
@with_api
@with_json
def list_clients(*, api_url: str | None, as_json: bool) -> int:
    """The clients there are, with their quotas."""
    with opened(api_target(api_url)) as api:
        found = api.clients.list()
    if as_json:
        print_json({"clients": found})
        return exits.OK
    if not found:
        console.note("there is no client; `crawlery clients create ID` makes one")
        return exits.OK
    names = ["client", "name", "running jobs", "jobs a day", "requests a day", "rate", "state"]
    console.print_rows(console.out(), names, [list(_facts(client).values()) for client in found])
    return exits.OK


@clients.command("show")
@click.argument("client_id", metavar="ID")
@with_api
@with_json
def show(*, client_id: str, api_url: str | None, as_json: bool) -> int:
    """One client, with its quotas."""
    with opened(api_target(api_url)) as api:
        client = api.clients.get(client_id)
    if as_json:
        print_json(client)
    else:
        _print(client)
    return exits.OK


@clients.command("create")
@click.argument("client_id", metavar="ID")
@with_api
@_with_facts
def create(
    *,
    client_id: str,
    api_url: str | None,
    name: str | None,
    running_jobs: int | None,
    jobs_per_day: int | None,
    requests_per_day: int | None,
    rate_limit: str | None,
) -> int:
    """Make a client. It can do nothing yet: `crawlery keys create --client ID` gives it a key."""
    limits = {"running_jobs": running_jobs, "jobs_per_day": jobs_per_day, "requests_per_day": requests_per_day}
    quotas = Quotas(**{each: most for each, most in limits.items() if most != _NO_LIMIT})
    with opened(api_target(api_url)) as api:
        client = api.clients.create(client_id, name=name or "", quotas=quotas, rate_limit=rate_limit)
    _print(client)
    return exits.OK


@clients.command("update")
@click.argument("client_id", metavar="ID")
@with_api
@_with_facts
@click.option("--disable/--enable", "disabled", default=None, help="Refuse its keys, or take them again.")
def update(
    *,
    client_id: str,
    api_url: str | None,
    name: str | None,
    running_jobs: int | None,
    jobs_per_day: int | None,
    requests_per_day: int | None,
    rate_limit: str | None,
    disabled: bool | None,
) -> int:
    """Change what is typed, and leave the rest."""
    limits = {"running_jobs": running_jobs, "jobs_per_day": jobs_per_day, "requests_per_day": requests_per_day}
    quotas = {each: None if most == _NO_LIMIT else most for each, most in limits.items() if most is not None}
    if not quotas and name is None and rate_limit is None and disabled is None:
        raise CommandFailed("what is to change? `crawlery clients update --help` shows what can")
    with opened(api_target(api_url)) as api:
        client = api.clients.update(
            client_id,
            name=UNSET if name is None else name,
            quotas=quotas or UNSET,
            rate_limit=UNSET if rate_limit is None else rate_limit,
            disabled=UNSET if disabled is None else disabled,
        )
    _print(client)
    return exits.OK


def _print(client: ClientAccount) -> None:
    to = console.out()
    for name, value in _facts(client).items():
        console.line(to, f"{name:<15} {console.shown(value or '-')}")


def _facts(client: ClientAccount) -> dict[str, str]:
    quotas = client.quotas
    return {
        "client": client.id,
        "name": client.name,
        "running jobs": _most(quotas.running_jobs),
        "jobs a day": _most(quotas.jobs_per_day),
        "requests a day": _most(quotas.requests_per_day),
        "rate": client.rate_limit or "",
        "state": "disabled" if client.disabled else "good",
    }


def _most(quota: int | None) -> str:
    return "no limit" if quota is None else f"{quota:,}"
