"""Compiles what is fetched and walked: `fetch`, `start`, and the page types with their links and lists.

Names of page types, items, inputs and carried values are taken as written; `crosscheck` holds them against each other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from crawler.recipe import checked
from crawler.recipe.compile_rules import Place, RuleCompiler
from crawler.recipe.compile_texts import Language, Scopes, TextCompiler
from crawler.recipe.diagnostics import did_you_mean
from crawler.recipe.model import (
    Fetch,
    Follow,
    Page,
    PageSource,
    Paginate,
    ParseKind,
    QuerySource,
    RequestSpec,
    Retry,
    Rows,
    Start,
    Take,
)
from crawler.recipe.quantities import seconds, seconds_range
from crawler.recipe.queries import JmesQuery
from crawler.recipe.template import is_template
from crawler.recipe.yaml_reader import Broken, ListNode, MapNode, Scalar, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crawler.recipe.diagnostics import Path
    from crawler.recipe.model import Condition, RuleNode
    from crawler.recipe.regex import Regex
    from crawler.recipe.template import Template, ValueTemplate
    from crawler.recipe.yaml_reader import Node

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
class PageCompiler:
    """Compiles page types, and the requests that lead to them."""

    texts: TextCompiler
    rules: RuleCompiler

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

    def headers(self, node: MapNode, path: Path, scopes: Scopes) -> dict[str, Template]:
        """Templates of the headers of a map's key `headers`."""
        found = {}
        for entry in checked.entries(node, "headers"):
            where = (*path, entry.key)
            name = entry.key.lower()
            if not name or not set(name) <= _TOKEN:
                self.texts.report.add(
                    entry.mark, where, f"'{entry.key}' is no header name", "use letters, digits and -"
                )
            elif name in SECRET_HEADERS:
                message = f"'{entry.key}' is a secret, and a recipe holds none"
                self.texts.report.add(entry.mark, where, message, "secrets come in a later version; delete it")
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
        requests = []
        for where, url in checked.scalars(node, "urls", path):
            template = self._url(url, where, scopes)
            if template is not None:
                requests.append(RequestSpec(url=template))
        request = checked.mapping(node, "request")
        if request is not None:
            spec = self._request(request, (*path, "request"), scopes)
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
        return Start(requests=tuple(requests), for_each=for_each, page=checked.text(node, "page"))

    def _near_bare_names(self, node: MapNode, path: Path, used: set[str]) -> None:
        """Names of `for_each` that nothing uses where another bare name is unknown: one of the two is misspelt."""
        for entry in checked.entries(node, "for_each"):
            if entry.key not in used:
                written = _bare_words(node)
                hint = did_you_mean(entry.key, written)
                if hint is not None:
                    where = (*path, "for_each", entry.key)
                    self.texts.report.add(entry.mark, where, f"nothing uses '{entry.key}'", hint)

    def _url(self, node: Scalar, path: Path, scopes: Scopes) -> Template | None:
        text = str(node.value).strip()
        begins_open = text.startswith("{{")
        if not begins_open and not text.lower().startswith(("http://", "https://")):
            hint = f"write https://{text.lstrip('/')}" if "://" not in text else "only http and https are fetched"
            self.texts.report.add(node.mark, path, f"'{text}' is no http(s) URL", hint)
            return None
        return self.texts.template(node, path, scopes)

    def _request(self, node: MapNode, path: Path, scopes: Scopes) -> RequestSpec | None:
        found = checked.scalar(node, "url")
        url = self._url(found, (*path, "url"), scopes) if found is not None else None
        form = checked.mapping(node, "form")
        body = node.get("json")
        if form is not None and body is not None:
            entry = node.by_key["json"]
            self.texts.report.add(entry.mark, (*path, "json"), "a request has one body", "keep `form` or `json`")
        method = checked.text(node, "method")
        if method in {"GET", "HEAD"} and (form is not None or body is not None):
            mark = node.by_key["method"].mark
            self.texts.report.add(mark, (*path, "method"), f"a {method} request has no body", "write method: POST")
        headers = self.headers(node, (*path, "headers"), scopes)
        query = self._values(node, "query", path, scopes)
        form_values = self._values(node, "form", path, scopes) if form is not None else None
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

    def _values(self, node: MapNode, key: str, path: Path, scopes: Scopes) -> dict[str, ValueTemplate]:
        found = {}
        for entry in checked.entries(node, key):
            value = self.texts.value(entry.node, (*path, key, entry.key), scopes)
            if value is not None:
                found[entry.key] = value
        return found

    # --- pages ---

    def page(self, name: str, node: MapNode, fetch: Fetch) -> Page:
        """A page type; parts that are wrong are reported and left out."""
        path: Path = ("pages", name)
        kind = cast("ParseKind | None", checked.text(node, "parse"))
        if kind is None and _shows_json(node):
            kind = "json"
        language: Language = "jmespath" if kind in {"json", "text"} else "css"
        scopes = Scopes(names=frozenset({"inputs", "carried"}), page=name)
        place = Place(language=language, kind=kind, page_kind=kind, scopes=scopes, page=name)
        source_languages = _source_languages(node)
        sources = self._sources(node, path, replace(place, sources=source_languages))
        place = replace(place, sources=source_languages)
        rows = self._page_rows(node, path, place)
        return Page(
            name=name,
            parse=kind,
            match=self.regexes(node, "match", path),
            fetch=self.fetch(checked.mapping(node, "fetch"), (*path, "fetch"), fetch, Scopes()),
            drop_if=self._condition(node, "drop_if", path, place),
            sources=sources,
            follow=self._follows(node, path, place),
            paginate=self._paginate(checked.mapping(node, "paginate"), (*path, "paginate"), place),
            item=checked.text(node, "item"),
            rows=rows,
        )

    def regexes(self, node: MapNode, key: str, path: Path) -> tuple[Regex, ...]:
        """The regular expressions of a key that holds one or a list."""
        found = [self.texts.regex(scalar, where) for where, scalar in checked.scalars(node, key, path)]
        return tuple(regex for regex in found if regex is not None)

    def _condition(self, node: MapNode, key: str, path: Path, place: Place) -> Condition | None:
        return self.rules.condition(node.get(key), (*path, key), place) if key in node else None

    def _page_rows(self, node: MapNode, path: Path, place: Place) -> Rows | None:
        if "fields" not in node:
            return None
        return self.rules.rows(node, path, place)

    def _sources(self, node: MapNode, path: Path, place: Place) -> dict[str, PageSource]:
        compiled: dict[str, PageSource] = {}
        before: dict[str, Language | None] = {}
        for entry in checked.entries(node, "sources"):
            where = (*path, "sources", entry.key)
            # A source may read those before it, so that none can end up reading itself.
            rule = self.rules.rule(entry.node, where, replace(place, sources=dict(before)))
            before[entry.key] = place.sources.get(entry.key)
            parse = checked.text(entry.node, "parse") if isinstance(entry.node, MapNode) else None
            if rule is None:
                continue
            if parse is None and _gives_elements(rule):
                message = "a page source that reads elements must say what they are"
                self.texts.report.add(entry.mark, where, message, "add parse: html, or parse: json")
                continue
            if parse in {"html", "xml"} and isinstance(rule, Take) and _reads_tree(rule):
                rule = replace(rule, as_="html")
            kind = cast("ParseKind | None", parse)
            compiled[entry.key] = PageSource(name=entry.key, rule=rule, parse=kind)
        return compiled

    def _follows(self, node: MapNode, path: Path, place: Place) -> tuple[Follow, ...]:
        compiled = []
        for where, member in checked.members(node.get("follow"), (*path, "follow")):
            if isinstance(member, MapNode):
                follow = self._follow(member, where, place)
                if follow is not None:
                    compiled.append(follow)
        return tuple(compiled)

    def _follow(self, node: MapNode, path: Path, place: Place) -> Follow | None:
        when = self._condition(node, "when", path, place)
        allow, deny = self.regexes(node, "allow", path), self.regexes(node, "deny", path)
        each, inside = None, place
        if "each" in node:
            found = self.rules.each(node.get("each"), (*path, "each"), place)
            if found is None:
                return None
            each, inside = found
        links = self.rules.rule(node.get("links"), (*path, "links"), inside)
        carry = {}
        for entry in checked.entries(node, "carry"):
            rule = self.rules.rule(entry.node, (*path, "carry", entry.key), inside)
            if rule is not None:
                carry[entry.key] = rule
        if links is None:
            return None
        page = checked.text(node, "page")
        return Follow(links=links, each=each, allow=allow, deny=deny, carry=carry, page=page, when=when)

    def _paginate(self, node: MapNode | None, path: Path, place: Place) -> Paginate | None:
        if node is None:
            return None
        while_ = self._condition(node, "while", path, place)
        maximum = checked.integer(node, "max_pages")
        append = tuple(str(scalar.value) for _, scalar in checked.scalars(node, "append", path))
        shared = Paginate(kind="next", while_=while_, max_pages=1000 if maximum is None else maximum, append=append)
        start, step = checked.integer(node, "start"), checked.integer(node, "step")
        if "cursor" in node or "next" in node:
            key = "cursor" if "cursor" in node else "next"
            link = self.rules.rule(node.get(key), (*path, key), place)
            if link is None:
                return None
            param = checked.text(node, "param") or ""
            return replace(shared, kind="cursor" if key == "cursor" else "next", link=link, param=param)
        if "offset" in node:
            total = self.rules.rule(node.get("total"), (*path, "total"), place) if "total" in node else None
            size = checked.integer(node, "size")
            return replace(
                shared,
                kind="offset",
                param=checked.text(node, "offset") or "",
                start=0 if start is None else start,
                step=1 if size is None else size,
                total=total,
            )
        param = checked.text(node, "param") or ""
        return replace(
            shared, kind="param", param=param, start=1 if start is None else start, step=1 if step is None else step
        )


