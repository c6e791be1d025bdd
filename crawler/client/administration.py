"""`client.clients`, `client.keys` and `client.audit`: who may ask for what, and who has changed it; for admins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, UnsetType

from crawler.client.calls import given, path_of
from crawler.client.model import ApiKey, AuditPage, AuditReport, ClientAccount, NewKey, time_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from crawler.client.connection import Connection
    from crawler.client.model import Quotas


class Clients:
    """`client.clients`: whose jobs and keys there are; for an admin."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> tuple[ClientAccount, ...]:
        """All of them."""
        return self._connection.ask(_Clients, "GET", "/v1/clients")[0].clients

    def get(self, client: str) -> ClientAccount:
        """One of them."""
        return self._connection.ask(ClientAccount, "GET", path_of("clients", client))[0]

    def create(
        self, client: str, *, name: str = "", quotas: Quotas | None = None, rate_limit: str | None = None
    ) -> ClientAccount:
        """Makes one: its id, a name for people, quotas, and a rate such as `600/minute`."""
        facts = {"id": client, "name": name or None, "quotas": _quotas(quotas), "rate_limit": rate_limit}
        return self._connection.ask(ClientAccount, "POST", "/v1/clients", body=given(facts))[0]

    def update(
        self,
        client: str,
        *,
        name: str | UnsetType = UNSET,
        quotas: Mapping[str, int | None] | UnsetType = UNSET,
        rate_limit: str | UnsetType = UNSET,
        disabled: bool | UnsetType = UNSET,
    ) -> ClientAccount:
        """Changes what is given and leaves the rest, each quota by itself; a quota of None is no limit."""
        facts = {"name": name, "quotas": quotas, "rate_limit": rate_limit, "disabled": disabled}
        body = {field: value for field, value in facts.items() if value is not UNSET}
        return self._connection.ask(ClientAccount, "PATCH", path_of("clients", client), body=body)[0]


class Keys:
    """`client.keys`: who may ask, and for what; for an admin."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self, *, client: str | None = None) -> tuple[ApiKey, ...]:
        """All keys, or those of a client."""
        return self._connection.ask(_Keys, "GET", "/v1/keys", params={"client": client})[0].keys

    def get(self, key_id: str) -> ApiKey:
        """What is known of one."""
        return self._connection.ask(ApiKey, "GET", path_of("keys", key_id))[0]

    def create(
        self, client: str, *, scopes: Sequence[str], note: str = "", expires_at: datetime | None = None
    ) -> NewKey:
        """Makes one. Its text is in the answer, and never told again; a try that fails is not repeated."""
        expires = None if expires_at is None else time_text(expires_at)
        facts = {"client": client, "scopes": list(scopes), "note": note, "expires_at": expires}
        return self._connection.ask(NewKey, "POST", "/v1/keys", body=facts)[0]

    def revoke(self, key_id: str) -> ApiKey:
        """Makes it worthless at once."""
        return self._connection.ask(ApiKey, "POST", path_of("keys", key_id, "revoke"), is_repeatable=True)[0]

    def rotate(self, key_id: str, *, grace_s: int | None = None) -> NewKey:
        """Makes another one like it; the old one is good for `grace_s` seconds more."""
        return self._connection.ask(
            NewKey, "POST", path_of("keys", key_id, "rotate"), body=given({"grace_s": grace_s})
        )[0]


class Audit:
    """`client.audit`: who has changed what. For administrators."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(
        self,
        *,
        client: str | None = None,
        action: str | None = None,
        after: datetime | None = None,
        before: datetime | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> AuditPage:
        """A page of entries, the newest first. It may be short, even empty, and still have a `next`."""
        params = {
            "client": client,
            "action": action,
            "after": None if after is None else time_text(after),
            "before": None if before is None else time_text(before),
            "limit": limit,
            "cursor": cursor,
        }
        return self._connection.ask(AuditPage, "GET", "/v1/audit", params=params)[0]

    def verify(self) -> AuditReport:
        """Whether anybody has touched what was noted.

        Raises:
            ApiError: `conflict`: this API has not the key to tell.
        """
        return self._connection.ask(AuditReport, "GET", "/v1/audit/verify")[0]


class _Clients(msgspec.Struct, frozen=True):
    clients: tuple[ClientAccount, ...] = ()


class _Keys(msgspec.Struct, frozen=True):
    keys: tuple[ApiKey, ...] = ()


def _quotas(quotas: Quotas | None) -> dict[str, Any] | None:
    return None if quotas is None else given(msgspec.structs.asdict(quotas))
