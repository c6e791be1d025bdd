"""Compiles `session`: the way a crawl is logged in, and what its pages must have.

Secrets are inputs whose values no recipe holds. Where they may stand is decided here and in `crosscheck`: in what is
sent to log in, and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from crawler.recipe import checked
from crawler.recipe.compile_sources import Place
from crawler.recipe.compile_texts import Scopes
from crawler.recipe.model import AnyOf, Condition
from crawler.recipe.session_plan import Credentials, FormLogin, RequestLogin, Session
from crawler.recipe.template import is_template
from crawler.recipe.yaml_nodes import ListNode, MapNode, Scalar

if TYPE_CHECKING:
    from crawler.recipe.compile_requests import RequestCompiler
    from crawler.recipe.compile_rules import RuleCompiler
    from crawler.recipe.compile_texts import Language, TextCompiler
    from crawler.recipe.diagnostics import Path
    from crawler.recipe.model import RuleNode
    from crawler.recipe.yaml_nodes import Node

_PATH: Final = ("session",)
_SCOPES: Final = Scopes()

#: Names of fields whose values are secrets.
_SECRET_WORDS: Final = ("pass", "pwd", "secret", "token", "api_key", "apikey")


@dataclass(frozen=True, slots=True)
class SessionCompiler:
    """Compiles the session of one recipe; what is wrong is reported and left out."""

    texts: TextCompiler
    rules: RuleCompiler
    requests: RequestCompiler

    def session(self, node: MapNode | None) -> Session | None:
        """The session; None where there is none, or after reporting."""
        if node is None:
            return None
        way = self._way(node)
        domains = [
            self.texts.template(scalar, where, _SCOPES) for where, scalar in checked.scalars(node, "domains", _PATH)
        ]
        if way is None:
            return None
        return Session(way=way, domains=tuple(domain for domain in domains if domain is not None))

    def valid_if(self, node: MapNode | None) -> Condition | None:
        """What pages must have; None where nothing is said."""
        if node is None or "valid_if" not in node:
            return None
        rule = self._either(node.get("valid_if"), (*_PATH, "valid_if"), json=False)
        return Condition(rule=rule) if rule is not None else None

    def _way(self, node: MapNode) -> FormLogin | RequestLogin | Credentials | None:
        for kind in ("login", "request", "cookies", "basic", "bearer"):
            found = checked.mapping(node, kind)
            if found is None:
                continue
            if kind == "login":
                return self._form(found)
            if kind == "request":
                return self._request(node, found)
            if kind == "basic":
                return self._basic(found)
            secret = checked.text(found, "secret") or ""
            return Credentials(kind="cookies" if kind == "cookies" else "bearer", secret=secret)
        return None

    def _form(self, node: MapNode) -> FormLogin | None:
        path: Path = (*_PATH, "login")
        url, css = checked.scalar(node, "url"), checked.scalar(node, "formcss")
        form = self.texts.css(css, (*path, "formcss"), row=False) if css is not None else None
        if form is not None and css is not None and any(part.kind != "element" for part in form.parts):
            where, hint = (*path, "formcss"), "delete what follows `::`"
            self.texts.report.add(css.mark, where, "must select the form itself", hint)
        template = self.requests.url(url, (*path, "url"), _SCOPES) if url is not None else None
        data = self.requests.values(node, "formdata", path, _SCOPES)
        self._no_secrets(node, "formdata", path)
        error = self._rule(node, "error", path, json=False)
        if template is None:
            return None
        return FormLogin(url=template, data=data, form=form, error=error)

    def _request(self, node: MapNode, request: MapNode) -> RequestLogin | None:
        path: Path = (*_PATH, "request")
        spec = self.requests.request(request, path, _SCOPES, secrets=True)
        for key in ("form", "json"):
            self._no_secrets(request, key, path)
        error = self._rule(node, "error", _PATH, json=True)
        token = self._rule(node, "token", _PATH, json=True)
        return RequestLogin(request=spec, error=error, token=token) if spec is not None else None

    def _basic(self, node: MapNode) -> Credentials | None:
        path: Path = (*_PATH, "basic")
        found = {name: checked.scalar(node, name) for name in ("username", "password")}
        texts = {name: self.texts.template(scalar, (*path, name), _SCOPES) for name, scalar in found.items() if scalar}
        password = found["password"]
        if password is not None and not is_template(str(password.value)):
            self._said_openly(password, (*path, "password"))
        return Credentials(kind="basic", username=texts.get("username"), password=texts.get("password"))

    def _rule(self, node: MapNode, key: str, path: Path, *, json: bool) -> RuleNode | None:
        return self._either(node.get(key), (*path, key), json=json)

    def _either(self, node: Node | None, path: Path, *, json: bool) -> RuleNode | None:
        """A rule of pages of any kind: each alternative says by its language which ones it reads."""
        if isinstance(node, ListNode):
            members = [self._either(member, where, json=json) for where, member in checked.members(node, path)]
            good = tuple(member for member in members if member is not None)
            return AnyOf(members=good) if good and len(good) == len(members) else None
        if isinstance(node, MapNode):
            json = "jmespath" in node or (json and not ("css" in node or "xpath" in node))
        return self.rules.rule(node, path, _place(json=json)) if node is not None else None

    def _no_secrets(self, node: MapNode, key: str, path: Path) -> None:
        """Report passwords that are written into the recipe."""
        for entry in checked.entries(checked.mapping(node, key) and node, key):
            value = entry.node
            secret = any(word in entry.key.lower() for word in _SECRET_WORDS)
            if secret and isinstance(value, Scalar) and value.value and not is_template(str(value.value)):
                self._said_openly(value, (*path, key, entry.key))

    def _said_openly(self, node: Scalar, path: Path) -> None:
        message = "this is a secret, and a recipe holds none"
        hint = "add an input {type: string, secret: NAME}, and write {{ inputs.NAME_OF_THE_INPUT }}"
        self.texts.report.add(node.mark, path, message, hint)


def _place(*, json: bool) -> Place:
    language: Language = "jmespath" if json else "css"
    return Place(language=language, kind=None, page_kind=None, scopes=_SCOPES, page="session")
