"""`crawlery keys ...`: who may ask the control API, and for what. For admins; through the API."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import click

from crawler.cli import console, exits
from crawler.cli.api_target import api_target, opened, print_json, with_api, with_json
from crawler.cli.groups import CommandGroup
from crawler.client.model import time_text

if TYPE_CHECKING:
    from crawler.client.model import ApiKey, NewKey

_UNITS_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "": 1}


class Duration(click.ParamType[int]):
    """`90`, `30m`, `12h`, `90d`: whole seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Seconds."""
        if isinstance(value, int):
            return value
        found = re.fullmatch(r"([0-9]{1,9})([smhd]?)", str(value).strip())
        if found is None:
            self.fail(f"{value!r} is no duration; such as 3600, 30m, 12h or 90d", param, ctx)
        return int(found[1]) * _UNITS_S[found[2]]


class Moment(click.ParamType[datetime]):
    """A duration from now on, or a date, or a time of ISO 8601; UTC unless it says otherwise."""

    name = "moment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The time."""
        if isinstance(value, datetime):
            return value
        text = str(value).strip()
        if re.fullmatch(r"[0-9]{1,9}[smhd]", text):
            return datetime.now(UTC) + timedelta(seconds=Duration().convert(text, param, ctx))
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            self.fail(f"{value!r} is no time; such as 90d, 2027-01-31 or 2027-01-31T12:00:00Z", param, ctx)
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


@click.group(
    cls=CommandGroup,
    lazy={"bootstrap": ("crawler.cli.keys_bootstrap:bootstrap", "The first key, made in the store itself.")},
)
def keys() -> None:
    """Keys of the API: who may ask, and for what."""


@keys.command("list")
@with_api
@click.option("--client", metavar="ID", help="Only those of this client.")
@with_json
def list_keys(*, api_url: str | None, client: str | None, as_json: bool) -> int:
    """The keys there are, with what is known of them."""
    with opened(api_target(api_url)) as api:
        found = api.keys.list(client=client)
    if as_json:
        print_json({"keys": found})
        return exits.OK
    if not found:
        console.note("there is no key" + (f" of {client}" if client else ""))
        return exits.OK
    rows = [
        [key.id, key.client, " ".join(key.scopes), _state(key), _day(key.last_used_at), key.note or ""] for key in found
    ]
    console.print_rows(console.out(), ["key", "client", "scopes", "state", "last used", "note"], rows)
    return exits.OK


@keys.command("show")
@click.argument("key_id", metavar="KEY_ID")
@with_api
@with_json
def show(*, key_id: str, api_url: str | None, as_json: bool) -> int:
    """What is known of a key; the key itself was told once, when it was made."""
    with opened(api_target(api_url)) as api:
        key = api.keys.get(key_id)
    if as_json:
        print_json(key)
        return exits.OK
    to = console.out()
    console.line(to, (console.safe(f"{key.id}: {key.client}, {_state(key)}"), "bold"))
    facts = {"scopes": " ".join(key.scopes), "note": key.note or "", "made": _time(key.created_at)}
    facts |= {"expires": _time(key.expires_at), "revoked": _time(key.revoked_at), "last used": _time(key.last_used_at)}
    for name, value in facts.items():
        console.line(to, f"  {name:<9} {console.safe(value or '-')}")
    return exits.OK


@keys.command("create")
@with_api
@click.option("--client", required=True, metavar="ID", help="Whose it is.")
@click.option("--scope", "scopes", required=True, multiple=True, metavar="NAME", help="Such as jobs:read.")
@click.option("--note", default="", help="For people: where it is used.")
@click.option("--expires", type=Moment(), metavar="WHEN", help="90d, or a date; without, it does not expire.")
def create(*, api_url: str | None, client: str, scopes: tuple[str, ...], note: str, expires: datetime | None) -> int:
    """Make a key. It is printed once, on stdout, and cannot be shown again."""
    with opened(api_target(api_url)) as api:
        _print_new(api.keys.create(client, scopes=scopes, note=note, expires_at=expires))
    return exits.OK


@keys.command("revoke")
@click.argument("key_id", metavar="KEY_ID")
@with_api
def revoke(*, key_id: str, api_url: str | None) -> int:
    """Make a key worthless at once."""
    with opened(api_target(api_url)) as api:
        key = api.keys.revoke(key_id)
    console.note(console.safe(f"{key.id} of {key.client} is revoked"))
    return exits.OK


@keys.command("rotate")
@click.argument("key_id", metavar="KEY_ID")
@with_api
@click.option("--grace", type=Duration(), metavar="TIME", help="How long the old one is good too; 1h.")
def rotate(*, key_id: str, api_url: str | None, grace: int | None) -> int:
    """Make another key like this one, and let this one end. Prints the new one, once, on stdout."""
    with opened(api_target(api_url)) as api:
        made = api.keys.rotate(key_id, grace_s=grace)
    _print_new(made)
    return exits.OK


def _print_new(made: NewKey) -> None:
    click.echo(made.key)
    until = f", until {_time(made.expires_at)}" if made.expires_at else ""
    console.note(console.safe(f"key {made.id} of {made.client}: {' '.join(made.scopes)}{until}; it is not shown again"))


def _state(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return "revoked"
    if key.expires_at is None:
        return "good"
    return f"{'over' if key.expires_at <= datetime.now(UTC) else 'until'} {_day(key.expires_at)}"


def _day(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d}"


def _time(moment: datetime | None) -> str:
    return "" if moment is None else time_text(moment)
