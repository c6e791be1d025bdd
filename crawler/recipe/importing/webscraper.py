"""Sitemaps of the browser extension Web Scraper (webscraper.io): a graph of selectors, each below its parents.

A link that has selectors below it leads to another page type; an element with several matches makes rows; a link below
itself, or a pagination selector, is the next page. A row there holds the values of all pages on the way to it: here
they are carried along.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from crawler.recipe.importing.draft import Draft
from crawler.recipe.importing.foreign_css import css_problem
from crawler.recipe.importing.foreign_nodes import Part, field_name, maps_of, recipe_name
from crawler.recipe.importing.foreign_regex import NotTranslated, translated
from crawler.recipe.importing.webscraper_start import start_entries
from crawler.recipe.importing.webscraper_values import VALUES, Field, is_multiple, value_fields
from crawler.recipe.yaml_nodes import ListNode, MapNode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crawler.recipe.importing.findings import Findings

ROOT: Final = "_root"
#: Selectors of one sitemap; each may be a page type, and page types are made inside each other.
_MAX_SELECTORS: Final = 200
_LINKS: Final = frozenset({"SelectorLink", "SelectorPopupLink"})
_ELEMENTS: Final = frozenset({"SelectorElement", "SelectorElementScroll", "SelectorElementClick"})
_SITEMAP: Final = "SelectorSitemapXmlLink"
_PAGINATION: Final = "SelectorPagination"
_ITEM: Final = "row"
#: The page as a source of its own: inside rows, rules read the row.
_HERE: Final = "page"
_PAGE_SOURCE: Final = {_HERE: {"css": "body", "as": "html", "parse": "html"}}


@dataclass(frozen=True, kw_only=True, slots=True)
class Selector:
    """One selector of a sitemap: `parents` are ids, `css` what can be had of its selector, None if nothing can."""

    id: str
    type: str
    parents: tuple[str, ...]
    css: str | None
    part: Part


@dataclass(kw_only=True, slots=True)
class _Page:
    """A page type in the making: what is read on it, and what comes along to it."""

    name: str
    owner: str  # the id of the link that leads here
    values: list[Field] = field(default_factory=list)
    carried: list[Field] = field(default_factory=list)


def is_webscraper(root: MapNode) -> bool:
    """Whether a file is a sitemap: it has a list of selectors and addresses to begin at."""
    return isinstance(root.get("selectors"), ListNode) and ("startUrl" in root or "startUrls" in root)


def import_webscraper(root: MapNode, *, stem: str, found: Findings) -> Iterator[Draft]:
    """The recipe of a sitemap; `stem` is its file's name without the ending."""
    draft = Draft(values={})
    draft.origins[()] = root.mark
    part = Part(node=root, path=(), found=found, draft=draft)
    name = recipe_name(part.text("_id") or stem, otherwise=stem)
    listed = list(maps_of(root.get("selectors"), ("selectors",)))
    for path, node in listed[_MAX_SELECTORS : _MAX_SELECTORS + 1]:
        message = f"a sitemap has at most {_MAX_SELECTORS} selectors here; this one and those behind it are left out"
        found.add("decide", node.mark, path, message, "cut the sitemap into several")
    selectors = [_selector(part, path, node) for path, node in listed[:_MAX_SELECTORS]]
    site = _Sitemap(part=part, selectors=[one for one in selectors if one is not None])
    pages = site.pages()
    draft.values |= {"schema_version": 1, "name": name, "version": "1.0.0"}
    draft.values["start"] = [*site.starts, *start_entries(part, site.page_names[ROOT])]
    draft.values["pages"] = pages
    if site.contract:
        fields = dict(site.contract)
        draft.values["items"] = {_ITEM: {"version": 1, "fields": fields}}
        draft.values["exports"] = [{"name": name, "item": _ITEM, "format": "csv"}]
    else:
        message = "no selector gives a value, so that there would be no rows"
        found.add("decide", root.mark, ("selectors",), message, "write a page type with `item` and `fields`")
    yield draft


def _selector(site: Part, path: tuple[str | int, ...], node: MapNode) -> Selector | None:
    part = Part(node=node, path=path, found=site.found, draft=site.draft)
    kind, name = part.text("type") or "", part.text("id")
    if name is None:
        part.found.add("dropped", node.mark, path, "a selector without an `id`")
        return None
    parents = tuple(scalar.raw for _, scalar in part.scalars("parentSelectors")) or (ROOT,)
    if kind not in (*_LINKS, *_ELEMENTS, _PAGINATION, _SITEMAP, *VALUES):
        message = f"there is nothing like `{kind}` here" if kind else "the selector has no `type`"
        part.found.add("decide", node.mark, (*path, "type"), message, "write a rule by hand, or leave it")
        return None
    return Selector(id=name, type=kind, parents=parents, css=_css(part, kind), part=part)


