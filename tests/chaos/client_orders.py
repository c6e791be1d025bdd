"""A client of the control API that wants one job, and says so until an API has confirmed it; it may steer it then."""

from __future__ import annotations

import threading
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from crawler.client.client import Client
from crawler.errors import ApiError, CrawleryError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: One API is asked for so long, then another one.
PATIENCE_S = 2.0

#: Between two tries, if none answers.
_PAUSE_S = 0.1

#: Between two things that are done with a job.
_STEP_AFTER_S = 0.5


class Order:
    """Repeats one order with one Idempotency-Key, in a thread of its own.

    Attributes:
        job: the id that was confirmed; "" before.
        tries: how often it was said.
        answers: ids that were confirmed: one, however often it was asked.
    """

    def __init__(
        self,
        *,
        key: str,
        urls: Callable[[], Sequence[str]],
        idempotency_key: str,
        steps: Sequence[str] = (),
        **facts: Any,
    ) -> None:
        """`facts`: of the order, as `Client.jobs.submit` takes them; `urls`: of the APIs that run now."""
        self.job = ""
        self.steps = tuple(steps)
        self.tries = 0
        self.answers: set[str] = set()
        self.last_error = ""
        self._key, self._urls = key, urls
        self._facts = {**facts, "idempotency_key": idempotency_key}
        self._is_given_up = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def is_to_be_cancelled(self) -> bool:
        return "cancel" in self.steps

    @property
    def is_done(self) -> bool:
        """Whether the job is confirmed, and all was done with it that was to be done."""
        return not self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()

    def give_up(self) -> None:
        """Whoever still repeats something does not, and is gone when this returns."""
        self._is_given_up.set()
        self._thread.join(timeout=30)

    def again(self) -> set[str]:
        """Says the order once more, and answers all ids that were confirmed: one, if the promise holds."""
        self._until_answered(self._submit, may_be_over=True)
        return self.answers

    def _run(self) -> None:
        self._until_answered(self._submit)
        for step in self.steps:
            time.sleep(_STEP_AFTER_S)
            self._until_answered(lambda client, step=step: getattr(client.jobs, step)(self.job), may_be_over=True)

    def _until_answered(self, ask: Callable[[Client], object], *, may_be_over: bool = False) -> None:
        """Asks one API after the other. `may_be_over`: a job that has ended meanwhile is an answer, too."""
        while not self._is_given_up.is_set():
            urls = [url for url in self._urls() if url]
            if urls and self._is_answered(urls[self.tries % len(urls)], ask, may_be_over=may_be_over):
                return
            time.sleep(_PAUSE_S)

    def _is_answered(self, url: str, ask: Callable[[Client], object], *, may_be_over: bool) -> bool:
        self.tries += 1
        try:
            with Client(url, self._key, timeout_s=10.0, patience_s=PATIENCE_S) as client:
                ask(client)
        except ApiError as error:
            self.last_error = str(error)
            return may_be_over and error.status == HTTPStatus.CONFLICT
        except CrawleryError as error:
            self.last_error = str(error)
            return False
        return True

    def _submit(self, client: Client) -> None:
        self.job = client.jobs.submit(**self._facts).id
        self.answers.add(self.job)
