"""Jobs as the control API has them: what most people use. Knows no store."""

from __future__ import annotations

import json
import uuid
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import msgspec

from crawler.cli import console
from crawler.cli.groups import CommandFailed
from crawler.cli.job_view import JobView, Watching, WorkerView, crawled, exit_status, print_end
from crawler.cli.recipes import is_path, load, recipe_paths
from crawler.client.model import Job, Limits
from crawler.errors import ApiError, ApiUnreachable
from crawler.frontier.contract import Failure, Ledger
from crawler.jobs.model import check_job_id
from crawler.recipe.extract import start_requests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from crawler.cli.job_desk import LogsAsked, Order
    from crawler.cli.progress import ProgressDisplay
    from crawler.client.client import Client
    from crawler.client.model import Attempt, Failures, JobQuality, LearnedSeries, LogPage, Publication, Results

#: Ends of workers that left in order, in the words of the API: all done, a list lost, told to go.
_ORDERLY: Final = frozenset({"exit 0", "exit 3", "exit 130"})

_PAGE: Final = 200


@contextmanager
def _once(key: str) -> Iterator[None]:
    """An order that may have been taken: the message says how it is repeated without a second job."""
    try:
        yield
    except ApiUnreachable as error:
        raise CommandFailed(
            f"no answer, so the job may be there or not: {error}. The same command with `--key {key}` makes it once"
        ) from error