def _css(part: Part, kind: str) -> str | None:
    """The selector; `_parent_` is what it is read in. None, with a word about it, if it cannot be had."""
    entry, text = part.entry("selector"), (part.text("selector") or "").strip()
    _waits(part, kind)
    if text == "_parent_":
        return ":scope"
    if kind in ("SelectorPageURL", _SITEMAP):
        return ""
    problem = css_problem(text, row=True) if text else ("it is empty", None)
    if problem is None:
        return text
    mark = entry.mark if entry is not None else part.node.mark
    part.found.add("decide", mark, (*part.path, "selector"), f"the selector is none here: {problem[0]}", problem[1])
    return None


def _waits(part: Part, kind: str) -> None:
    delay = part.number("delay")
    entry = part.entry("delay")
    if delay and entry is not None:
        message = "it waited for scripts; a page is read as the server sends it"
        part.found.add(
            "dropped", entry.mark, (*part.path, "delay"), message, "the wait between requests is limits.delay"
        )
    if kind in ("SelectorElementScroll", "SelectorElementClick"):
        message = "rows that come by scrolling or clicking need a browser, which is not part of this version"
        entry = part.entry("type")
        mark = entry.mark if entry is not None else part.node.mark
        hint = "the rows of the first page are read; look for the requests that fetch more"
        part.found.add("decide", mark, (*part.path, "type"), message, hint)


