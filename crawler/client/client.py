"""The control API as Python: `Client(url, key)` with a method for each operation of `/v1`.

    with Client("https://crawlery.example", key) as client:
        job = client.jobs.submit(recipe="shop", inputs={"site": "https://shop.example"})
        for seen in client.jobs.follow(job.id):
            print(seen.state, seen.progress)
        client.results.download(job.id, Path("files"))

Synchronous. Every method raises `ApiError` when the API refuses and `ApiUnreachable` when it does not answer.
"""

from __future__ import annotations

import re
import time
import uuid
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import msgspec
from msgspec import UNSET, UnsetType

from crawler.client.connection import Connection, is_loopback
from crawler.client.downloads import Downloads
from crawler.client.events import followed, told
from crawler.client.model import (
    ApiKey,
    AuditPage,
    AuditReport,
    ClientAccount,
    Failures,
    Job,
    JobAccepted,
    JobPage,
    LogPage,
    Me,
    NewKey,
    Node,
    Quotas,
    Readiness,
    Recipe,
    RecipeDetail,
    RecipeDiff,
    RecipePreview,
    RecipeVersion,
    Results,
    time_text,
)
from crawler.errors import InvalidJob

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from crawler.client.model import JobEvent, Limits

#: For each step of a request.
TIMEOUT_S: Final = 30.0

#: A server that is started anew is back in less; and a request that has come to its `timeout_s` is tried once more.
PATIENCE_S: Final = 60.0

#: `follow` bears a platform that is away for so long.
FOLLOW_PATIENCE_S: Final = 300.0

#: What the API takes as an idempotency key.
_IDEMPOTENCY_KEY: Final = re.compile(r"[ -~]{1,128}")


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


