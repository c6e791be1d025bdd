"""The calls on clients and keys. Keys with the scope admin see and change all of them."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Final

from flask import g, request

from control_api.access.schemas import (
    ClientChangeSchema,
    ClientOrderSchema,
    ClientSchema,
    ClientsSchema,
    KeyOrderSchema,
    KeySchema,
    KeysQuerySchema,
    KeysSchema,
    MeSchema,
    NewKeySchema,
    RotationSchema,
)
from control_api.blueprint import Blueprint
from control_api.gate import ANY_KEY, needs
from control_api.problems import Problem, bad_request, not_found
from control_api.services import ask, ask_access, principal, services
from crawler.access.model import Client, Quotas, Scope
from crawler.access.store import AccessStore
from crawler.errors import InvalidAccess
from crawler.jobs.redis import RedisJobStore

if TYPE_CHECKING:
    from collections.abc import Collection

    from flask.typing import ResponseReturnValue

    from crawler.access.model import ApiKey
    from crawler.store import Store

clients: Final = Blueprint("clients", __name__, url_prefix="/v1/clients", description="Clients and their quotas.")
keys: Final = Blueprint("keys", __name__, url_prefix="/v1/keys", description="API keys.")
me: Final = Blueprint("me", __name__, url_prefix="/v1/me", description="What a key is told of itself.")


@me.route("", methods=["GET"])
@needs(ANY_KEY)
@me.response(200, MeSchema)
def show_me() -> dict[str, Any]:
    """Show whose key this is.

    Its client, what it may do, the limits of the client, and what of them is used.
    """
    client, key = principal().client, principal().key
    peppers = services().peppers

    async def look(store: Store) -> tuple[int, int]:
        running = await RedisJobStore(store).live_of(client.id)
        return len(running), await AccessStore(store, peppers).jobs_today(client.id)

    running, today = ask(look)
    return {
        "client": client.id,
        "key_id": key.id,
        "scopes": sorted(key.scopes),
        "expires_at": key.expires_ms,
        "rate_limit": client.rate_limit or services().config.rate_limit,
        "quotas": asdict(client.quotas),
        "usage": {"running_jobs": running, "jobs_today": today},
    }


# --- clients ----------------------------------------------------------------------------------------------------------


@clients.route("", methods=["POST"])
@needs(Scope.ADMIN)
@clients.arguments(ClientOrderSchema)
@clients.response(201, ClientSchema, headers={"Location": {}})
def create_client(order: dict[str, Any]) -> ResponseReturnValue:
    """Make a client.

    It can call when it has a key: `POST /v1/keys`.
    """
    order["quotas"] = Quotas(**order["quotas"])
    client = ask_access(lambda access: access.create_client(Client(**order)))
    return _client(client), 201, {"Location": f"/v1/clients/{client.id}"}


@clients.route("", methods=["GET"])
@needs(Scope.ADMIN)
@clients.response(200, ClientsSchema)
def list_clients() -> dict[str, Any]:
    """List all clients.

    By id; disabled ones too.
    """
    return {"clients": [_client(client) for client in ask_access(lambda access: access.clients())]}


@clients.route("/<client_id>", methods=["GET"])
@needs(Scope.ADMIN)
@clients.response(200, ClientSchema)
def get_client(client_id: str) -> dict[str, Any]:
    """Show a client.

    Its quotas, its rate, and whether it is disabled.
    """
    client = ask_access(lambda access: access.client(client_id))
    if client is None:
        raise not_found("client")
    return _client(client)


@clients.route("/<client_id>", methods=["PATCH"])
@needs(Scope.ADMIN)
@clients.arguments(ClientChangeSchema)
@clients.response(200, ClientSchema)
def change_client(change: dict[str, Any], client_id: str) -> dict[str, Any]:
    """Change a client.

    What is left out stays as it is. The change counts from the client's next call on.
    """

    def changed(client: Client) -> Client:
        quotas = replace(client.quotas, **change.get("quotas", {}))
        return replace(client, **change | {"quotas": quotas})

    client = ask_access(lambda access: access.change_client(client_id, changed))
    if client is None:
        raise not_found("client")
    return _client(client)


def _client(client: Client) -> dict[str, Any]:
    return {
        "id": client.id,
        "name": client.name,
        "quotas": asdict(client.quotas),
        "rate_limit": client.rate_limit,
        "disabled": client.disabled,
        "created_at": client.created_ms,
    }


# --- keys -------------------------------------------------------------------------------------------------------------


@keys.route("", methods=["POST"])
@needs(Scope.ADMIN)
@keys.arguments(KeyOrderSchema)
@keys.response(201, NewKeySchema, headers={"Location": {}})
def create_key(order: dict[str, Any]) -> ResponseReturnValue:
    """Make a key for a client.

    Its text is in this answer, and nowhere else; so no Idempotency-Key is taken. If the answer is lost, revoke the key
    and make another one.
    """
    is_over = order["expires_at"] is not None and order["expires_at"] <= principal().now_ms
    errors = [*g.header_errors, *([("/body/expires_at", "is over already")] if is_over else [])]
    if errors:
        raise bad_request(errors)
    made = ask_access(
        lambda access: access.create_key(
            order["client"], order["scopes"], note=order["note"], expires_ms=order["expires_at"]
        )
    )
    if made is None:
        errors = [("/body/client", "there is no such client; POST /v1/clients makes one")]
        raise Problem("unprocessable", f"There is no client {order['client']}.", errors=errors)
    return _new(*made)


@keys.route("", methods=["GET"])
@needs(Scope.ADMIN)
@keys.arguments(KeysQuerySchema, location="query")
@keys.response(200, KeysSchema)
def list_keys(query: dict[str, Any]) -> dict[str, Any]:
    """List keys.

    Without their secrets; those that have expired or were revoked too.
    """
    return {"keys": _shown(ask_access(lambda access: access.keys(client=query.get("client", ""))))}


@keys.route("/<key_id>", methods=["GET"])
@needs(Scope.ADMIN)
@keys.response(200, KeySchema)
def get_key(key_id: str) -> dict[str, Any]:
    """Show a key.

    Without its secret.
    """
    return _existing(ask_access(lambda access: access.key(key_id)))


@keys.route("/<key_id>/revoke", methods=["POST"])
@needs(Scope.ADMIN)
@keys.response(200, KeySchema)
def revoke_key(key_id: str) -> dict[str, Any]:
    """Revoke a key.

    It is refused from now on, by every process. Links to files that it was given work until they expire. Repeated, it
    answers the same.
    """
    return _existing(ask_access(lambda access: access.revoke(key_id)))


@keys.route("/<key_id>/rotate", methods=["POST"])
@needs(Scope.ADMIN)
@keys.arguments(RotationSchema)
@keys.response(201, NewKeySchema, headers={"Location": {}})
def rotate_key(order: dict[str, Any], key_id: str) -> ResponseReturnValue:
    """Replace a key by a new one.

    The new key has the client, the scopes and the note of the old one, which is refused after `grace_s`: time to give
    the new one to whoever uses it. A key that is over already is a `409`.
    """
    if g.header_errors:
        raise bad_request(g.header_errors)
    try:
        made = ask_access(lambda access: access.rotate(key_id, grace_ms=order["grace_s"] * 1000))
    except InvalidAccess as error:
        raise Problem("conflict", str(error)) from error
    if made is None:
        raise not_found("key")
    return _new(*made)


@keys.before_request
def _note_idempotency_key() -> None:
    refused = "is not taken here: the answer holds a secret, which is not kept"
    g.header_errors = [("/header/Idempotency-Key", refused)] if "Idempotency-Key" in request.headers else []


def _new(key: ApiKey, text: str) -> ResponseReturnValue:
    return {**_shown([key])[0], "key": text}, 201, {"Location": f"/v1/keys/{key.id}"}


def _existing(key: ApiKey | None) -> dict[str, Any]:
    if key is None:
        raise not_found("key")
    return _shown([key])[0]


def _shown(found: Collection[ApiKey]) -> list[dict[str, Any]]:
    used = ask_access(lambda access: access.last_used_ms([key.id for key in found]))
    return [
        {
            "id": key.id,
            "client": key.client,
            "scopes": sorted(key.scopes),
            "note": key.note,
            "created_at": key.created_ms,
            "expires_at": key.expires_ms,
            "revoked_at": key.revoked_ms,
            "last_used_at": used.get(key.id),
        }
        for key in found
    ]
