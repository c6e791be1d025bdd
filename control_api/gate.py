"""What every call passes before its view: limit of the body, key, rate, scope - in this order.

A view says with `needs` which scope it asks for; one that says nothing is open to nobody. The limit of bodies is
enforced by Flask while a body is read, and before that by what the client says of its length.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from functools import partial
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Any, Final, TypeVar

import redis
from flask import current_app, g, has_request_context, request
from flask_limiter import Limiter
from limits import RateLimitItem, RateLimitItemPerSecond
from redis.backoff import NoBackoff
from redis.retry import Retry

from control_api.problems import Problem, whole_seconds
from control_api.rates import SCHEME, wait_s
from control_api.services import PATIENCE_S, ask_access, principal, services
from crawler.access.model import Scope
from crawler.errors import KeyRefused
from crawler.rate import Rate

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask, Response
    from flask_limiter import RequestLimit

    from crawler.access.model import Principal
    from crawler.access.store import AccessStore
    from crawler.config import ApiConfig

logger: Final = logging.getLogger(__name__)

_View = TypeVar("_View", bound="Callable[..., Any]")

_REQUEST_ID: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
_MAX_REQUEST_ID: Final = 128

#: When a key was used last is worth so long a wait, in seconds: a store without room takes nothing.
_NOTE_PATIENCE_S: Final = 0.2

#: What a view has as `needs` that anybody may call, or anybody with a key.
OPEN: Final = "open"
ANY_KEY: Final = "any key"

#: Of a rule, whose OPTIONS Flask answers.
_BY_FLASK: Final = "provide_automatic_options"

#: What keys begin with that hold what was counted.
_RATES: Final = "crawlery:rates"

_CONNECT_TIMEOUT_S: Final = 0.5
_ANSWER_TIMEOUT_S: Final = 1.0


def needs(what: Scope | str) -> Callable[[_View], _View]:
    """Says what a caller of a view needs: a scope, `ANY_KEY`, or nothing (`OPEN`)."""

    def mark(view: _View) -> _View:
        view.crawlery_needs = what  # type: ignore[attr-defined]  # functions take attributes, and wrappers copy them
        return view

    return mark


def takes_bytes(most: int) -> Callable[[_View], _View]:
    """Says that the bodies of a view may be larger than those of others."""

    def mark(view: _View) -> _View:
        view.crawlery_body_bytes = most  # type: ignore[attr-defined]  # as above
        return view

    return mark


def needed(endpoint: str | None) -> Scope | str | None:
    """What a caller of an endpoint needs; None if its view does not say."""
    if has_request_context() and request.method == "OPTIONS" and getattr(request.url_rule, _BY_FLASK, False):
        return OPEN  # browsers ask without a key what a site may send; the view is not called
    view = current_app.view_functions.get(endpoint or "")
    found: Scope | str | None = getattr(view, "crawlery_needs", None)
    return found


def install(app: Flask, config: ApiConfig) -> Limiter:
    """Puts the gate before all views of an app."""
    app.before_request(_begin)
    app.before_request(_authenticate)
    limiter = _limiter(config)
    limiter.request_filter(lambda: g.get("principal") is None)  # open calls count for nobody
    limiter.init_app(app)  # counts in a `before_request` of its own, which therefore comes here
    app.extensions["crawlery-failures"] = partial(_count_failure, limiter, item_of(Rate.of(config.failure_limit)))
    app.before_request(_check_scope)
    app.after_request(partial(_rate_headers, limiter))
    return limiter


def _limiter(config: ApiConfig) -> Limiter:
    pool = redis.ConnectionPool.from_url(
        config.base.redis_url,
        socket_connect_timeout=_CONNECT_TIMEOUT_S,
        socket_timeout=_ANSWER_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
    )
    return Limiter(
        key_func=lambda: principal().client.id,
        application_limits=[lambda: _written(_rate_of_client())],
        strategy="moving-window",
        storage_uri=f"{SCHEME}://",
        storage_options={"connection_pool": pool, "key_prefix": _RATES},  # type: ignore[dict-item]  # typed as texts only
        key_prefix="crawlery",
    )


def item_of(rate: Rate) -> RateLimitItem:
    """The rate as `limits` has it."""
    return RateLimitItemPerSecond(rate.count, rate.period_s)


def _rate_of_client() -> Rate:
    return Rate.of(principal().client.rate_limit or services().config.rate_limit)


def _written(rate: Rate) -> str:
    return f"{rate.count} per {rate.period_s} second"


def _begin() -> None:
    g.patience_s = PATIENCE_S
    g.principal = None
    view = current_app.view_functions.get(request.endpoint or "")
    most = max(services().config.max_body_bytes, getattr(view, "crawlery_body_bytes", 0))
    request.max_content_length = most + 1  # see BoundedRequest
    if (request.content_length or 0) > most:
        raise Problem("too_large", f"A body may have {most:,} bytes.")


def request_id() -> str:
    """The id of the present request: the caller's, if it is fit for a log and no key in the wrong header."""
    given = request.headers.get("X-Request-Id", "")
    if 0 < len(given) <= _MAX_REQUEST_ID and set(given) <= _REQUEST_ID and "ck_live_" not in given:
        return given
    return secrets.token_hex(16)