class Jobs:
    """`client.jobs`: submit, look, steer."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def submit(
        self,
        *,
        recipe: str | None = None,
        recipe_text: str | None = None,
        inputs: Mapping[str, Any] | None = None,
        priority: str | None = None,
        max_workers: int | None = None,
        limits: Limits | None = None,
        tags: Sequence[str] = (),
        idempotency_key: str | None = None,
    ) -> JobAccepted:
        """Orders a job. Without a key of the caller's one is made up, so that tries of this call make one job.

        Args:
            recipe: `NAME` or `NAME@VERSION` of one that the API has; or else
            recipe_text: the recipe itself.
            inputs: of the recipe, typed.
            priority: `idle`, `low`, `normal` or `high`.
            max_workers: processes that may work on it at once.
            limits: what it may use.
            tags: words to find it by.
            idempotency_key: the same key and order again is the same job; 1 to 128 printable ASCII characters.

        Raises:
            InvalidJob: the key is none; or not exactly one of `recipe` and `recipe_text` is given.
            ApiError: `unprocessable`: no such recipe, inputs that do not fit; `idempotency_conflict`: the key has made
                a job of another order; `quota_exceeded`.
        """
        if (recipe is None) == (recipe_text is None):
            raise InvalidJob("a job has either `recipe`, a name, or `recipe_text`, the recipe itself")
        facts = {
            "recipe": recipe,
            "recipe_text": recipe_text,
            "inputs": inputs or None,
            "priority": priority,
            "max_workers": max_workers,
            "limits": _given(msgspec.structs.asdict(limits)) or None if limits is not None else None,
            "tags": list(tags) or None,
        }
        return self._ordered("/v1/jobs", _given(facts), idempotency_key)

    def replay(self, job: str, outcome: str, *, idempotency_key: str | None = None) -> JobAccepted:
        """Fetches pages of a job again that came to an outcome; the files of the new job have the rows of both.

        Without a key of the caller's one is made up, so that tries of this call make one job.

        Args:
            job: id of one that has ended.
            outcome: of pages that failed, such as `http_5xx`; `failures` has them.
            idempotency_key: see `submit`.

        Raises:
            InvalidJob: the key is none.
            ApiError: `conflict`: it has not ended, or nothing of it can be replayed.
        """
        return self._ordered(_path("jobs", job, "replay"), {"outcome": outcome}, idempotency_key)

    def _ordered(self, path: str, body: Mapping[str, Any], idempotency_key: str | None) -> JobAccepted:
        key = f"auto-{uuid.uuid4()}" if idempotency_key is None else idempotency_key
        if _IDEMPOTENCY_KEY.fullmatch(key) is None or not key.strip():
            raise InvalidJob("an idempotency key has 1 to 128 printable ASCII characters")
        accepted, headers = self._connection.ask(
            JobAccepted, "POST", path, body=body, headers={"Idempotency-Key": key}, is_repeatable=True
        )
        is_replayed = headers.get("idempotent-replayed", "").lower() == "true"
        return msgspec.structs.replace(accepted, is_replayed=is_replayed)

    def list(
        self,
        *,
        state: Sequence[str] = (),
        outcome: Sequence[str] = (),
        recipe: str | None = None,
        tag: str | None = None,
        client: str | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> JobPage:
        """A page of jobs, the newest first: those in one of the states, with one of the outcomes, and so on.

        A page may be short, or empty, and not be the last one: `next` says.
        """
        params = {
            "state": list(state) or None,
            "outcome": list(outcome) or None,
            "recipe": recipe,
            "tag": tag,
            "client": client,
            "created_after": None if created_after is None else time_text(created_after),
            "created_before": None if created_before is None else time_text(created_before),
            "limit": limit,
            "cursor": cursor,
        }
        return self._connection.ask(JobPage, "GET", "/v1/jobs", params=params)[0]

    def iterate(self, **filters: Any) -> Iterator[Job]:
        """All jobs that fit the filters of `list`, page by page."""
        cursor: str | None = None
        while True:
            page = self.list(**filters, cursor=cursor)
            yield from page.jobs
            if page.next is None:
                return
            cursor = page.next

    def get(self, job: str) -> Job:
        """A job, with its progress and the processes that have worked on it."""
        return self._connection.ask(Job, "GET", _path("jobs", job))[0]

    def failures(
        self, job: str, *, outcome: str | None = None, limit: int | None = None, cursor: str | None = None
    ) -> Failures:
        """Pages of a job that could not be read, with one outcome if it is given; `next` leads to more of them."""
        params = {"outcome": outcome, "limit": limit, "cursor": cursor}
        return self._connection.ask(Failures, "GET", _path("jobs", job, "failures"), params=params)[0]

    def logs(
        self,
        job: str,
        *,
        level: str | None = None,
        text: str | None = None,
        worker: str | None = None,
        limit: int | None = None,
        before: str | None = None,
        after: str | None = None,
    ) -> LogPage:
        """Records of what its workers have logged: the newest ones, the oldest of them first.

        Args:
            job: its id.
            level: of `debug`, `info`, `warning`, `error` or `critical`, or of a higher one.
            text: that have it, upper and lower case alike.
            worker: of the worker, or of the workers of the node, of that name.
            limit: at most so many; there may be fewer, and others before them: see `LogPage`.
            before: `earlier` of a page: the records before those.
            after: `next` of a page: those that have come since.
        """
        params = {
            "level": level, "text": text, "worker": worker, "limit": limit, "before": before, "after": after,
        }  # fmt: skip
        return self._connection.ask(LogPage, "GET", _path("jobs", job, "logs"), params=params)[0]

    def pause(self, job: str) -> Job:
        """Gives out no pages until `resume`.

        Raises:
            ApiError: `conflict`: its state, which the error carries, does not allow it.
        """
        return self._steer(job, "pause")

    def resume(self, job: str) -> Job:
        """Lets a paused job go on.

        Raises:
            ApiError: `conflict`: its state, which the error carries, does not allow it.
        """
        return self._steer(job, "resume")

    def cancel(self, job: str) -> Job:
        """Ends a job with what it has.

        Raises:
            ApiError: `conflict`: its state, which the error carries, does not allow it.
        """
        return self._steer(job, "cancel")

    def _steer(self, job: str, step: str) -> Job:
        # A step that was taken already is answered as if it were taken now: it can be repeated.
        return self._connection.ask(Job, "POST", _path("jobs", job, step), is_repeatable=True)[0]

    def events(self, job: str, *, after: str = "", patience_s: float = FOLLOW_PATIENCE_S) -> Iterator[JobEvent]:
        """Each change of the state of a job, and once a second its progress, until it has ended.

        Streams end after a minute, or with their process; the next one goes on behind the last event, so no change of
        state is missed. An API that is away or full for less than `patience_s` seconds is waited for.

        Args:
            job: its id.
            after: `id` of an event that was seen before; "" = from its present state on.
            patience_s: see above.

        Raises:
            ApiError: it refuses, or is full for longer.
            ApiUnreachable: it is away for longer.
        """
        return told(self._connection, _path("jobs", job, "events"), after=after, patience_s=patience_s)

    def follow(self, job: str, *, every_s: float = 1.0, patience_s: float = FOLLOW_PATIENCE_S) -> Iterator[Job]:
        """The job again and again, until it has ended; the last one has. Each change of its state is among them.

        Its events are read, if they come often enough and the API has room for a stream more; else it is asked for
        every `every_s` seconds. An API that is away for less than `patience_s` seconds is waited for.

        Raises:
            ApiUnreachable: it is away for longer.
        """
        path = _path("jobs", job, "events")
        return followed(self._connection, lambda: self.get(job), path, every_s=every_s, patience_s=patience_s)


class JobResults:
    """`client.results`: links, and downloads."""

    def __init__(self, connection: Connection, *, timeout_s: float) -> None:
        self._connection = connection
        self._timeout_s = timeout_s

    def get(self, job: str, *, expires_s: int | None = None) -> Results:
        """The files of a job that has ended, pieces of one that runs, as links that can be used for `expires_s`."""
        return self._connection.ask(Results, "GET", _path("jobs", job, "results"), params={"expires_s": expires_s})[0]

    def download(
        self,
        job: str,
        folder: Path,
        *,
        on_file: Callable[[Path, int], None] | None = None,
    ) -> list[Path]:
        """Writes the files of a job into a folder, each whole, with its SHA-256 checked, or not at all.

        What has come of a file before it was interrupted stays as `NAME.part`; the next call goes on there.

        Args:
            job: its id; it has ended.
            folder: is made if it is not there.
            on_file: told of each file that is there: its path and its rows.

        Raises:
            DownloadFailed: there are no files, they are withheld, or one cannot be fetched or written.
        """
        is_local = is_loopback(self._connection.url)
        with Downloads(lambda: self.get(job), timeout_s=self._timeout_s, is_local=is_local) as downloads:
            return downloads.all_into(folder, on_file=on_file)


class Recipes:
    """`client.recipes`: what jobs can name. `client`: whose they are; by default the key's, others are for an admin."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self, *, client: str | None = None) -> tuple[Recipe, ...]:
        """All that jobs can name."""
        return self._connection.ask(_Recipes, "GET", "/v1/recipes", params={"client": client})[0].recipes

    def get(self, name: str, *, version: str | None = None, client: str | None = None) -> RecipeDetail:
        """One, with its text and the JSON Schemas of its inputs and items; of the current version, or of another."""
        params = {"version": version, "client": client}
        return self._connection.ask(RecipeDetail, "GET", _path("recipes", name), params=params)[0]

    def versions(self, name: str, *, client: str | None = None) -> tuple[RecipeVersion, ...]:
        """Its versions, the highest first, with what came of their checks."""
        path = _path("recipes", name, "versions")
        return self._connection.ask(_Versions, "GET", path, params={"client": client})[0].versions

    def push(
        self, name: str, text: str, *, pages: bytes | None = None, client: str | None = None, force: bool = False
    ) -> RecipeVersion:
        """Hands a version over, to be checked. The same again is answered with what has become of it.

        Args:
            name: as the recipe says, too.
            text: of the recipe.
            pages: its saved pages, a tar.
            client: whose it is.
            force: let jobs have it although page types have no test; for an admin.

        Raises:
            ApiError: `unprocessable`: no recipe; `conflict`: another text has this version; `name_reserved`.
        """
        files = {"recipe": (f"{name}.yaml", text.encode())}
        if pages is not None:
            files["pages"] = ("pages.tar", pages)
        params = {"client": client, "force": "true" if force else None}
        path = _path("recipes", name)
        return self._connection.ask(RecipeVersion, "PUT", path, params=params, files=files, is_repeatable=True)[0]

    def checked(
        self, pushed: RecipeVersion, *, client: str | None = None, every_s: float = 0.5, patience_s: float = 120.0
    ) -> RecipeVersion:
        """A version that was pushed, once its check has ended; as it is then if that takes longer than `patience_s`."""
        until = time.monotonic() + patience_s
        while not pushed.is_checked and time.monotonic() < until:
            time.sleep(every_s)
            found = self.versions(pushed.name, client=client)
            pushed = next((each for each in found if each.version == pushed.version), pushed)
        return pushed

    def diff(
        self, name: str, old: str, new: str | None = None, *, limit: int | None = None, client: str | None = None
    ) -> RecipeDiff:
        """What two versions make of the saved pages of both; `new` is by default the current one.

        Args:
            name: of the recipe.
            old: the version before.
            new: the version after.
            limit: differences to tell one by one; figures are of all.
            client: whose it is.

        Raises:
            ApiError: `not_found`; `unprocessable`: no such version, or no saved pages.
        """
        params = {"from": old, "to": new, "limit": limit, "client": client}
        return self._connection.ask(RecipeDiff, "GET", _path("recipes", name, "diff"), params=params)[0]

    def preview(
        self,
        url: str,
        *,
        recipe: str | None = None,
        recipe_text: str | None = None,
        page: str | None = None,
        body: str | None = None,
        content_type: str | None = None,
        inputs: Mapping[str, Any] | None = None,
    ) -> RecipePreview:
        """What a recipe makes of one page, which the API fetches unless it is given. Nothing is kept.

        Args:
            url: of the page.
            recipe: `NAME` or `NAME@VERSION` of one that the API has; or else
            recipe_text: the recipe itself.
            page: its type, where the recipe does not tell it by the URL.
            body: the page itself, as text.
            content_type: of `body`; by default HTML.
            inputs: of the recipe, typed.

        Raises:
            ApiError: `unprocessable`: the recipe, an input or the page cannot be used; `errors` says why.
        """
        facts = {
            "url": url,
            "recipe": recipe,
            "recipe_text": recipe_text,
            "page": page,
            "body": body,
            "content_type": content_type,
            "inputs": inputs or None,
        }
        return self._connection.ask(
            RecipePreview, "POST", "/v1/recipes/preview", body=_given(facts), is_repeatable=True
        )[0]


