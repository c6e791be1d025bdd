"""Logs in where a recipe says so, for a person who looks at a single page: `recipe try` and `record`.

The login is that of a crawl, made of the same parts (`crawler.recipe.sessions`), and done once for each command.
Cookies stay with the fetcher; what is sent in a header goes to the hosts of the session and to nobody else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crawler.cli import console
from crawler.cli.groups import CommandFailed
from crawler.config import read_secret
from crawler.egress.single_page import FetchFailed
from crawler.errors import ConfigError, InputError, LoginFailed
from crawler.recipe.extract import start_requests
from crawler.recipe.model import PageInput
from crawler.recipe.session_plan import Credentials, FormLogin
from crawler.recipe.sessions import (
    basic_of,
    check_answer,
    first_request,
    form_request,
    is_shown,
    session_hosts,
    token_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crawler.egress.single_page import PageFetcher
    from crawler.recipe.model import PageRequest, Recipe


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """What requests are sent with, beside the cookies of the fetcher; nothing by itself."""

    header: tuple[str, str] = ("", "")
    hosts: tuple[str, ...] = ()

    def headers(self, url: str) -> dict[str, str]:
        """The headers that a URL is asked for with."""
        return dict([self.header]) if self.header[0] and is_shown(url, self.hosts) else {}


def log_in(recipe: Recipe, inputs: Mapping[str, Any], fetcher: PageFetcher) -> Shown:
    """Logs in as the recipe says.

    Raises:
        CommandFailed: it does not work, or a secret is not here.
    """
    if recipe.session is None:
        raise AssertionError("only for recipes with a session")
    way = recipe.session.way
    try:
        hosts = session_hosts(recipe, inputs, start_requests(recipe, inputs))
        known = {**inputs, **{name: _secret(secret) for name, secret in recipe.inputs.secrets.items()}}
        if isinstance(way, Credentials):
            return Shown(header=_credentials(way, known), hosts=hosts)
        answer = _get(first_request(way, known), fetcher)
        if isinstance(way, FormLogin):
            answer = _get(form_request(recipe, way, answer, known), fetcher)
        check_answer(recipe, way, answer)
        token = "" if isinstance(way, FormLogin) else token_of(recipe, way, answer)
    except (LoginFailed, FetchFailed, InputError) as error:
        raise CommandFailed(f"could not log in: {error}") from error
    console.note("logged in")
    return Shown(header=("Authorization", f"Bearer {token}"), hosts=hosts) if token else Shown()


def _credentials(way: Credentials, inputs: Mapping[str, Any]) -> tuple[str, str]:
    if way.kind == "basic":
        return "Authorization", f"Basic {basic_of(way, inputs)}"
    secret = _secret(way.secret)
    return ("Cookie", secret) if way.kind == "cookies" else ("Authorization", f"Bearer {secret}")


def _get(request: PageRequest, fetcher: PageFetcher) -> PageInput:
    fetched = fetcher.get(request.url, headers=dict(request.headers), method=request.method, body=request.body)
    return PageInput(
        request=request, url=fetched.url, body=fetched.body, status=fetched.status, headers=fetched.headers
    )


def _secret(name: str) -> str:
    """A secret of nobody's job.

    Raises:
        LoginFailed: it is not here, or is no single line.
    """
    try:
        text = read_secret(name)
    except ConfigError as error:
        raise LoginFailed(str(error)) from error
    if not text.isprintable():
        raise LoginFailed(f"the secret {name!r} is no single line")
    return text
