"""Holds the parts of a recipe against each other: every name that is used must be defined, and the other way round.

A misspelt name that the author chose has two ends, and which of them is wrong cannot be known: the use that leads
nowhere is reported with the nearest definition, and a definition that nothing uses with the nearest such use. Works on
the checked tree, so that each end has its place; what is absent because its part is broken is not reported.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from crawler.recipe import checked
from crawler.recipe.diagnostics import did_you_mean, one_of
from crawler.recipe.yaml_nodes import ListNode, MapNode, Scalar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path as Folder

    from crawler.recipe.compile_texts import Use
    from crawler.recipe.diagnostics import Path, Report
    from crawler.recipe.model import Recipe
    from crawler.recipe.yaml_nodes import Mark


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
        self._secrets()
        self._carried()
        self._sources()

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

    # --- inputs, carried values, sources ---

    def _inputs(self) -> None:
        uses = [_Name(use.name, use.mark, use.path) for use in self.uses if use.scope == "inputs"]
        for path, entry in checked.members(self.root.get("tests"), ("tests",)):
            given = entry if isinstance(entry, MapNode) else None
            uses += [_Name(one.key, one.mark, (*path, "inputs", one.key)) for one in checked.entries(given, "inputs")]
        self._two_ends("input", "inputs", uses)

    def _secrets(self) -> None:
        """Report secrets that would go anywhere but to the login: rows, logs and addresses are read by others."""
        found = checked.mapping(self.root, "inputs")
        secrets = {entry.key for entry in found or () if isinstance(entry.node, MapNode) and "secret" in entry.node}
        for use in self.uses:
            if use.scope == "inputs" and use.name in secrets and use.path[:3] not in _FOR_SECRETS:
                message = f"'{use.name}' is a secret, and may only be sent to log in"
                hint = "in `session`: in `formdata`, in `form`, `json` or `headers` of its `request`, or in `basic`"
                self.report.add(use.mark, use.path, message, hint)

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


#: Where a secret may stand: in what is sent to log in, but for addresses, which end up in logs.
_FOR_SECRETS: Final = frozenset(
    {
        ("session", "login", "formdata"),
        *(("session", "request", part) for part in ("form", "json", "headers")),
        *(("session", "basic", part) for part in ("username", "password")),
    }
)


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


def check_snapshots(root: MapNode, recipe: Recipe, report: Report) -> None:
    """Report tests whose saved page is not in the recipe's folder."""
    folder = recipe.snapshot_dir
    if folder is None:
        return
    for path, node in checked.members(root.get("tests"), ("tests",)):
        if not isinstance(node, MapNode):
            continue
        answers = checked.mapping(node, "answers")
        named = [(checked.scalar(node, "snapshot"), (*path, "snapshot"))]
        named += [(checked.scalar(answers, url), (*path, "answers", url)) for url in checked.names(node, "answers")]
        for found, where in named:
            if found is not None:
                _check_snapshot(found, where, folder, report)


def _check_snapshot(found: Scalar, where: Path, folder: Folder, report: Report) -> None:
    name = str(found.value)
    target = folder / name
    if not target.resolve().is_relative_to(folder.resolve()):
        message = f"'{name}' lies outside {folder.name}/, where the saved pages of this recipe belong"
        report.add(found.mark, where, message, "move the page into that folder")
    elif not target.is_file():
        others = sorted(page.name for page in folder.glob("*") if page.is_file()) if folder.is_dir() else []
        hint = did_you_mean(name, others) or f"save it with `crawlery recipe record`, or put it into {folder.name}/"
        report.add(found.mark, where, f"there is no saved page {folder.name}/{name}", hint)
