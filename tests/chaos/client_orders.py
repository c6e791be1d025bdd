"""A client of the control API that wants one job, and says so until an API has confirmed it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from crawler.client.client import Client
from crawler.errors import CrawleryError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: One API is asked for so long, then another one.
PATIENCE_S = 2.0

#: Between two tries, if none answers.
_PAUSE_S = 0.1


class Order:
    """Repeats one order with one Idempotency-Key, in a thread of its own.

    Attributes:
        job: the id that was confirmed; "" before.
        tries: how often it was said.
        answers: ids that were confirmed: one, however often it was asked.
    """

    def __init__(self, *, key: str, urls: Callable[[], Sequence[str]], idempotency_key: str, **facts: Any) -> None:
        """`facts`: of the order, as `Client.jobs.submit` takes them; `urls`: of the APIs that run now."""
        self.job = ""
        self.tries = 0
        self.answers: set[str] = set()
        self.last_error = ""
        self._key, self._urls = key, urls
        self._facts = {**facts, "idempotency_key": idempotency_key}
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def _run(self) -> None:
        while not self.job:
            urls = [url for url in self._urls() if url]
            if urls:
                self._try(urls[self.tries % len(urls)])
            if not self.job:
                time.sleep(_PAUSE_S)

    def _try(self, url: str) -> None:
        self.tries += 1
        try:
            with Client(url, self._key, timeout_s=10.0, patience_s=PATIENCE_S) as client:
                accepted = client.jobs.submit(**self._facts)
        except CrawleryError as error:
            self.last_error = str(error)
        else:
            self.answers.add(accepted.id)
            self.job = accepted.id