class ApiDesk:
    """The jobs that a key of the API may see."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def submit(self, order: Order) -> tuple[str, bool]:
        """See `JobDesk`. A name is a recipe of the API; a path is a file of ours, whose text is handed over."""
        if is_path(order.recipe):
            recipe = load(order.recipe)
            values = recipe.inputs.from_text(order.inputs)
            start_requests(recipe, values)  # an input that makes no address is told before it is sent
            what: dict[str, Any] = {"recipe_text": recipe.resolved, "inputs": values}
        else:
            what = {"recipe": order.recipe, "inputs": self._typed(order.recipe, order.inputs)}
        key = f"auto-{uuid.uuid4()}" if order.key is None else order.key
        limits = {name: getattr(order.limits, name) for name in order.limits.__slots__}
        try:
            with _once(key):
                accepted = self._client.jobs.submit(
                    **what,
                    priority=order.priority,
                    max_workers=order.workers,
                    limits=msgspec.convert(limits, Limits),
                    tags=order.tags,
                    idempotency_key=key,
                )
        except ApiError as error:
            wrong = [each.message for each in error.errors if each.pointer == "/body/recipe"]
            if wrong:
                raise self._recipe_refused(order.recipe, wrong) from error
            raise
        console.note(f"handed to {self._client.url}")
        return accepted.id, not accepted.is_replayed

    def replay(self, job_id: str, outcome: str, *, key: str | None) -> tuple[str, bool]:
        """See `JobDesk`."""
        key = f"auto-{uuid.uuid4()}" if key is None else key
        with self._job(job_id), _once(key):
            accepted = self._client.jobs.replay(job_id, outcome, idempotency_key=key)
        return accepted.id, not accepted.is_replayed

    def newest(self, limit: int) -> Sequence[JobView]:
        """See `JobDesk`."""
        return [_view(job) for job in islice(self._client.jobs.iterate(limit=min(limit, _PAGE)), limit)]

    def view(self, job_id: str) -> JobView:
        """See `JobDesk`."""
        with self._job(job_id):
            job = self._client.jobs.get(job_id)
            has_failures = job.progress is not None and job.progress.failed > 0
            return _view(job, self._client.jobs.failures(job_id) if has_failures else None)

    def failures(self, job_id: str, *, outcome: str = "") -> Failures:
        """See `JobDesk`."""
        with self._job(job_id):
            page = found = self._client.jobs.failures(job_id, outcome=outcome or None)
            while page.next is not None:
                page = self._client.jobs.failures(job_id, outcome=outcome or None, cursor=page.next)
                found = msgspec.structs.replace(found, failures=(*found.failures, *page.failures), next=None)
            return found

    def logs(
        self, job_id: str, asked: LogsAsked, *, limit: int, before: str | None = None, after: str | None = None
    ) -> LogPage:
        """See `JobDesk`."""
        with self._job(job_id):
            return self._client.jobs.logs(
                job_id, level=asked.level, text=asked.text or None, worker=asked.worker or None, limit=limit,
                before=before, after=after,
            )  # fmt: skip

    def pause(self, job_id: str) -> None:
        """See `JobDesk`."""
        with self._job(job_id):
            self._client.jobs.pause(job_id)

    def resume(self, job_id: str) -> None:
        """See `JobDesk`."""
        with self._job(job_id):
            self._client.jobs.resume(job_id)

    def cancel(self, job_id: str) -> int:
        """See `JobDesk`."""
        with self._job(job_id):
            self._client.jobs.cancel(job_id)
            progress = self._client.jobs.get(job_id).progress
            return progress.leased if progress is not None else 0

    def watch(self, job_id: str, *, look: Callable[[ProgressDisplay, JobView], None] | None = None) -> int:
        """See `JobDesk`. An API that is away for a while is waited for.

        `look` is called with the display and what was seen, whenever that is shown.
        """
        with self._job(job_id):
            seen = _view(self._client.jobs.get(job_id))
            with Watching(seen.crawls) as watching:
                for job in self._client.jobs.follow(job_id):
                    seen = _view(job)
                    if job.has_ended:
                        break
                    watching.show(seen)
                    if look is not None:
                        look(watching.display, seen)
        print_end(seen)
        return exit_status(seen)

    def results(self, job_id: str, *, expires_s: int, withheld: bool) -> Results:
        """See `JobDesk`."""
        with self._job(job_id):
            found = self._client.results.get(job_id, expires_s=expires_s)
        self._check_withheld(found, withheld=withheld)
        return found

    def download(self, job_id: str, folder: Path, *, withheld: bool) -> None:
        """See `JobDesk`. What was cut off goes on where it was cut, in the next call too."""
        if withheld:
            self.results(job_id, expires_s=1, withheld=True)
        with self._job(job_id):
            self._client.results.download(
                job_id, folder, on_file=lambda path, rows: console.note(f"{rows:,} rows in {path}")
            )

    def quality(self, job_id: str) -> JobQuality | None:
        """See `JobDesk`."""
        try:
            with self._job(job_id):
                return self._client.jobs.quality(job_id, is_patient=False)
        except ApiError as error:
            if error.code in ("conflict", "not_found"):  # it has not ended, or the API is older
                return None
            raise

    def learned(self, recipe: str) -> Sequence[LearnedSeries]:
        """See `JobDesk`."""
        try:
            return self._client.recipes.bands(recipe)
        except ApiError as error:
            if error.code == "not_found":
                return ()
            raise

    def publish(self, job_id: str, reason: str) -> Publication:
        """See `JobDesk`."""
        with self._job(job_id):
            return self._client.results.publish(job_id, reason)

    def _check_withheld(self, found: Results, *, withheld: bool) -> None:
        if not found.withheld:
            return
        if not found.final:
            raise CommandFailed(f"{found.job} is {found.state}, and its rows are to be judged before anybody gets them")
        no = "no API gives them out" if withheld else "the API does not give them out"
        why = console.safe("; ".join(found.why))
        raise CommandFailed(
            f"{found.job} {found.outcome}: {why}. Its files are withheld, and {no}; where the store is,"
            " `crawlery job results --redis-url URL --withheld` does. If they are right all the same,"
            f" `crawlery job publish {found.job} --reason TEXT` publishes them"
        )

    def _typed(self, name: str, texts: Mapping[str, str]) -> dict[str, Any]:
        """Inputs as the recipe of the API wants them; as they are, if the key may not look at recipes."""
        if not texts:
            return {}
        try:
            schema = self._client.recipes.get(name.partition("@")[0]).inputs
        except ApiError as error:
            if error.code == "not_found":
                raise self._recipe_refused(name, [f"there is no recipe {name}"]) from error
            if error.code != "missing_scope":
                raise
            schema = {}
        return typed_inputs(texts, schema)

    def _recipe_refused(self, name: str, why: Sequence[str]) -> CommandFailed:
        """Why the API does not run its recipe of that name, and that there is one here, if there is."""
        own = next((path for path in recipe_paths() if path.stem == name.partition("@")[0]), None)
        path = own if own is None or is_path(str(own)) else f"./{own}"
        hint = f". Your own is handed over by its path: `crawlery job run {path}`" if own is not None else ""
        return CommandFailed(f"{self._client.url}: {console.safe('; '.join(why))}{hint}")

    @contextmanager
    def _job(self, job_id: str) -> Iterator[None]:
        """For calls about a job: an unknown one is told as such.

        Raises:
            CommandFailed: there is none that this key may see.
            InvalidJob: it is no id.
        """
        check_job_id(job_id)
        try:
            yield
        except ApiError as error:
            if error.code != "not_found":
                raise
            raise CommandFailed(
                f"there is no job {job_id} at {self._client.url}; `crawlery job list` shows those that there are"
            ) from error


def typed_inputs(texts: Mapping[str, str], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Texts as values of their types; one that cannot be read stays a text, and the API says what is wrong with it.

    Args:
        texts: by name, as they were typed.
        schema: JSON Schema of an object with them.
    """
    properties = schema.get("properties", {})
    return {name: _typed(text, properties.get(name, {})) for name, text in texts.items()}


