"""Holds the parts of a recipe against each other: every name that is used must be defined, and the other way round.

A misspelt name that the author chose has two ends, and which of them is wrong cannot be known: the use that leads
nowhere is reported with the nearest definition, and a definition that nothing uses with the nearest such use. Works on
the checked tree, so that each end has its place; what is absent because its part is broken is not reported.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crawler.recipe import checked
from crawler.recipe.diagnostics import did_you_mean, nearest, one_of
from crawler.recipe.language import EXPECT_KEYS
from crawler.recipe.yaml_reader import ListNode, MapNode, Scalar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from crawler.recipe.compile_rules import RuleCompiler
    from crawler.recipe.compile_texts import Use
    from crawler.recipe.diagnostics import Path, Report
    from crawler.recipe.model import Page, Recipe
    from crawler.recipe.yaml_reader import Mark, Node


@dataclass(frozen=True, slots=True)
class _Name:
    """A name at some place of the file."""

    name: str
    mark: Mark
    path: Path


class CrossCheck:
    """One recipe's references. `root` is the checked tree, `uses` what its templates refer to."""

    def __init__(self, root: MapNode, uses: Iterable[Use], report: Report) -> None:
        self.root = root
        self.uses = list(uses)
        self.report = report
        self.pages = {name: node for name, node, _ in checked.maps(root, "pages")}
        self.page_names = checked.names(root, "pages")
        self.item_names = checked.names(root, "items")

    def run(self) -> None:
        """Report everything that does not fit together."""
        self._pages()
        self._match()
        self._items()
        self._inputs()
        self._carried()
        self._sources()
        for name, node, _ in checked.maps(self.root, "items"):
            self._fields_of_item(name, node)
        for name, node in self.pages.items():
            self._fields_of_page(name, node)
            self._properties(name, node)
            self._appended(name, node)
        self._exports()
        self._tests()

    # --- names with two ends ---

    def _two_ends(self, what: str, section: str, uses: list[_Name]) -> None:
        """Report uses without definition in `section`, and definitions without use where such a use is near them."""
        definitions = self._defined(self.root, section, ())
        if not definitions and not self.root.complete:
            return
        dangling = [use for use in uses if use.name not in definitions]
        used = {use.name for use in uses}
        for use in dangling:
            hint = did_you_mean(use.name, definitions)
            if hint is None:
                hint = f"known are {one_of(definitions)}" if definitions else f"the recipe has no {what}"
            self.report.add(use.mark, use.path, f"there is no {what} '{use.name}'", hint)
        for name, definition in definitions.items():
            hint = did_you_mean(name, [use.name for use in dangling])
            # Of a page type that nothing leads to, `_pages` says so.
            if name not in used and hint is not None and section != "pages":
                self.report.add(definition.mark, definition.path, f"nothing uses the {what} '{name}'", hint)

    def _defined(self, node: MapNode | None, key: str, path: Path) -> dict[str, _Name]:
        found = checked.mapping(node, key)
        return {entry.key: _Name(entry.key, entry.mark, (*path, key, entry.key)) for entry in found or ()}

    # --- pages ---

    def _page_uses(self) -> Iterator[_Name]:
        for path, entry in checked.members(self.root.get("start"), ("start",)):
            yield from self._text_at(entry, "page", path)
        for name, node in self.pages.items():
            for path, entry in checked.members(node.get("follow"), ("pages", name, "follow")):
                yield from self._text_at(entry, "page", path)

    def _text_at(self, node: object, key: str, path: Path) -> Iterator[_Name]:
        found = checked.scalar(node, key) if isinstance(node, MapNode) else None
        if found is not None and isinstance(found.value, str):
            yield _Name(found.value, found.mark, (*path, key))

    def _pages(self) -> None:
        uses = list(self._page_uses())
        tests = [
            use
            for path, entry in checked.members(self.root.get("tests"), ("tests",))
            for use in self._text_at(entry, "page", path)
        ]
        expected = list(self._expected_pages())
        self._two_ends("page type", "pages", [*uses, *tests, *expected])
        self._unreached({use.name for use in uses}, {use.name for use in [*uses, *tests, *expected]})

    def _unreached(self, reached: set[str], mentioned: set[str]) -> None:
        """Report page types that nothing leads to, unless what is wrong elsewhere may be the reason."""
        broken = not self._complete_pages() or any(
            self.report.touches(path) for path in [("start",), *(("pages", name, "follow") for name in self.page_names)]
        )
        dangling = mentioned.difference(self.page_names)
        by_match = self._routes_by_match()
        for name, node, entry in checked.maps(self.root, "pages"):
            if name in reached:
                continue
            hint = did_you_mean(name, dangling)
            routed = by_match and "match" in node
            if hint is not None or not (routed or broken or self.report.touches(("pages", name))):
                message = f"nothing leads to the page type '{name}'"
                hint = hint or "name it in `page` of `start` or of a `follow`"
                self.report.add(entry.mark, ("pages", name), message, hint)

    def _expected_pages(self) -> Iterator[_Name]:
        for path, entry in checked.members(self.root.get("tests"), ("tests",)):
            expect = checked.mapping(entry, "expect") if isinstance(entry, MapNode) else None
            for follow in checked.entries(expect, "follow"):
                yield _Name(follow.key, follow.mark, (*path, "expect", "follow", follow.key))

    def _unrouted(self) -> Iterator[tuple[Path, MapNode]]:
        """Entries of `start` and `follow` that name no page type."""
        for path, entry in checked.members(self.root.get("start"), ("start",)):
            if isinstance(entry, MapNode) and "page" not in entry and not self.report.touches(path):
                yield path, entry
        for name, node in self.pages.items():
            for path, entry in checked.members(node.get("follow"), ("pages", name, "follow")):
                if isinstance(entry, MapNode) and "page" not in entry and not self.report.touches(path):
                    yield path, entry

    def _routes_by_match(self) -> bool:
        return any(True for _ in self._unrouted())

    def _match(self) -> None:
        if any("match" in node for node in self.pages.values()):
            return
        for path, entry in self._unrouted():
            message = "without `page` the page type is found by `match`, and no page type has one"
            hint = f"add page: {self.page_names[0]}" if self.page_names else None
            self.report.add(entry.mark, path, message, hint)

    # --- items and their fields ---

    def _items(self) -> None:
        uses = [use for name, node in self.pages.items() for use in self._text_at(node, "item", ("pages", name))]
        exports = [
            use
            for path, entry in checked.members(self.root.get("exports"), ("exports",))
            for use in self._text_at(entry, "item", path)
        ]
        self._two_ends("item", "items", [*uses, *exports])
        definitions = self._defined(self.root, "items", ())
        produced = {use.name for use in uses}
        for name, definition in definitions.items():
            if name not in produced and self._complete_pages():
                hint = did_you_mean(name, [use.name for use in uses if use.name not in definitions])
                message = f"no page type has `item: {name}`, so there will never be a row of it"
                self.report.add(
                    definition.mark, definition.path, message, hint or "add it to a page type, or delete it"
                )

    def _complete_pages(self) -> bool:
        """Whether what no page has is truly absent, and not only refused or misspelt."""
        return self.root.complete and all(page.complete for page in self.pages.values())

    def _contract(self, item: str | None) -> MapNode | None:
        return checked.mapping(checked.mapping(self.root, "items"), item) if item is not None else None

    def _fields_of_page(self, name: str, node: MapNode) -> None:
        contract = self._contract(checked.text(node, "item"))
        if contract is None:
            return
        item = checked.text(node, "item")
        known = checked.names(contract, "fields")
        filled = checked.names(node, "fields")
        elsewhere = {
            other
            for page in self.pages.values()
            if checked.text(page, "item") == item
            for other in checked.names(page, "fields")
        }
        unfilled = [other for other in known if other not in elsewhere]
        strangers = [field for field in filled if field not in known]
        unexplained = [other for other in unfilled if not nearest(other, strangers)]
        for field in checked.mapping(node, "fields") or ():
            # A field of its own is allowed (templates may need it), but not while the contract waits for one, nor
            # where it looks like one that this page leaves out.
            hint = did_you_mean(field.key, unfilled) or did_you_mean(field.key, [o for o in known if o not in filled])
            if field.key not in known and (hint is not None or unexplained):
                hint = hint or f"no page fills {one_of(unexplained)}"
                message = f"the item '{item}' has no field '{field.key}'"
                self.report.add(field.mark, ("pages", name, "fields", field.key), message, hint)

    def _appended(self, name: str, node: MapNode) -> None:
        filled = checked.names(node, "fields")
        paginate = checked.mapping(node, "paginate")
        for path, append in checked.scalars(paginate, "append", ("pages", name, "paginate")):
            if append.value not in filled and ("fields" in node or node.complete):
                message = f"the page has no field '{append.value}'"
                hint = did_you_mean(str(append.value), filled) or "`append` joins fields of this page's row"
                self.report.add(append.mark, path, message, hint)

    def _properties(self, page: str, node: MapNode) -> None:
        """Fields of nested rows against the `properties` of the contract's array, from both ends."""
        fields = checked.mapping(self._contract(checked.text(node, "item")), "fields")
        for entry in checked.entries(node, "fields"):
            members = checked.mapping(checked.mapping(fields, entry.key), "items")
            self._rows_against(members, list(_rows(entry.node, ("pages", page, "fields", entry.key))))

    def _rows_against(self, members: MapNode | None, rows: list[tuple[Path, MapNode]]) -> None:
        properties = checked.mapping(members, "properties")
        if properties is None or not rows or not all(node.complete for _, node in rows):
            return
        filled = {name for _, node in rows for name in checked.names(node, "fields")}
        unfilled = [name for name in properties.by_key if name not in filled]
        strangers = [name for name in filled if name not in properties]
        for name in unfilled:
            near = did_you_mean(name, strangers) or "add a rule for it, or delete it"
            mark, path = properties.by_key[name].mark, (*rows[0][0], "fields")
            self.report.add(mark, path, f"no rule fills the property '{name}' of the contract", near)
        for path, node in rows:
            for entry in checked.mapping(node, "fields") or ():
                inner = checked.mapping(properties, entry.key)
                self._rows_against(
                    checked.mapping(inner, "items"), list(_rows(entry.node, (*path, "fields", entry.key)))
                )
                hint = did_you_mean(entry.key, unfilled)
                if entry.key not in properties and (hint is not None or unfilled):
                    message = f"the contract has no property '{entry.key}' here"
                    self.report.add(entry.mark, (*path, "fields", entry.key), message, hint)

    def _fields_of_item(self, item: str, node: MapNode) -> None:
        pages = [page for page in self.pages.values() if checked.text(page, "item") == item]
        if not pages:
            return
        known = checked.names(node, "fields")
        filled = {name for page in pages for name in checked.names(page, "fields")}
        strangers = [name for name in filled if name not in known]
        hidden = not all(page.complete or "fields" in page for page in pages)
        for field in checked.mapping(node, "fields") or ():
            if field.key not in filled and not hidden:
                hint = did_you_mean(field.key, strangers) or "add a rule for it, or delete it"
                message = f"no page fills the field '{field.key}'"
                self.report.add(field.mark, ("items", item, "fields", field.key), message, hint)
        for path, key in checked.scalars(node, "key", ("items", item)):
            if known and key.value not in known:
                near = did_you_mean(str(key.value), known)
                self.report.add(key.mark, path, f"there is no field '{key.value}'", near)

    # --- inputs, carried values, sources ---

    def _inputs(self) -> None:
        uses = [_Name(use.name, use.mark, use.path) for use in self.uses if use.scope == "inputs"]
        for path, entry in checked.members(self.root.get("tests"), ("tests",)):
            given = entry if isinstance(entry, MapNode) else None
            uses += [_Name(one.key, one.mark, (*path, "inputs", one.key)) for one in checked.entries(given, "inputs")]
        self._two_ends("input", "inputs", uses)

    def _carried(self) -> None:
        carried = self._carried_by_page()
        reached = {use.name for use in self._page_uses()}
        for name in self.pages:
            uses = [
                _Name(use.name, use.mark, use.path) for use in self.uses if (use.scope, use.page) == ("carried", name)
            ]
            for path, entry in checked.members(self.root.get("tests"), ("tests",)):
                if isinstance(entry, MapNode) and checked.text(entry, "page") == name:
                    uses += [_Name(o.key, o.mark, (*path, "carried", o.key)) for o in checked.entries(entry, "carried")]
            if name not in carried and not (self._complete_pages() and name in reached):
                continue
            dangling = [use for use in uses if use.name not in carried.get(name, {})]
            self._two_ends_carried(name, dangling, carried.get(name, {}), {use.name for use in uses})

    def _two_ends_carried(
        self, page: str, dangling: list[_Name], definitions: Mapping[str, list[_Name]], used: set[str]
    ) -> None:
        for use in dangling:
            hint = did_you_mean(use.name, definitions)
            if hint is None:
                hint = f"carried there: {one_of(definitions)}" if definitions else "no `follow` carries anything to it"
            message = f"nothing carries '{use.name}' to the page type '{page}'"
            self.report.add(use.mark, use.path, message, hint)
        for name, places in definitions.items():
            hint = did_you_mean(name, [use.name for use in dangling])
            if name not in used and hint is not None:
                for place in places:
                    self.report.add(place.mark, place.path, f"the page type '{page}' does not use '{name}'", hint)

    def _carried_by_page(self) -> dict[str, dict[str, list[_Name]]]:
        """Names that any `follow` carries to a page type, with their places."""
        carried: dict[str, dict[str, list[_Name]]] = {}
        for name, node in self.pages.items():
            for path, entry in checked.members(node.get("follow"), ("pages", name, "follow")):
                if not isinstance(entry, MapNode):
                    continue
                page = checked.text(entry, "page")
                targets = [page] if page else [other for other, node in self.pages.items() if "match" in node]
                for one in checked.mapping(entry, "carry") or ():
                    for target in targets:
                        place = _Name(one.key, one.mark, (*path, "carry", one.key))
                        carried.setdefault(target, {}).setdefault(one.key, []).append(place)
        return carried

    def _sources(self) -> None:
        for name, node in self.pages.items():
            path: Path = ("pages", name)
            definitions = self._defined(node, "sources", path)
            uses = list(_froms(node, path))
            used = {use.name for use in uses}
            dangling = [use.name for use in uses if use.name not in definitions]
            for source, definition in definitions.items():
                hint = did_you_mean(source, dangling)
                if source not in used and hint is not None:
                    message = f"nothing uses the page source '{source}'"
                    self.report.add(definition.mark, definition.path, message, hint)

    # --- exports and tests ---

    def _exports(self) -> None:
        for path, node in checked.members(self.root.get("exports"), ("exports",)):
            if not isinstance(node, MapNode):
                continue
            contract = self._contract(checked.text(node, "item"))
            known = checked.names(contract, "fields")
            for column in checked.mapping(node, "columns") or ():
                if known and column.key not in known:
                    hint = did_you_mean(column.key, known)
                    where = (*path, "columns", column.key)
                    self.report.add(column.mark, where, f"the item has no field '{column.key}'", hint)

    def _tests(self) -> None:
        for path, node in checked.members(self.root.get("tests"), ("tests",)):
            page = self.pages.get(checked.text(node, "page") or "") if isinstance(node, MapNode) else None
            if not isinstance(node, MapNode) or page is None:
                continue
            item = checked.text(page, "item")
            contract = self._contract(item)
            known = checked.names(contract, "fields")
            if item is not None and (contract is None or "fields" not in contract):
                continue
            for entry in checked.mapping(node, "expect") or ():
                if entry.key in EXPECT_KEYS or entry.key in known:
                    continue
                hint = did_you_mean(entry.key, [*known, *EXPECT_KEYS])
                if contract is None:
                    message = f"this page type has no item, so it can expect only {one_of(EXPECT_KEYS)}"
                else:
                    message = f"the item '{item}' has no field '{entry.key}'"
                self.report.add(entry.mark, (*path, "expect", entry.key), message, hint)