def bearer() -> str:
    """What the caller shows as `Authorization: Bearer`; "" if that is nothing."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""


def _authenticate() -> None:
    """Finds out who is calling.

    Raises:
        KeyRefused: no valid key.
        Problem: too many calls without one came from this address.
    """
    what = needed(request.endpoint)
    if what == OPEN or request.routing_exception is not None:
        return
    given = bearer()
    try:
        g.principal = ask_access(lambda access: _entered(access, given))
    except KeyRefused:
        current_app.extensions["crawlery-failures"]()
        raise


async def _entered(access: AccessStore, given: str) -> Principal:
    caller = await access.authenticate(given)
    try:
        async with asyncio.timeout(_NOTE_PATIENCE_S):
            await access.note_use(caller)
    except TimeoutError:
        logger.warning("The store has no room to note that key %s was used", caller.key.id)
    return caller


def _count_failure(limiter: Limiter, item: RateLimitItem) -> None:
    """Charges a failed authentication to the address that it came from.

    Raises:
        Problem: it has had its share.
    """
    source = source_of(request.remote_addr or "-")
    if not limiter.limiter.hit(item, "failures", source):
        retry = {"Retry-After": whole_seconds(wait_s(limiter.limiter.get_window_stats(item, "failures", source)))}
        raise Problem("rate_limited", "Too many calls without a valid key came from this address.", headers=retry)


def source_of(address: str) -> str:
    """What failures are charged to: an IPv4 address, or the 64 bits of an IPv6 one that its network was given.

    A proxy may have written a port behind the address; it differs from connection to connection.
    """
    host = address.strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        found = ip_address(host)
    except ValueError:
        return host
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(found) if found.version == 4 else str(ip_network((int(found), 64), strict=False))


def _check_scope() -> None:
    """Refuses a key that may not do this, before anything is looked up.

    Raises:
        Problem: the key lacks the scope.
    """
    what = needed(request.endpoint)
    if what in (OPEN, ANY_KEY) or request.routing_exception is not None:
        return
    if not isinstance(what, Scope) or not principal().may(what):
        raise Problem("missing_scope", f"This needs an API key with the scope {what}.", scope=what)


def _rate_headers(limiter: Limiter, response: Response) -> Response:
    """`RateLimit-*`, in seconds; and what a refused call has to wait."""
    limit: RequestLimit | None = limiter.current_limit if g.get("principal") is not None else None
    if limit is None:
        return response
    try:
        window = limit.window  # asks the store; not `reset_at`, which drops the fraction and so promises too much
    except redis.RedisError as error:
        logger.warning("An answer leaves without its RateLimit headers: %s", error)
        return _with_retry(response, "1")
    reset = whole_seconds(wait_s(window))
    response.headers["RateLimit-Limit"] = str(limit.limit.amount)
    # of a call that was refused a moment ago, the window may have room again by now: its client was told otherwise
    response.headers["RateLimit-Remaining"] = "0" if limit.breached else str(max(0, window.remaining))
    response.headers["RateLimit-Reset"] = reset
    return _with_retry(response, reset)


def _with_retry(response: Response, seconds: str) -> Response:
    if response.status_code == 429 and "Retry-After" not in response.headers:
        response.headers["Retry-After"] = seconds
    return response
