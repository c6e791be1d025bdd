"""The control API as Python: `Client(url, key)` with a method for each operation of `/v1`.

    with Client("https://crawlery.example", key) as client:
        job = client.jobs.submit(recipe="shop", inputs={"site": "https://shop.example"})
        for seen in client.jobs.follow(job.id):
            print(seen.state, seen.progress)
        client.results.download(job.id, Path("files"))

Synchronous. Every method raises `ApiError` when the API refuses and `ApiUnreachable` when it does not answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from crawler.client.administration import Audit, Clients, Keys
from crawler.client.connection import Connection
from crawler.client.jobs import JobResults, Jobs
from crawler.client.model import Me, Node, Readiness
from crawler.client.recipes import Recipes

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

#: For each step of a request.
TIMEOUT_S: Final = 30.0

#: A server that is started anew is back in less; and a request that has come to its `timeout_s` is tried once more.
PATIENCE_S: Final = 60.0


class Client:
    """The control API, as the owner of a key sees it. Close it, or use it in a `with`.

    Args:
        url: of the API, without `/v1`.
        key: `ck_live_...`; in no `repr` and no message.
        timeout_s: for each step of a request.
        patience_s: what is safe to repeat is tried for so long when the API is away or says that it is busy.
        on_wait: told before each pause: a sentence, and seconds.

    Raises:
        ConfigError: the address or the key cannot be used.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        timeout_s: float = TIMEOUT_S,
        patience_s: float = PATIENCE_S,
        on_wait: Callable[[str, float], None] | None = None,
    ) -> None:
        self._connection = Connection(url, key, timeout_s=timeout_s, patience_s=patience_s, on_wait=on_wait)
        self.jobs = Jobs(self._connection)
        self.results = JobResults(self._connection, timeout_s=timeout_s)
        self.recipes = Recipes(self._connection)
        self.clients = Clients(self._connection)
        self.keys = Keys(self._connection)
        self.audit = Audit(self._connection)

    def __repr__(self) -> str:
        return f"Client({self.url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Of the API, as it is used."""
        return self._connection.url

    def close(self) -> None:
        """Ends its connections."""
        self._connection.close()

    def me(self) -> Me:
        """Whose key it is, and what it may do."""
        return self._connection.ask(Me, "GET", "/v1/me")[0]

    def nodes(self) -> tuple[Node, ...]:
        """The nodes of the fleet; for an admin."""
        return self._connection.ask(_Nodes, "GET", "/v1/nodes")[0].nodes

    def ready(self) -> Readiness:
        """Whether jobs can be taken and run, and what is missing."""
        return self._connection.ask(Readiness, "GET", "/v1/ready")[0]


class _Nodes(msgspec.Struct, frozen=True):
    nodes: tuple[Node, ...] = ()
