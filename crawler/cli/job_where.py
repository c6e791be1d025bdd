"""Where the jobs are that a command is about: the options that say it, and what they lead to."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crawler.cli.job_desk_store import StoreDesk
from crawler.cli.stores import with_store

if TYPE_CHECKING:
    from collections.abc import Callable

    from crawler.cli.job_desk import JobDesk


@dataclass(frozen=True, kw_only=True, slots=True)
class Where:
    """What was typed."""

    redis_url: str | None
    prefix: str

    def desk(self) -> JobDesk:
        """What answers the command."""
        return StoreDesk(self.redis_url, self.prefix)


def with_where(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say where the jobs are, for a command that takes `where`."""

    @functools.wraps(command)
    def packed(*, redis_url: str | None, prefix: str, **others: Any) -> Any:
        return command(where=Where(redis_url=redis_url, prefix=prefix), **others)

    return with_store(packed)
