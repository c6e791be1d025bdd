"""Which control API a command talks to, with which key, and what is said when it refuses or does not answer.

In this order: `--api-url` or CRAWLERY_API_URL, with CRAWLERY_API_KEY; what `crawlery login` has kept; the running
platform of `crawlery up`. A key that was kept goes to the address that it was kept with, and nowhere else.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import click

from crawler.cli import console
from crawler.cli.credentials import read_credentials
from crawler.cli.groups import CommandFailed
from crawler.client.client import Client
from crawler.client.connection import check_url
from crawler.client.model import to_json
from crawler.config import PLATFORM_FILE, read_config
from crawler.errors import ApiError, ApiUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import msgspec

#: A person waits for so long until an API that is started anew is back.
PATIENCE_S: Final = 10.0

_LOGIN: Final = "crawlery login"
_NO_API: Final = (
    "which API? `crawlery login --url https://HOST` keeps its address and a key; --api-url (or CRAWLERY_API_URL) and"
    " CRAWLERY_API_KEY say them for once; where `crawlery up` runs with an API, it says them itself"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiTarget:
    """An API and the key for it; `said_by`: who has said the key."""

    url: str
    key: str = field(repr=False)
    said_by: str


def with_api(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option that says which API."""
    text = "The control API, https://HOST.  [env: CRAWLERY_API_URL, with CRAWLERY_API_KEY]"
    return click.option("--api-url", metavar="URL", help=text)(command)


def with_json(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option that prints what the API says."""
    return click.option("--json", "as_json", is_flag=True, help="As the API says it, for scripts.")(command)


def known_target(api_url: str | None) -> ApiTarget | None:
    """The API that is meant; None if nothing names one.

    Args:
        api_url: of `--api-url`.

    Raises:
        CommandFailed: one is named, and no key for it; or what was kept cannot be read.
        ConfigError: what names it is no address.
    """
    said = read_config(running_platform=False)
    if api_url or said.api_url:
        return _named(check_url(api_url or said.api_url), said.api_key)
    kept = read_credentials()
    if kept is not None:
        return ApiTarget(url=kept.url, key=said.api_key or kept.key, said_by=_said_by(said.api_key))
    return _of_platform()


def _named(url: str, key: str) -> ApiTarget:
    """An API that somebody has named, with the key that is for it."""
    if key:
        return ApiTarget(url=url, key=key, said_by=_said_by(key))
    kept = read_credentials()
    if kept is not None and kept.url == url:
        return ApiTarget(url=url, key=kept.key, said_by=_LOGIN)
    platform = _of_platform()
    if platform is not None and platform.url == url:
        return platform
    raise CommandFailed(
        f"which key for {url}? `crawlery login --url {url}` keeps one; CRAWLERY_API_KEY in the environment is one"
    )


def _said_by(key: str) -> str:
    return "CRAWLERY_API_KEY" if key else _LOGIN


def _of_platform() -> ApiTarget | None:
    """The API of the platform in the data folder."""
    config = read_config()
    if not config.api_url or config.api_url == read_config(running_platform=False).api_url:
        return None
    file = config.data_dir / PLATFORM_FILE
    if not config.api_key:
        raise CommandFailed(f"{file} names an API and no key; `crawlery up` writes it anew")
    return ApiTarget(url=check_url(config.api_url), key=config.api_key, said_by=str(file))


def api_target(api_url: str | None) -> ApiTarget:
    """The API that is meant.

    Raises:
        CommandFailed: nothing names one; or see `known_target`.
        ConfigError: see `known_target`.
    """
    target = known_target(api_url)
    if target is None:
        raise CommandFailed(_NO_API)
    return target


@contextmanager
def opened(target: ApiTarget) -> Iterator[Client]:
    """A client of the API; what it refuses becomes a message for the person.

    Raises:
        CommandFailed: the API refuses, or does not answer.
        ConfigError: the key cannot be sent.
    """
    told: set[str] = set()

    def on_wait(words: str, _: float) -> None:
        if words not in told:
            told.add(words)
            console.note(f"{console.safe(words)}; trying again")

    try:
        with Client(target.url, target.key, patience_s=PATIENCE_S, on_wait=on_wait) as client:
            yield client
    except ApiUnreachable as error:
        raise CommandFailed(f"the API does not answer: {error}. Does it run? `--api-url` names another one") from error
    except ApiError as error:
        raise CommandFailed(_explained(error, target)) from error


def print_json(value: msgspec.Struct | dict[str, Any]) -> None:
    """What the API has said, for scripts."""
    click.echo(to_json(value).decode())


def _explained(error: ApiError, target: ApiTarget) -> str:
    """What a person is told: what, where, what to do."""
    detail = "; ".join([error.detail.rstrip("."), *(f"{each.pointer}: {each.message}" for each in error.errors)])
    said = console.safe(detail)
    request = f" (request {console.safe(error.request_id)})" if error.request_id else ""
    if error.code == "invalid_key":
        how = "set another one" if target.said_by == "CRAWLERY_API_KEY" else f"`crawlery login --url {target.url}`"
        return f"{target.url} does not take the key of {target.said_by}: {said}; {how}"
    if error.code == "missing_scope":
        return (
            f"the key of {target.said_by} may not do this at {target.url}: {said}; `crawlery whoami` shows what it may"
        )
    if error.retry_after_s is not None:
        return f"{target.url} answers {error.status} {error.code}: {said}; try again in {error.retry_after_s:.0f} s"
    if error.status in (400, 404, 409, 422) and not error.code.startswith("http_"):
        return f"{said} ({target.url}, {error.code})"
    return f"{target.url} answers {error.status} {error.code}: {said}{request}"
