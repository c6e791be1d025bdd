"""Advice about recipes that load: what works today and will not tomorrow, or never did.

Every rule is a function from `_Linted` to advice, so that a rule is read, tested and removed alone. Nothing here makes
a recipe wrong; `loader` does that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crawler.recipe import checked
from crawler.recipe.diagnostics import Report, one_of
from crawler.recipe.html_names import HTML_ELEMENTS
from crawler.recipe.incremental import depends_on_others
from crawler.recipe.language import RECIPE
from crawler.recipe.model import AnyOf, MetaSource, QuerySource, Take, UnionOf
from crawler.recipe.queries import JmesQuery
from crawler.recipe.regex import compile_regex
from crawler.recipe.shape_scalars import Text
from crawler.recipe.shape_walk import walk
from crawler.recipe.template import TemplateError, is_template, parse_template
from crawler.recipe.yaml_nodes import MapNode, Scalar
from crawler.recipe.yaml_reader import read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crawler.recipe.diagnostics import Path, Problem
    from crawler.recipe.model import Recipe, RuleNode
    from crawler.recipe.template import Reference
    from crawler.recipe.yaml_nodes import Entry

#: Steps that make a number of text; without one of them "12.50 EUR" is no decimal.
_NUMBER_STEPS = frozenset({"price", "number", "integer", "regex", "map"})
_NUMBERS = ("decimal", "number", "integer")

_TABLE_CHILD = compile_regex(r"(?:^|[\s>+~,(])table(?:[.#\[:][^\s>]*)?\s*>\s*tr(?:$|[\s.#\[:>+~,])")
_TABLE_SLASH = compile_regex(r"(?:^|/)table(?:\[[^\]]*\])*/tr(?:$|[\[/|)])")
_HEAD = compile_regex(r"^\s*(?:html\s*>?\s*)?(head|noscript)(?:\s*>\s*|\s+)\S")
_FIRST_WORD = compile_regex(r"^\s*([a-z][a-z0-9_]*)\s*(?:[.#\[:>+~,\s]|$)")


@dataclass(frozen=True, slots=True)
class _Linted:
    recipe: Recipe
    root: MapNode
    advice: Report

    def pages(self) -> Iterator[tuple[str, MapNode, Entry]]:
        """Page types with their nodes."""
        yield from checked.maps(self.root, "pages")

    def field(self, page: str, name: str) -> Entry | None:
        """Where a page's field stands, if it stands in this file."""
        fields = checked.mapping(checked.mapping(checked.mapping(self.root, "pages"), page), "fields")
        return None if fields is None else fields.by_key.get(name)

    def say(self, entry: Entry | Scalar, path: Path, message: str, hint: str) -> None:
        """Give one piece of advice."""
        self.advice.add(entry.mark, path, message, hint)


def lint_recipe(recipe: Recipe) -> list[Problem]:
    """Advice about a recipe that has loaded, in file order. What it inherits is its parent's to mend.

    The positions are those of `recipe.text`.
    """
    advice = Report()
    root = read_yaml(recipe.text, file=str(recipe.path or "<recipe>"), report=Report())
    if not isinstance(root, MapNode):
        return []
    linted = _Linted(recipe, root, advice)
    for rule in _RULES:
        rule(linted)
    return list(advice.problems())


# --- selectors -------------------------------------------------------------------------------------------------------


def _selectors(linted: _Linted) -> Iterator[tuple[Scalar, Path, str]]:
    """Texts of CSS, XPath and string rules, with the key they stand under ("" for a string rule)."""
    for place in walk(linted.root, RECIPE):
        node = place.node
        if not isinstance(node, Scalar) or not isinstance(node.value, str) or not isinstance(place.shape, Text):
            continue
        noun = place.shape.noun
        if noun in {"a CSS selector", "an XPath expression"}:
            yield node, place.path, "css" if noun == "a CSS selector" else "xpath"
        elif noun.startswith(("a rule", "a selector of rows")) and not is_template(node.value):
            yield node, place.path, ""


def _inserted_tbody(linted: _Linted) -> None:
    for node, path, language in _selectors(linted):
        text = str(node.value)
        if language != "xpath" and _TABLE_CHILD.search(text) is not None:
            message = "`table > tr` never matches: HTML puts a tbody between them"
            linted.say(node, path, message, "write `table tr`")
        if language == "xpath" and _TABLE_SLASH.search(text) is not None:
            message = "`table/tr` never matches: HTML puts a tbody between them"
            linted.say(node, path, message, "write `table//tr`")


def _moved_ancestors(linted: _Linted) -> None:
    for node, path, language in _selectors(linted):
        found = _HEAD.search(str(node.value)) if language != "xpath" else None
        if found is not None:
            ancestor = found.group(1)
            message = f"what stands in <{ancestor}> in the source is often elsewhere in the tree"
            linted.say(node, path, message, f"drop `{ancestor}` from the selector")


