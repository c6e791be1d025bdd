"""The `session` of a recipe, compiled: how a crawl is logged in. Part of the plan that `model` describes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crawler.recipe.model import RequestSpec, RuleNode
    from crawler.recipe.queries import CssQuery
    from crawler.recipe.template import Template, ValueTemplate


class FormLogin(Struct, frozen=True, kw_only=True):
    """`session.login`: a form of a page, filled in."""

    url: Template
    data: Mapping[str, ValueTemplate]
    form: CssQuery | None = None  # None: the first one that asks for a password
    error: RuleNode | None = None


class RequestLogin(Struct, frozen=True, kw_only=True):
    """`session.request`: one request, whose answer may hold a token."""

    request: RequestSpec
    error: RuleNode | None = None
    token: RuleNode | None = None


class Credentials(Struct, frozen=True, kw_only=True):
    """`session.cookies`, `basic` or `bearer`: nobody logs in, every request shows them."""

    kind: Literal["cookies", "basic", "bearer"]
    secret: str = ""  # its name; of cookies and bearer
    username: Template | None = None
    password: Template | None = None


class Session(Struct, frozen=True, kw_only=True):
    """`session`: how a crawl is logged in, and for which domains; () = the hosts of `start`."""

    way: FormLogin | RequestLogin | Credentials
    domains: tuple[Template, ...] = ()
