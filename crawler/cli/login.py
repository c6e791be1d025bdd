"""`crawlery login`, `logout` and `whoami`: which API, with which key, and what it may do."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from crawler.cli import console, exits
from crawler.cli.api_target import ApiTarget, api_target, opened, print_json, with_api, with_json
from crawler.cli.credentials import (
    Credentials,
    credentials_path,
    read_credentials,
    remove_credentials,
    write_credentials,
)
from crawler.cli.groups import CommandFailed
from crawler.client.connection import check_url, is_loopback
from crawler.client.model import time_text
from crawler.config import read_config

if TYPE_CHECKING:
    from crawler.client.model import Me


@click.command()
@click.option("--url", metavar="URL", help="Of the API, https://HOST; by default the one of before.")
def login(*, url: str | None) -> int:
    """Keep the address of an API and a key for it.

    The key is asked for, or read from stdin where that is no terminal, or from CRAWLERY_API_KEY; it is no option, as
    others could see it. It is kept for you alone, once the API has taken it.
    """
    at = _address(url)
    if at.startswith("http://") and not is_loopback(at):
        console.note(f"{at} is not encrypted: whoever is on the way can read the key")
    key = _key()
    with opened(ApiTarget(url=at, key=key, said_by="this login")) as client:
        me = client.me()
    path = write_credentials(Credentials(url=at, key=key))
    console.note(f"logged in at {at} as {console.safe(me.client)}, with key {console.safe(me.key_id)}; kept in {path}")
    return exits.OK


def _address(url: str | None) -> str:
    """The API to log in at.

    Raises:
        CommandFailed: nothing says it.
    """
    named = url or read_config(running_platform=False).api_url
    if not named:
        # Of credentials that are not fit to be used, the address is not either.
        kept = read_credentials()
        named = kept.url if kept is not None else read_config().api_url
    if not named:
        raise CommandFailed("which API? --url https://HOST says it")
    return check_url(named)


def _key() -> str:
    """As it is typed, unseen; or as a script says it."""
    said = read_config(running_platform=False).api_key
    if said:
        console.note("the key is that of CRAWLERY_API_KEY")
        return said
    if sys.stdin.isatty():
        return str(click.prompt("API key", hide_input=True, err=True)).strip()
    key = sys.stdin.readline().strip()
    if not key:
        raise CommandFailed("no key came on stdin; `crawlery login < FILE`, or CRAWLERY_API_KEY in the environment")
    return key


@click.command()
def logout() -> int:
    """Forget the address and the key that `login` has kept. The key itself goes on: `crawlery keys revoke` ends it."""
    path = credentials_path()
    console.note(f"{path} is gone" if remove_credentials() else f"there is no {path}: nobody is logged in")
    return exits.OK


@click.command()
@with_api
@with_json
def whoami(*, api_url: str | None, as_json: bool) -> int:
    """Which API commands talk to, who has said so, and what the key may do there."""
    target = api_target(api_url)
    with opened(target) as client:
        me = client.me()
    if as_json:
        print_json(me)
        return exits.OK
    to = console.out()
    console.line(to, (f"{target.url}", "bold"), f"  (key of {target.said_by})")
    for line in _lines(me):
        console.line(to, console.safe(line))
    return exits.OK


def _lines(me: Me) -> list[str]:
    quotas = {"running_jobs": me.quotas.running_jobs, "jobs_today": me.quotas.jobs_per_day}
    used = {name: f"{count:g}" for name, count in me.usage.items() if count is not None}
    lines = [
        f"  client    {me.client}",
        f"  key       {me.key_id}, " + (f"until {time_text(me.expires_at)}" if me.expires_at else "does not expire"),
        f"  scopes    {', '.join(me.scopes) or 'none'}",
    ]
    lines += [f"  rate      {me.rate_limit}"] if me.rate_limit else []
    for name, count in used.items():
        most = quotas.get(name)
        lines.append(f"  uses      {name.replace('_', ' ')} {count}" + (f" of {most:,}" if most is not None else ""))
    return lines