def _unknown_elements(linted: _Linted) -> None:
    for node, path, language in _selectors(linted):
        if language != "css" or _is_xml(linted, path):
            continue
        found = _FIRST_WORD.search(str(node.value))
        word = found.group(1) if found is not None else None
        if word is not None and word not in HTML_ELEMENTS:
            message = f"there is no HTML element `{word}`"
            linted.say(node, path, message, "a class needs a dot: `.name`, an id a hash: `#name`")


def _is_xml(linted: _Linted, path: Path) -> bool:
    page = linted.recipe.pages.get(str(path[1])) if path[0] == "pages" and len(path) > 1 else None
    return page is not None and page.parse == "xml"


def _script_text(linted: _Linted) -> None:
    for name, node, _ in linted.pages():
        for source, spec, _ in checked.maps(node, "sources"):
            found = checked.scalar(spec, "css")
            if found is None or checked.text(spec, "parse") not in {"json", "jsonl", "text", "csv"}:
                continue
            last = str(found.value).split()[-1]
            if last.startswith("script") and "::" not in last:
                message = "the visible text of a script is empty"
                path = ("pages", name, "sources", source, "css")
                linted.say(found, path, message, f"write {found.value}::text")


# --- values ----------------------------------------------------------------------------------------------------------


def _numbers_without_steps(linted: _Linted) -> None:
    for name, page in linted.recipe.pages.items():
        contract = linted.recipe.items.get(page.item or "")
        if page.rows is None or contract is None:
            continue
        for field, rule in page.rows.fields.items():
            spec = contract.fields.get(field)
            if spec is None or spec.type not in _NUMBERS or not any(_is_bare_text(take) for take in _takes(rule)):
                continue
            place = linted.field(name, field)
            if place is not None:
                step = "price" if spec.type == "decimal" else spec.type
                message = f"'{field}' is a {spec.type}, and text such as `12 pcs` is none"
                path = ("pages", name, "fields", field)
                linted.say(place, path, message, f"add process: [{step}], unless the page shows plain digits only")


def _takes(rule: RuleNode) -> Iterator[Take]:
    if isinstance(rule, Take):
        yield rule
    elif isinstance(rule, AnyOf | UnionOf) and not rule.process:
        for member in rule.members:
            yield from _takes(member)


def _is_bare_text(take: Take) -> bool:
    if take.process or take.as_ == "count":
        return False
    if isinstance(take.source, MetaSource):
        return False
    return isinstance(take.source, QuerySource) and not isinstance(take.source.query, JmesQuery)


def _fields_nobody_sees(linted: _Linted) -> None:
    for name, page in linted.recipe.pages.items():
        contract = linted.recipe.items.get(page.item or "")
        if page.rows is None or contract is None:
            continue
        used = {reference.path[0] for reference in _references(linted) if reference.scope in {"item", "row"}}
        for field in page.rows.fields:
            place = linted.field(name, field)
            if field not in contract.fields and field not in used and place is not None:
                message = f"'{field}' is read and thrown away: the item '{contract.name}' has no such field"
                hint = f"add it to items.{contract.name}.fields, or delete it"
                linted.say(place, ("pages", name, "fields", field), message, hint)


def _references(linted: _Linted) -> Iterator[Reference]:
    """What all templates of the file refer to."""
    bare = frozenset(name for start in linted.recipe.start for name in start.for_each)
    for place in walk(linted.root, RECIPE):
        node = place.node
        if isinstance(node, Scalar) and isinstance(node.value, str) and is_template(node.value):
            try:
                yield from parse_template(node.value, names=bare).references
            except TemplateError:
                continue  # text that only looks like one, where templates are not read


# --- names that nothing uses -----------------------------------------------------------------------------------------


def _unused_inputs(linted: _Linted) -> None:
    used = {reference.path[0] for reference in _references(linted) if reference.scope == "inputs"}
    found = checked.mapping(linted.root, "inputs")
    for entry in found or ():
        if entry.key not in used and "extends" not in linted.root:
            message = f"nothing uses the input '{entry.key}'"
            linted.say(entry, ("inputs", entry.key), message, f"write {{{{ inputs.{entry.key} }}}}, or delete it")


def _unused_sources(linted: _Linted) -> None:
    for name, node, _ in linted.pages():
        used = set(_froms(linted))
        found = checked.mapping(node, "sources")
        for entry in found or ():
            if entry.key not in used:
                message = f"nothing reads the page source '{entry.key}'"
                hint = f"use it with `from: {entry.key}`, or delete it"
                linted.say(entry, ("pages", name, "sources", entry.key), message, hint)


def _froms(linted: _Linted) -> Iterator[str]:
    for place in walk(linted.root, RECIPE):
        if place.path and place.path[-1] == "from" and isinstance(place.node, Scalar):
            yield str(place.node.value)


