"""Compiles requests: `fetch` with its headers and retries, and the entries of `start`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from crawler.recipe import checked
from crawler.recipe.compile_texts import Scopes, TextCompiler
from crawler.recipe.diagnostics import did_you_mean
from crawler.recipe.incremental import LAST_RUN
from crawler.recipe.model import Fetch, RequestSpec, Retry, Sitemap, Start
from crawler.recipe.quantities import seconds, seconds_range
from crawler.recipe.sitemap_pages import since_of
from crawler.recipe.template import is_template
from crawler.recipe.yaml_nodes import MapNode, Scalar, plain

if TYPE_CHECKING:
    from crawler.recipe.diagnostics import Path
    from crawler.recipe.regex import Regex
    from crawler.recipe.template import Template, ValueTemplate
    from crawler.recipe.yaml_nodes import Node

#: Headers that carry a secret: a recipe is a file that people share.
SECRET_HEADERS = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "cookie",
        "set-cookie",
        "x-api-key",
        "api-key",
        "apikey",
        "x-auth-token",
        "x-access-token",
    }
)
#: Headers that the connection itself sets.
_CONNECTION_HEADERS = frozenset(
    {
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "keep-alive",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "proxy-connection",
    }
)
_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")


@dataclass(frozen=True, slots=True)
class RequestCompiler:
    """Compiles the requests of one recipe; what is wrong is reported and left out."""

    texts: TextCompiler

    # --- fetch ---

    def fetch(self, node: MapNode | None, path: Path, base: Fetch, scopes: Scopes) -> Fetch:
        """`fetch` merged over `base`; what is wrong in it is reported and left out."""
        if node is None:
            return base
        headers = dict(base.headers)
        for name, template in self.headers(node, (*path, "headers"), scopes).items():
            same = next((known for known in headers if known.lower() == name.lower()), name)
            headers.pop(same, None)
            headers[name] = template
        encoding = checked.text(node, "encoding")
        timeout = checked.text(node, "timeout")
        return Fetch(
            headers=headers,
            encoding=base.encoding if encoding is None else None if encoding == "auto" else encoding,
            timeout_s=base.timeout_s if timeout is None else seconds(timeout),
            retry=self._retry(checked.mapping(node, "retry"), base.retry),
        )

    def headers(self, node: MapNode, path: Path, scopes: Scopes, *, secrets: bool = False) -> dict[str, Template]:
        """Templates of the headers of a map's key `headers`; with `secrets` also those that carry one."""
        found = {}
        for entry in checked.entries(node, "headers"):
            where = (*path, entry.key)
            name = entry.key.lower()
            if not name or not set(name) <= _TOKEN:
                self.texts.report.add(
                    entry.mark, where, f"'{entry.key}' is no header name", "use letters, digits and -"
                )
            elif name in SECRET_HEADERS and not (secrets and _is_filled_in(entry.node)):
                message = f"'{entry.key}' is a secret, and a recipe holds none"
                hint = "`session` sends secrets: write there which one"
                self.texts.report.add(entry.mark, where, message, hint)
            elif name in _CONNECTION_HEADERS:
                self.texts.report.add(entry.mark, where, f"'{entry.key}' is set by the connection", "delete it")
            elif isinstance(entry.node, Scalar) and any(letter in str(entry.node.value) for letter in "\r\n"):
                self.texts.report.add(entry.node.mark, where, "a header is one line", "delete the line break")
            elif isinstance(entry.node, Scalar):
                template = self.texts.template(entry.node, where, scopes)
                if template is not None:
                    found[entry.key] = template
        return found

    def _retry(self, node: MapNode | None, base: Retry) -> Retry:
        if node is None:
            return base
        times = checked.integer(node, "times")
        statuses = [scalar.value for _, scalar in checked.scalars(node, "statuses", ())]
        network_errors = checked.boolean(node, "network_errors")
        backoff = checked.text(node, "backoff")
        shortest, longest = (base.backoff_min_s, base.backoff_max_s) if backoff is None else seconds_range(backoff)
        respect = checked.boolean(node, "respect_retry_after")
        return Retry(
            times=base.times if times is None else times,
            statuses=frozenset(status for status in statuses if isinstance(status, int)) or base.statuses,
            network_errors=base.network_errors if network_errors is None else network_errors,
            backoff_min_s=shortest,
            backoff_max_s=longest,
            respect_retry_after=base.respect_retry_after if respect is None else respect,
        )

    # --- start ---

    def start(self, node: Node | None) -> tuple[Start, ...]:
        """All entries of `start`."""
        compiled = []
        for path, entry in checked.members(node, ("start",)):
            if isinstance(entry, MapNode):
                compiled.append(self._start_entry(entry, path))
        return tuple(compiled)

    def _start_entry(self, node: MapNode, path: Path) -> Start:
        bare = frozenset(checked.names(node, "for_each"))
        scopes = Scopes(bare=bare)
        for_each: dict[str, ValueTemplate] = {}
        for entry in checked.entries(node, "for_each"):
            values = self.texts.value(entry.node, (*path, "for_each", entry.key), Scopes())
            if values is not None:
                for_each[entry.key] = values
        before = len(self.texts.uses)
        requests = [RequestSpec(url=url) for url in self._urls(node, "urls", path, scopes)]
        mirrors = checked.mapping(node, "urls")
        if mirrors is not None:
            requests = [RequestSpec(url=url) for url in self._urls(mirrors, "any", (*path, "urls"), scopes)]
        sitemap = self._sitemap(node, path, scopes) if "sitemap" in node else None
        request = checked.mapping(node, "request")
        if request is not None:
            spec = self.request(request, (*path, "request"), scopes)
            if spec is not None:
                requests.append(spec)
        used = {use.name for use in self.texts.uses[before:] if not use.scope}
        if not self.texts.report.touches(path):
            for entry in checked.entries(node, "for_each"):
                if entry.key not in used:
                    where = (*path, "for_each", entry.key)
                    hint = f"write {{{{ {entry.key} }}}} where it belongs, or delete it"
                    self.texts.report.add(entry.mark, where, f"nothing uses '{entry.key}'", hint)
        elif bare:
            self._near_bare_names(node, path, used)
        return Start(
            requests=tuple(requests),
            for_each=for_each,
            page=checked.text(node, "page"),
            sitemap=sitemap,
            mirrors=mirrors is not None,
        )

    def _urls(self, node: MapNode, key: str, path: Path, scopes: Scopes) -> list[Template]:
        found = [self.url(url, where, scopes) for where, url in checked.scalars(node, key, path)]
        return [template for template in found if template is not None]

    def _sitemap(self, node: MapNode, path: Path, scopes: Scopes) -> Sitemap:
        since, found = None, checked.scalar(node, "modified_since")
        last_run = found is not None and str(found.value).strip() == LAST_RUN
        if found is not None and not last_run:
            since = self._since(found, (*path, "modified_since"))
        return Sitemap(
            urls=tuple(self._urls(node, "sitemap", path, scopes)),
            allow=self.regexes(node, "allow", path),
            deny=self.regexes(node, "deny", path),
            alternate_links=bool(checked.boolean(node, "alternate_links")),
            modified_since=since,
            last_run=last_run,
        )

    def _since(self, node: Scalar, path: Path) -> Template | None:
        text = str(node.value).strip()
        hint = "write a date (2026-11-01), a duration (7d), last_run, or {{ inputs.NAME }}"
        if not is_template(text):
            try:
                since_of(text, now=datetime.now(UTC))
            except ValueError as error:
                self.texts.report.add(node.mark, path, str(error), hint)
                return None
        return self.texts.template(node, path, Scopes())

    def regexes(self, node: MapNode, key: str, path: Path) -> tuple[Regex, ...]:
        """The regular expressions of a key that holds one or a list."""
        found = [self.texts.regex(scalar, where) for where, scalar in checked.scalars(node, key, path)]
        return tuple(regex for regex in found if regex is not None)

    def _near_bare_names(self, node: MapNode, path: Path, used: set[str]) -> None:
        """Names of `for_each` that nothing uses where another bare name is unknown: one of the two is misspelt."""
        for entry in checked.entries(node, "for_each"):
            if entry.key not in used:
                written = _bare_words(node)
                hint = did_you_mean(entry.key, written)
                if hint is not None:
                    where = (*path, "for_each", entry.key)
                    self.texts.report.add(entry.mark, where, f"nothing uses '{entry.key}'", hint)

    def url(self, node: Scalar, path: Path, scopes: Scopes, *, relative: bool = False) -> Template | None:
        """The template of an http(s) URL, or None after reporting; `relative`: it may be relative to a page."""
        text = str(node.value).strip()
        begins_open = text.startswith("{{") or (relative and "://" not in text.partition("{{")[0])
        if not begins_open and not text.lower().startswith(("http://", "https://")):
            hint = f"write https://{text.lstrip('/')}" if "://" not in text else "only http and https are fetched"
            self.texts.report.add(node.mark, path, f"'{text}' is no http(s) URL", hint)
            return None
        return self.texts.template(node, path, scopes)

    def request(
        self, node: MapNode, path: Path, scopes: Scopes, *, relative: bool = False, secrets: bool = False
    ) -> RequestSpec | None:
        """A request that is written out; None after reporting that it has no URL.

        `relative`: its URL may be relative to a page. `secrets`: it may show some.
        """
        found = checked.scalar(node, "url")
        url = self.url(found, (*path, "url"), scopes, relative=relative) if found is not None else None
        form = checked.mapping(node, "form")
        body = node.get("json")
        if form is not None and body is not None:
            entry = node.by_key["json"]
            self.texts.report.add(entry.mark, (*path, "json"), "a request has one body", "keep `form` or `json`")
        method = checked.text(node, "method")
        if method in {"GET", "HEAD"} and (form is not None or body is not None):
            mark = node.by_key["method"].mark
            self.texts.report.add(mark, (*path, "method"), f"a {method} request has no body", "write method: POST")
        headers = self.headers(node, (*path, "headers"), scopes, secrets=secrets)
        query = self.values(node, "query", path, scopes)
        form_values = self.values(node, "form", path, scopes) if form is not None else None
        json_body = self.texts.value(body, (*path, "json"), scopes) if body is not None else None
        if url is None:
            return None
        return RequestSpec(
            url=url,
            method=method or ("GET" if form is None and body is None else "POST"),
            query=query,
            headers=headers,
            form=form_values,
            json_body=json_body,
        )

    def values(self, node: MapNode, key: str, path: Path, scopes: Scopes) -> dict[str, ValueTemplate]:
        """Templates of the values of a map's key."""
        found = {}
        for entry in checked.entries(node, key):
            value = self.texts.value(entry.node, (*path, key, entry.key), scopes)
            if value is not None:
                found[entry.key] = value
        return found


def _is_filled_in(node: Node) -> bool:
    return isinstance(node, Scalar) and is_template(str(node.value))


def _bare_words(node: MapNode) -> list[str]:
    """Bare names in the templates of an entry of `start`, as written."""
    words: list[str] = []
    for key in ("urls", "request", "sitemap"):
        stack = [plain(found)] if (found := node.get(key)) is not None else []
        while stack:
            value = stack.pop()
            if isinstance(value, str) and is_template(value):
                pieces = value.split("{{")[1:]
                words += [piece.split("}}")[0].split("|")[0].strip() for piece in pieces]
            elif isinstance(value, dict):
                stack.extend(value.values())
            elif isinstance(value, list):
                stack.extend(value)
    return words