def _typed(text: str, schema: Mapping[str, Any]) -> Any:
    kind = schema.get("type")
    kind = next((each for each in kind if each != "null"), None) if isinstance(kind, list) else kind
    plain = text.strip()
    try:
        if kind == "integer":
            return int(plain)
        if kind == "number":
            value = float(plain)
            return int(plain) if value.is_integer() and plain.lstrip("+-").isdecimal() else value
        if kind == "object" or (kind == "array" and plain.startswith("[")):
            return json.loads(plain)
    except ValueError:
        return text
    if kind == "boolean" and plain.lower() in ("true", "false"):
        return plain.lower() == "true"
    if kind == "array":
        return [_typed(part.strip(), schema.get("items", {})) for part in plain.split(",") if part.strip()]
    return text


def _view(job: Job, failures: Failures | None = None) -> JobView:
    accepted_s = job.created_at.timestamp() if job.created_at else 0.0
    progress = job.progress
    named = failures.failures if failures is not None else ()
    books = Ledger() if progress is None else Ledger(
        accepted=progress.found,
        ready=progress.ready,
        delayed=progress.delayed,
        leased=progress.leased,
        parked=progress.parked,
        settled=progress.outcomes,
        rows=progress.rows,
        retries=progress.retries,
        failures=tuple(
            Failure(url=each.url or "", outcome=each.outcome, reason=each.reason or "", tries=0) for each in named
        ),
    )  # fmt: skip
    return JobView(
        id=job.id,
        crawls=crawled(job.recipe or job.spider or "-", job.replay),
        state=job.state,
        intended=job.intended or "",
        outcome=job.outcome or "",
        why=job.why or "",
        accepted_s=accepted_s,
        since_s=job.started_at.timestamp() if job.started_at else accepted_s,
        books=books,
        workers=tuple(map(_worker, job.attempts or ())),
    )


def _worker(attempt: Attempt) -> WorkerView:
    return WorkerView(
        name=attempt.worker or attempt.node,
        how=attempt.how,
        is_running=attempt.ended_at is None,
        in_order=attempt.how in _ORDERLY,
    )
