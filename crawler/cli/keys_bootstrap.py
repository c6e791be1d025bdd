"""`crawlery keys bootstrap`: the first key of a deployment, made in the store itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from crawler.access.bootstrap import first_key
from crawler.access.store import AccessStore
from crawler.cli import console, exits
from crawler.cli.stores import operator, run_with_store, with_store
from crawler.config import read_api_config
from crawler.peppers import Peppers

if TYPE_CHECKING:
    from crawler.store import Store


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

    async def make(store: Store) -> str:
        return await first_key(AccessStore(store, peppers, origin=operator()), client_id=client_id, note=note)

    key = run_with_store(redis_url, prefix, make)
    console.note(f"a key of client {client_id}, which is shown this once:")
    click.echo(key)
    return exits.OK