def _rows(node: Node, path: Path) -> Iterator[tuple[Path, MapNode]]:
    """The rows that a field is, or whose alternatives it is."""
    if isinstance(node, ListNode):
        for index, member in enumerate(node.items):
            yield from _rows(member, (*path, index))
    elif isinstance(node, MapNode) and "fields" in node:
        yield path, node


def _froms(node: object, path: Path) -> Iterator[_Name]:
    """Every `from` below a node."""
    if isinstance(node, ListNode):
        for index, member in enumerate(node.items):
            yield from _froms(member, (*path, index))
    elif isinstance(node, MapNode):
        for entry in node:
            if entry.key == "from" and isinstance(entry.node, Scalar):
                yield _Name(str(entry.node.value), entry.node.mark, (*path, "from"))
            elif entry.key not in {"const", "default"}:
                yield from _froms(entry.node, (*path, entry.key))


def check_kinds(root: MapNode, pages: Mapping[str, Page], rules: RuleCompiler, report: Report) -> None:
    """Report rules that give a list for a field of one value, and one value for a field that is a list."""
    for name, page in pages.items():
        node = checked.mapping(checked.mapping(root, "items"), page.item or "")
        if node is None or page.rows is None:
            continue
        for field, rule in page.rows.fields.items():
            type_ = checked.text(checked.mapping(checked.mapping(node, "fields"), field), "type")
            if type_ is None:
                continue
            _ = name
            if type_ == "array":
                for mark, path in rules.misfits(rule, wanted="list"):
                    message = f"'{field}' is an array, but this gives one value"
                    report.add(mark, path, message, "add all: true for every match, or change the type")
            else:
                for mark, path in rules.misfits(rule, wanted="one"):
                    message = f"'{field}' is of type {type_}, but this gives a list"
                    hint = "delete all: true, join it (process: [{join: ', '}]), or make the type array"
                    report.add(mark, path, message, hint)


def check_snapshots(root: MapNode, recipe: Recipe, report: Report) -> None:
    """Report tests whose saved page is not in the recipe's folder."""
    folder = recipe.snapshot_dir
    if folder is None:
        return
    for path, node in checked.members(root.get("tests"), ("tests",)):
        found = checked.scalar(node, "snapshot") if isinstance(node, MapNode) else None
        if found is None:
            continue
        name, where = str(found.value), (*path, "snapshot")
        target = folder / name
        if not target.resolve().is_relative_to(folder.resolve()):
            message = f"'{name}' lies outside {folder.name}/, where the saved pages of this recipe belong"
            report.add(found.mark, where, message, "move the page into that folder")
        elif not target.is_file():
            others = sorted(page.name for page in folder.glob("*") if page.is_file()) if folder.is_dir() else []
            hint = did_you_mean(name, others) or f"save it with `crawlery recipe record`, or put it into {folder.name}/"
            report.add(found.mark, where, f"there is no saved page {folder.name}/{name}", hint)
