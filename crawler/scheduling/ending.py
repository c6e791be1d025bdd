"""Whether it is the job that ends when a worker goes, or only that worker's part in it.

The job ends when nothing of it is open, and when a limit of it is reached or a spider raises `CloseSpider`, whichever
of its workers that happens to. The others are told through the store: they get no more pages, finish those that they
have, and the last one to go closes the job, for the reason that was said. A worker that leaves for any other reason
(SIGTERM, too much memory, an extension that closes the spider) leaves the job to the others, or to those to come: an
end cannot be taken back.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from crawler.frontier.contract import FINISHED

if TYPE_CHECKING:
    from crawler.frontier.contract import Frontier
    from crawler.scheduling.intake import Intake
    from crawler.scheduling.membership import Intention

#: Reasons for which Scrapy closes a spider that is idle; the second one if its `start()` has failed.
_IDLE: Final = frozenset({FINISHED, "start_error"})


class Ending:
    """The end of a job, as one of its workers sees it."""

    def __init__(self, frontier: Frontier, intake: Intake, *, shared: bool, intention: Intention | None) -> None:
        """`intention`: what workers say to each other; None where nobody else would hear it."""
        self._frontier = frontier
        self._intake = intake
        self._shared = shared
        self._intention = intention
        self._reason = ""
        self._saying: asyncio.Task[None] | None = None

    @property
    def has_begun(self) -> bool:
        """Whether the job gives out no more pages."""
        return self._intake.closed

    def say(self, reason: str) -> None:
        """The job is to end for this reason; the first one counts."""
        if self._reason:
            return
        self._reason = reason
        if self._intention is not None:
            self._saying = asyncio.get_running_loop().create_task(self._intention.say(reason))

    async def pause(self, why: str) -> None:
        """Pauses the job until a person has done something. One of this process alone ends: nobody would resume it."""
        if self._intention is not None:
            await self._intention.pause(why)
        elif not self._shared:
            self._intake.kept_out = why

    def is_the_jobs(self, reason: str) -> bool:
        """Whether the job ends with a worker whose spider is closed for this reason."""
        return not self._shared or bool(self._reason) or reason in _IDLE

    async def close(self, reason: str) -> None:
        """Closes the job if it is to end; for a worker that holds none of its pages any more."""
        if not self.is_the_jobs(reason):
            return
        if self._saying is not None:
            await self._saying
        if self._shared and not self._reason:
            await self._intake.ask(0)  # something may have been handed in since this worker found nothing to do
            if self._intake.open:
                return
            reason = FINISHED
        reason = self._reason or await self._said_by_others() or reason
        if self._shared:
            await self._frontier.promote()  # pages of workers that died are not on their way any more
        await self._frontier.close(reason)

    async def _said_by_others(self) -> str:
        return await self._intention.reason() if self._intention is not None else ""