@dataclass(kw_only=True, slots=True)
class _Sitemap:
    """The graph, and the page types that are made of it."""

    part: Part
    selectors: list[Selector]
    page_names: dict[str, str] = field(default_factory=dict)
    starts: list[dict[str, Any]] = field(default_factory=list)
    contract: dict[str, dict[str, Any]] = field(default_factory=dict)
    _owner: dict[str, str] = field(default_factory=dict)
    _done: dict[str, dict[str, Any]] = field(default_factory=dict)

    def pages(self) -> dict[str, Any]:
        """All page types that are reached from the start, the first one first."""
        self._own_next_links()
        names: set[str] = set()
        self.page_names[ROOT] = field_name("start", names)
        for one in self.selectors:
            if one.type in (*_LINKS, _SITEMAP) and one.id not in self._owner and self._below(one.id):
                self.page_names[one.id] = field_name(one.id, names, otherwise="page")
        self._page(_Page(name=self.page_names[ROOT], owner=ROOT))
        return {self.page_names[owner]: page for owner, page in self._done.items()}

    def _own_next_links(self) -> None:
        """Pagination is no page type of its own: what is below it is below the list that it goes on."""
        for one in self.selectors:
            others = [parent for parent in one.parents if parent != one.id]
            if one.type == _PAGINATION or (one.type in _LINKS and one.id in one.parents):
                self._owner[one.id] = others[0] if others else ROOT

    def _owners(self, one: Selector) -> set[str]:
        found = set()
        for parent in one.parents:
            seen = {parent}
            while parent in self._owner and self._owner[parent] not in seen:
                parent = self._owner[parent]  # noqa: PLW2901 - up to the list itself
                seen.add(parent)
            found.add(parent)
        return found

    def _below(self, owner: str) -> list[Selector]:
        return [one for one in self.selectors if owner in self._owners(one) and one.id != owner]

    # --- one page type ---

    def _page(self, page: _Page) -> None:
        if page.owner in self._done:
            return
        made: dict[str, Any] = {}
        self._done[page.owner] = made
        below = self._below(page.owner)
        rows = [one for one in below if one.type in _ELEMENTS and one.css]
        page.values = self._values(below)
        follows = self._follows(below, page, each=None, own=[])
        for element in rows:
            inner = self._below(element.id)
            follows += self._follows(inner, page, each=element, own=self._values(inner))
        following = self._next(page.owner)
        if any(isinstance(rule, dict) and "from" in rule for one in follows for rule in one["carry"].values()):
            made["sources"] = _PAGE_SOURCE
        if follows:
            made["follow"] = follows
        if following:
            made["paginate"] = following
        self._rows(made, page, rows, follows=bool(follows))

    def _values(self, below: list[Selector]) -> list[Field]:
        """The values of a page or an element; a link without a page type is its text and its address."""
        return [
            one
            for selector in below
            if selector.css is not None and selector.id not in self.page_names and selector.id not in self._owner
            for one in value_fields(selector.part, selector.id, selector.type, selector.css)
        ]

    def _follows(self, below: list[Selector], page: _Page, *, each: Selector | None, own: list[Field]) -> list[Any]:
        """The links of a page, or of an element on it, that lead to page types; those are made with them."""
        follows = []
        for link in below:
            if link.id not in self.page_names or link.css is None:
                continue
            if link.type == _SITEMAP:
                self._site_map(link)
                continue
            values = [one for one in (*page.values, *own) if not one.many]
            texts = value_fields(link.part, link.id, link.type, ":scope" if each is None else link.css)
            texts = (
                [replace(one, many=False) for one in texts] if not link.part.flag("multiple") or each is None else []
            )
            along: dict[str, Any] = {one.name: f"{{{{ carried.{one.name} }}}}" for one in page.carried}
            along |= {one.name: _along(one, one.on_page(_HERE).rule) for one in page.values if not one.many}
            along |= {one.name: _along(one, one.rule) for one in (*own, *texts) if not one.many}
            links = {"each": link.css, "links": ":scope"} if each is None else {"each": each.css, "links": link.css}
            name = self.page_names[link.id]
            follows.append({**links, "page": name, "carry": along})
            self._page(_Page(name=name, owner=link.id, carried=[*page.carried, *values, *texts]))
        return follows

    def _site_map(self, link: Selector) -> None:
        """A link selector that reads sitemaps: an entry of `start`."""
        urls = [scalar.raw for _, scalar in link.part.scalars("sitemapXmlUrls")]
        if not urls:
            message = "no sitemap is named that addresses could come from"
            hint = "write it into `start`: {sitemap: URL}"
            link.part.found.add("decide", link.part.node.mark, link.part.path, message, hint)
            return
        name = self.page_names[link.id]
        allow: dict[str, Any] = {}
        for key in ("sitemapXmlFoundUrlRegex", "foundUrlRegex"):
            entry, pattern = link.part.entry(key), link.part.text(key)
            if entry is None or not pattern:
                continue
            try:
                allow = {"allow": [translated(pattern)]}
            except NotTranslated as error:
                message = f"the pattern is none here: {error}; all addresses are taken"
                link.part.found.add("decide", entry.mark, (*link.part.path, key), message, error.hint)
        self.starts.extend({"sitemap": url, **allow, "page": name} for url in urls)
        self._page(_Page(name=name, owner=link.id))

    def _next(self, owner: str) -> dict[str, Any] | None:
        rules = [
            one.css for one in self.selectors if one.id in self._owner and self._owners(one) == {owner} and one.css
        ]
        if not rules:
            return None
        return {"next": rules[0] if len(rules) == 1 else rules}

    def _rows(self, made: dict[str, Any], page: _Page, elements: list[Selector], *, follows: bool) -> None:
        """The rows of a page type: of its elements, of its only value with several matches, or one for the page."""
        plain = [one for one in elements if not any(inner.id in self.page_names for inner in self._below(one.id))]
        several = [one for one in page.values if one.many]
        fields: dict[str, Any] = {one.name: f"{{{{ carried.{one.name} }}}}" for one in page.carried}
        values = [one for one in page.values if not one.many]
        inner: list[Field] = []
        if plain:
            made["each"] = plain[0].css
            inner = self._values(self._below(plain[0].id))
            for other in plain[1:]:
                message = "a page type has rows of one kind; this element would be another page type on the same pages"
                other.part.found.add("decide", other.part.node.mark, other.part.path, message, "write a second recipe")
        elif len(several) == 1 and several[0].row is not None and not follows:
            made["each"], inner, several = several[0].each, several[0].row, []
        if "each" in made and values:
            made["sources"] = _PAGE_SOURCE
            values = [one.on_page(_HERE) for one in values]
        if follows and "each" not in made:
            return
        for one in (*values, *several, *inner):
            fields[one.name] = one.rule
        if not fields:
            made.pop("each", None)
            return
        known = {one.name: one.spec for one in (*page.carried, *page.values, *inner)}
        self.contract |= {name: self.contract.get(name, known[name]) for name in fields}
        made |= {"item": _ITEM, "fields": fields}
        for one in several:
            if is_multiple(one):
                message = "each match was a row of its own there; here they are a list in one row"
                self.part.found.add("changed", one.at, one.path, message)


def _along(one: Field, rule: Any) -> Any:
    """How a value is carried: the first match, and of an address the whole one, for it is relative to its own page."""
    parts = {"css": rule} if isinstance(rule, str) else {key: value for key, value in rule.items() if key != "all"}
    if one.spec.get("format") == "uri":
        parts["process"] = [*parts.get("process", []), "canonical_url"]
    return parts["css"] if parts.keys() == {"css"} else parts
