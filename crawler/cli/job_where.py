"""Where the jobs are that a command is about: the options that say it, and what they lead to.

A store that is named - `--redis-url`, REDIS_URL - is asked itself; otherwise the control API that is known, and where
there is none, the store of the running platform.
"""

from __future__ import annotations

import functools
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import click

from crawler.cli.api_target import api_target, known_target, opened, with_api
from crawler.cli.groups import CommandFailed
from crawler.cli.job_desk_api import ApiDesk
from crawler.cli.job_desk_store import StoreDesk
from crawler.config import read_config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from crawler.cli.api_target import ApiTarget
    from crawler.cli.job_desk import JobDesk
    from crawler.client.client import Client

_PREFIX: Final = "crawlery"

_NOWHERE: Final = (
    "where are the jobs? `crawlery login --url https://HOST` says which control API has them;"
    " --redis-url redis://HOST:PORT/DB, or REDIS_URL in the environment, which store"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Where:
    """What was typed."""

    api_url: str | None
    redis_url: str | None
    prefix: str | None

    @contextmanager
    def desk(self) -> Iterator[JobDesk]:
        """What answers the command.

        Raises:
            CommandFailed: what was typed contradicts itself, or the API refuses.
            ConfigError: an address or a key cannot be used.
        """
        target = self._target()
        if target is None:
            if not self.redis_url and not read_config().redis_url:
                raise CommandFailed(_NOWHERE)
            yield StoreDesk(self.redis_url, self.prefix or _PREFIX)
            return
        with opened(target) as client:
            yield ApiDesk(client)

    @contextmanager
    def client(self, option: str) -> Iterator[Client]:
        """The API itself, for an option that needs it.

        Raises:
            CommandFailed: the jobs are asked of a store, or see `desk`.
            ConfigError: see `desk`.
        """
        if self._store_is_named:
            raise CommandFailed(
                f"{option} is what the API says, and --redis-url or REDIS_URL names a store; leave that out"
            )
        with opened(self._target() or api_target(self.api_url)) as client:
            yield client

    @property
    def _store_is_named(self) -> bool:
        if self.redis_url:
            return True
        return not self.api_url and bool(read_config(running_platform=False).redis_url)

    def _target(self) -> ApiTarget | None:
        """The API to ask; None: the store."""
        if self.redis_url and self.api_url:
            raise CommandFailed("--redis-url and --api-url: which of the two? The store, or the API before it")
        if self._store_is_named:
            return None
        target = known_target(self.api_url)
        if target is not None and self.prefix is not None:
            raise CommandFailed(
                f"--prefix is of a store, and {target.url} is asked; --redis-url says which store is meant"
            )
        return target


def with_where(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say where the jobs are, for a command that takes `where`."""

    @functools.wraps(command)
    def packed(*, api_url: str | None, redis_url: str | None, prefix: str | None, **others: Any) -> Any:
        return command(where=Where(api_url=api_url, redis_url=redis_url, prefix=prefix), **others)

    prefix = f"Of a store: as STORE_PREFIX of the crawl.  [default: {_PREFIX}]"
    packed = click.option("--prefix", metavar="TEXT", help=prefix)(packed)
    url = "Ask the store itself: redis://HOST:PORT/DB.  [env: REDIS_URL]"
    return with_api(click.option("--redis-url", metavar="URL", help=url)(packed))
