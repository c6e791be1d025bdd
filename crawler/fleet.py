"""Whether a crawl shares a job with other processes, and where that is.

A crawl is shared when the settings name a store, in scrapy-redis's words: REDIS_URL, or REDIS_HOST and its like. The
job is the one of `-a job=ID`. Without that, a recipe's crawl makes a job of its own, and an ordinary spider's processes
share one by the spider's name, as in scrapy-redis: whoever comes while it runs joins, whoever comes after it has ended
begins the next one (`crawler.joining`).

Knows settings and no client of the store, which a crawl of its own does not load.
"""

from __future__ import annotations

import math
import os
import secrets
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from crawler.errors import ConfigError
from crawler.spiders.recipe import RecipeSpider

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scrapy import Spider
    from scrapy.settings import BaseSettings

    from crawler.jobs.model import Job

#: Settings of scrapy-redis that are parameters of the client.
SETTINGS_PARAMETERS: Final[Mapping[str, str]] = {
    "REDIS_URL": "url",
    "REDIS_HOST": "host",
    "REDIS_PORT": "port",
    "REDIS_DB": "db",
    "REDIS_ENCODING": "encoding",
    "REDIS_DECODE_RESPONSES": "decode_responses",
}

#: Those that would change what answers look like, or how they are repeated.
_NOT_OURS: Final = frozenset({"redis_cls", "encoding", "decode_responses", "retry_on_timeout"})

#: Spider arguments that say which job, not what it is to do.
_JOB_ARGUMENTS: Final = frozenset({"job", "_job", "name"})


@dataclass(frozen=True, kw_only=True, slots=True)
class FleetSettings:
    """Where the store is and how a worker behaves to it. Times in seconds.

    Attributes:
        parameters: of the Redis client; `url`, or `host` and its like.
        prefix: of all keys.
        ttl_s: a worker that has not renewed its leases for so long loses them.
        begin_anew: the run of an ordinary spider that was left off is ended, and the next one begun.
    """

    parameters: Mapping[str, Any]
    prefix: str
    ttl_s: float
    begin_anew: bool = False

    @property
    def address(self) -> str:
        """Where the store is, without its password."""
        url = str(self.parameters.get("url") or "")
        if url:
            scheme, _, rest = url.rpartition("://")
            return f"{scheme or 'redis'}://{rest.rpartition('@')[2]}"
        return f"{self.parameters.get('host', 'localhost')}:{self.parameters.get('port', 6379)}"


def fleet_settings(settings: BaseSettings) -> FleetSettings | None:
    """What the settings say; None for a crawl that is not shared.

    Raises:
        ConfigError: one of them cannot be used.
    """
    parameters = _parameters(settings)
    if not parameters:
        return None
    prefix = str(settings["STORE_PREFIX"])
    if "{" in prefix or "}" in prefix:
        raise ConfigError(f"STORE_PREFIX is {prefix!r}; leave out the braces, in keys they stand around the job's id")
    return FleetSettings(parameters=parameters, prefix=prefix, ttl_s=_ttl_s(settings), begin_anew=_begin_anew(settings))


def _parameters(settings: BaseSettings) -> dict[str, Any]:
    """What the client is made with. Values of REDIS_PARAMS are never shown: a password may be among them."""
    try:
        parameters = dict(settings.getdict("REDIS_PARAMS"))
    except (ValueError, TypeError) as error:
        raise ConfigError(f'REDIS_PARAMS is no dict ({error}); on a command line it is JSON: {{"db": 3}}') from error
    for source, name in SETTINGS_PARAMETERS.items():
        if settings.get(source):
            parameters[name] = settings[source]
    for source, name in (("REDIS_PORT", "port"), ("REDIS_DB", "db")):
        if name in parameters:
            try:
                parameters[name] = int(parameters[name])
            except (ValueError, TypeError) as error:
                raise ConfigError(f"{source} is {parameters[name]!r}; it must be a whole number") from error
    return {name: value for name, value in parameters.items() if name not in _NOT_OURS}


def _ttl_s(settings: BaseSettings) -> float:
    given = settings["LEASE_TTL"]
    try:
        ttl_s = float(given)
    except (ValueError, TypeError):
        ttl_s = math.nan
    if not 0.5 <= ttl_s <= 3600:
        raise ConfigError(f"LEASE_TTL is {given}; it is in seconds, from 0.5 to 3600")
    return ttl_s


def _begin_anew(settings: BaseSettings) -> bool:
    try:
        return settings.getbool("SCHEDULER_FLUSH_ON_START")
    except ValueError as error:
        given = settings["SCHEDULER_FLUSH_ON_START"]
        raise ConfigError(f"SCHEDULER_FLUSH_ON_START is {given!r}; it must be True or False") from error


def worker_name(*, node: str = "", token: str = "", pid: int = 0) -> str:
    """A process, by default this one, as no other is called: host or node, process, and chance or the seat that it has.

    A node can say what a worker of it is called, even one that has died before it said anything itself.
    """
    host = "".join(letter if letter.isalnum() or letter in "-." else "-" for letter in node or socket.gethostname())
    return f"{host[:40]}/{pid or os.getpid()}/{token or secrets.token_hex(4)}"


def check_fleet(settings: BaseSettings, spidercls: type[Spider], name: str, arguments: dict[str, Any]) -> str | None:
    """Reaches the store and makes or joins the job, before anything is started; its id, None if nothing is shared.

    The id of a new job is put into `arguments`, so that the crawl itself joins the same one.

    Raises:
        ConfigError: the store does not answer, or the job runs something else, or has ended.
        InputError: the arguments do not fit the recipe.
        JobError: the id is none.
        StoreError: the store refuses us.
    """
    fleet = fleet_settings(settings)
    stored: Job | None = getattr(spidercls, "stored_job", None)
    if fleet is not None and stored is not None:
        return stored.id
    if fleet is None:
        if arguments.get("job"):
            raise ConfigError("-a job=ID shares a job with other processes; -s REDIS_URL=redis://HOST:PORT says where")
        return None
    from crawler.joining import join_now, wish_of  # noqa: PLC0415 - with the store's client

    given = str(arguments.get("job") or "")
    if issubclass(spidercls, RecipeSpider):
        wish = wish_of(spidercls, name, given, spidercls.inputs_of(arguments))
    else:
        inputs = {key: value for key, value in arguments.items() if key not in _JOB_ARGUMENTS}
        wish = wish_of(spidercls, name, given, inputs)
    job = join_now(fleet, wish)
    arguments["job"] = job.id
    return job.id