class Clients:
    """`client.clients`: whose jobs and keys there are; for an admin."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> tuple[ClientAccount, ...]:
        """All of them."""
        return self._connection.ask(_Clients, "GET", "/v1/clients")[0].clients

    def get(self, client: str) -> ClientAccount:
        """One of them."""
        return self._connection.ask(ClientAccount, "GET", _path("clients", client))[0]

    def create(
        self, client: str, *, name: str = "", quotas: Quotas | None = None, rate_limit: str | None = None
    ) -> ClientAccount:
        """Makes one: its id, a name for people, quotas, and a rate such as `600/minute`."""
        facts = {"id": client, "name": name or None, "quotas": _quotas(quotas), "rate_limit": rate_limit}
        return self._connection.ask(ClientAccount, "POST", "/v1/clients", body=_given(facts))[0]

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
        return self._connection.ask(ClientAccount, "PATCH", _path("clients", client), body=body)[0]


class Keys:
    """`client.keys`: who may ask, and for what; for an admin."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self, *, client: str | None = None) -> tuple[ApiKey, ...]:
        """All keys, or those of a client."""
        return self._connection.ask(_Keys, "GET", "/v1/keys", params={"client": client})[0].keys

    def get(self, key_id: str) -> ApiKey:
        """What is known of one."""
        return self._connection.ask(ApiKey, "GET", _path("keys", key_id))[0]

    def create(
        self, client: str, *, scopes: Sequence[str], note: str = "", expires_at: datetime | None = None
    ) -> NewKey:
        """Makes one. Its text is in the answer, and never told again; a try that fails is not repeated."""
        expires = None if expires_at is None else time_text(expires_at)
        facts = {"client": client, "scopes": list(scopes), "note": note, "expires_at": expires}
        return self._connection.ask(NewKey, "POST", "/v1/keys", body=facts)[0]

    def revoke(self, key_id: str) -> ApiKey:
        """Makes it worthless at once."""
        return self._connection.ask(ApiKey, "POST", _path("keys", key_id, "revoke"), is_repeatable=True)[0]

    def rotate(self, key_id: str, *, grace_s: int | None = None) -> NewKey:
        """Makes another one like it; the old one is good for `grace_s` seconds more."""
        return self._connection.ask(NewKey, "POST", _path("keys", key_id, "rotate"), body=_given({"grace_s": grace_s}))[
            0
        ]


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


class _Nodes(msgspec.Struct, frozen=True):
    nodes: tuple[Node, ...] = ()


class _Recipes(msgspec.Struct, frozen=True):
    recipes: tuple[Recipe, ...] = ()


class _Versions(msgspec.Struct, frozen=True):
    versions: tuple[RecipeVersion, ...] = ()


class _Clients(msgspec.Struct, frozen=True):
    clients: tuple[ClientAccount, ...] = ()


class _Keys(msgspec.Struct, frozen=True):
    keys: tuple[ApiKey, ...] = ()


def _path(*parts: str) -> str:
    """`/v1/...` with each part quoted, so that an id cannot lead elsewhere.

    Raises:
        InvalidJob: a part is empty, "." or "..", which an address loses.
    """
    for part in parts:
        if part in ("", ".", ".."):
            raise InvalidJob(f"{part!r} is no id")
    return "/v1/" + "/".join(quote(part, safe="") for part in parts)


def _given(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value is not None}


def _quotas(quotas: Quotas | None) -> dict[str, Any] | None:
    return None if quotas is None else _given(msgspec.structs.asdict(quotas))
