"""`crawlery keys bootstrap`: the first key of a deployment, made in the store itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from crawler.access.model import Client, Scope
from crawler.access.store import AccessStore
from crawler.cli import console, exits
from crawler.cli.groups import CommandFailed
from crawler.cli.stores import run_with_store, with_store
from crawler.config import read_api_config
from crawler.errors import ClientExists
from crawler.peppers import Peppers

if TYPE_CHECKING:
    from crawler.store import Store

#: A key that makes other keys needs to read no client's rows.
FIRST_SCOPES = frozenset(Scope) - {Scope.SUPPORT_READ}


@click.command("bootstrap")
@with_store
@click.option("--client", "client_id", default="admin", show_default=True, help="Whose key; made if it is not there.")
@click.option("--note", default="made by crawlery keys bootstrap", help="For people.")
def bootstrap(*, redis_url: str | None, prefix: str, client_id: str, note: str) -> int:
    """Make a key that may make others, and print it: the only time that it is shown.

    Talks to the store itself, so it works before there is any key, and after the last one was lost. It needs the
    API_KEY_PEPPERS of the API.
    """
    peppers = Peppers.of(read_api_config().key_peppers)
    key = run_with_store(redis_url, prefix, lambda store: first_key(store, peppers, client_id=client_id, note=note))
    console.note(f"a key of client {client_id}, which is shown this once:")
    click.echo(key)
    return exits.OK


async def first_key(store: Store, peppers: Peppers, *, client_id: str, note: str) -> str:
    """A key of a client with every scope but that of reading others' rows; the client is made if need be.

    Raises:
        CommandFailed: the client is disabled.
        InvalidAccess: a value is impossible.
    """
    access = AccessStore(store, peppers)
    try:
        await access.create_client(Client(id=client_id, name=client_id))
    except ClientExists:
        client = await access.client(client_id)
        if client is not None and client.disabled:
            raise CommandFailed(f"client {client_id} is disabled; --client names another one") from None
    made = await access.create_key(client_id, FIRST_SCOPES, note=note)
    if made is None:
        raise CommandFailed(f"client {client_id} is gone again; repeat the command")
    return made[1]
