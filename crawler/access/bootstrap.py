"""The first key of a deployment, from which all others are made: in the store itself, without an API."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from crawler.access.model import Client, Scope
from crawler.errors import ClientExists, InvalidAccess

if TYPE_CHECKING:
    from crawler.access.store import AccessStore

#: A key that makes other keys needs to read no other client's rows.
FIRST_SCOPES: Final = frozenset(Scope) - {Scope.SUPPORT_READ}


async def first_key(access: AccessStore, *, client_id: str, note: str) -> str:
    """The text of a new key of a client, with `FIRST_SCOPES`; the client is made if need be.

    Raises:
        InvalidAccess: the client is disabled, or a value is impossible.
        InvalidJob: the id is none.
        StoreError: the store refuses us.
    """
    with suppress(ClientExists):
        await access.create_client(Client(id=client_id, name=client_id))
    client = await access.client(client_id)
    if client is not None and client.disabled:
        raise InvalidAccess(f"client {client_id} is disabled: none of its keys would be taken; name another one")
    made = await access.create_key(client_id, FIRST_SCOPES, note=note)
    if made is None:
        raise InvalidAccess(f"client {client_id} does not exist any more; try again")
    return made[1]
