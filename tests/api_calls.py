"""How a client with patience calls the API: the same call with the same key, until there is an answer to it."""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

#: A call that has no answer after this time never will have one.
PATIENCE_S = 60.0

#: What a client tries again, as the API says that it may.
_AGAIN = frozenset({502, 503})

ORDER = {"recipe": "shop", "inputs": {"site": "http://127.0.0.1:9"}}


def new_client() -> httpx.Client:
    """For any number of threads."""
    return httpx.Client(verify=False, timeout=30, limits=httpx.Limits(max_connections=None), trust_env=False)


def bearer(key: str, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}", **{name.replace("_", "-"): value for name, value in more.items()}}


def submit(
    client: httpx.Client, urls: Callable[[], str], key: str, idempotency_key: str = "", *, order=ORDER
) -> httpx.Response:
    """The answer to a submission. `urls`: of an API that may answer, asked again for each attempt."""
    headers = bearer(key, **({"Idempotency-Key": idempotency_key} if idempotency_key else {}))
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        with contextlib.suppress(httpx.TransportError):
            answer = client.post(f"{urls()}/v1/jobs", headers=headers, json=order)
            if answer.status_code not in _AGAIN:
                return answer
        time.sleep(0.05)
    raise AssertionError("no answer")


def at_once(call: Callable[[int], httpx.Response], numbers: Iterable[int], *, threads: int) -> Sequence[httpx.Response]:
    """The answers of calls that are made together, in their order."""
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(call, numbers))