# --- what a page speaks ----------------------------------------------------------------------------------------------


def _source_languages(node: MapNode) -> dict[str, Language | None]:
    """Page sources and the language that reads them: JMESPath, unless `parse` says it is a tree."""
    languages: dict[str, Language | None] = {}
    found = checked.mapping(node, "sources")
    for entry in found or ():
        if not isinstance(entry.node, MapNode):
            languages[entry.key] = None if isinstance(entry.node, Broken) else "jmespath"
        else:
            parse = checked.text(entry.node, "parse")
            languages[entry.key] = "css" if parse in {"html", "xml"} else "jmespath"
    return languages


def _gives_elements(rule: RuleNode) -> bool:
    """Whether a rule certainly ends in elements, and not in their text or in what steps make of it."""
    if not isinstance(rule, Take) or not isinstance(rule.source, QuerySource) or rule.process or rule.as_ != "text":
        return False
    return rule.source.query.language == "css" and "::" not in rule.source.query.text


def _reads_tree(rule: Take) -> bool:
    """Whether a rule may end in elements, of which a parser needs the HTML and not the visible text."""
    return isinstance(rule.source, QuerySource) and not isinstance(rule.source.query, JmesQuery) and rule.as_ == "text"


def _shows_json(node: MapNode) -> bool:
    """Whether a page without `parse` is JSON: most of its rules that name a language read it with JMESPath."""
    each = node.get("each")
    parts = [node.get(key) for key in ("drop_if", "sources", "paginate", "each")]
    follow = node.get("follow")
    if isinstance(follow, ListNode):
        for member in follow.items:
            if isinstance(member, MapNode):
                inner = [member.get(key) for key in ("links", "carry")] if "each" not in member else []
                parts += [member.get("each"), member.get("when"), *inner]
    if each is None:
        parts.append(node.get("fields"))
    votes = [vote for part in parts for vote in _languages(part)]
    return votes.count("jmespath") > votes.count("css")


def _languages(node: Node | None) -> Iterator[Language]:
    """The languages in which rules below a node read the page itself."""
    if isinstance(node, ListNode):
        for member in node.items:
            yield from _languages(member)
    if not isinstance(node, MapNode):
        return
    if "fields" in node or "each" in node:
        yield from _languages(node.get("each"))
    elif "from" not in node:
        if "jmespath" in node:
            yield "jmespath"
        elif "css" in node or "xpath" in node:
            yield "css"
        else:
            for entry in node:
                yield from _languages(entry.node) if entry.key not in {"const", "default", "process"} else ()


def _bare_words(node: MapNode) -> list[str]:
    """Bare names in the templates of an entry of `start`, as written."""
    words: list[str] = []
    for key in ("urls", "request"):
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