def _carried(linted: _Linted) -> None:
    """Carried values that nothing uses, and pages that are also reached without them."""
    used = {reference.path[0] for reference in _references(linted) if reference.scope == "carried"}
    entries = list(_ways(linted))
    for path, node, page in entries:
        for carry in checked.mapping(node, "carry") or ():
            where = (*path, "carry", carry.key)
            if carry.key not in used:
                message = f"nothing uses the carried value '{carry.key}'"
                linted.say(carry, where, message, f"write {{{{ carried.{carry.key} }}}}, or delete it")
                continue
            others = [
                other for other in entries if other[2] == page and carry.key not in checked.names(other[1], "carry")
            ]
            if others and page is not None:
                message = f"'{page}' is also reached without '{carry.key}', in line {others[0][1].mark.line}"
                hint = "a page is fetched once, by whichever came first: read the value on the page itself if you can"
                linted.say(carry, where, message, hint)


def _ways(linted: _Linted) -> Iterator[tuple[Path, MapNode, str | None]]:
    """Entries of `start` and `follow`, with the page type they name."""
    for path, node in checked.members(linted.root.get("start"), ("start",)):
        if isinstance(node, MapNode):
            yield path, node, checked.text(node, "page")
    for name, page, _ in linted.pages():
        for path, node in checked.members(page.get("follow"), ("pages", name, "follow")):
            if isinstance(node, MapNode):
                yield path, node, checked.text(node, "page")


# --- what is missing -------------------------------------------------------------------------------------------------


def _untested_pages(linted: _Linted) -> None:
    tested = {test.page for test in linted.recipe.tests}
    for name, _, entry in linted.pages():
        if name not in tested:
            message = f"no test has a saved page of the type '{name}'"
            hint = f"save one with `crawlery recipe record {linted.recipe.name} URL --page {name}`"
            linted.say(entry, ("pages", name), message, hint)


def _keyless_items(linted: _Linted) -> None:
    for name, node, entry in checked.maps(linted.root, "items"):
        if "key" not in node and "extends" not in linted.root:
            fields = one_of(checked.names(node, "fields")[:3])
            message = "without a `key` the same row twice is two rows"
            linted.say(
                entry, ("items", name), message, f"add key: [...] with the field that identifies a row ({fields})"
            )


def _missing_parts(linted: _Linted) -> None:
    if not linted.recipe.allowed_domains and _has_fixed_start(linted):
        start = linted.root.by_key.get("start")
        if start is not None:
            message = "there are no `allowed_domains`, so only the hosts of `start` are crawled"
            linted.say(start, ("start",), message, "add allowed_domains: [shop.example] to say which ones are meant")
    if linted.recipe.quality is None and (items := linted.root.by_key.get("items")) is not None:
        message = "without `quality` one row makes a good run"
        linted.say(items, ("items",), message, "add quality: {items: {minimum: 100}, rejected: {maximum: 1%}}")


def _has_fixed_start(linted: _Linted) -> bool:
    return any(not url.references for start in linted.recipe.start for url in start.urls)


def _unexported_items(linted: _Linted) -> None:
    exported = {export.item for export in linted.recipe.exports}
    for name, _, entry in checked.maps(linted.root, "items"):
        if name not in exported and linted.recipe.exports:
            message = f"no export writes the rows of '{name}'"
            linted.say(entry, ("items", name), message, f"add {{name: {name}, item: {name}, format: csv}} to `exports`")


def _read_in_vain(linted: _Linted) -> None:
    """What `incremental` asks for, and the rest of the recipe does not allow."""
    plan, node = linted.recipe.incremental, checked.mapping(linted.root, "incremental")
    if plan is None or node is None:
        return
    where = ("incremental", "skip_unchanged")
    skips = node.by_key.get("skip_unchanged")
    if skips is not None and plan.emit == "all":
        message = "rows of pages that are not read are in no file, also with `emit: all`"
        linted.say(node.by_key["emit"], ("incremental", "emit"), message, "leave out skip_unchanged to have them all")
    has_sitemaps = any(start.sitemap is not None for start in linted.recipe.start)
    if "sitemap_lastmod" in plan.skip_unchanged and skips is not None and not has_sitemaps:
        linted.say(skips, where, "no entry of `start` is a sitemap, so none has a lastmod", "leave it out")
    for name, _, entry in linted.pages():
        page = linted.recipe.pages[name]
        why = depends_on_others(page)
        if plan.skip_unchanged and not why and page.item is not None and not linted.recipe.items[page.item].key:
            why = f"'{page.item}' has no `key`, so its rows are not known again"
        if plan.skip_unchanged and why:
            linted.say(entry, ("pages", name), f"pages of the type '{name}' are read each time", why)


_RULES = (
    _inserted_tbody,
    _moved_ancestors,
    _unknown_elements,
    _script_text,
    _numbers_without_steps,
    _fields_nobody_sees,
    _unused_inputs,
    _unused_sources,
    _carried,
    _untested_pages,
    _keyless_items,
    _missing_parts,
    _unexported_items,
    _read_in_vain,
)
