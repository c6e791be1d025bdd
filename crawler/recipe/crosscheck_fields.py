"""Holds fields against contracts: what a page fills, what an item wants, what exports and tests name.

As `crosscheck`, it reports a misspelt name at both of its ends, and nothing that is absent only because it was refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import jmespath
from jmespath.exceptions import JMESPathError

from crawler.recipe import checked
from crawler.recipe.diagnostics import did_you_mean, nearest, one_of
from crawler.recipe.fields import Broken
from crawler.recipe.language import EXPECT_KEYS
from crawler.recipe.scalars import describe as shown
from crawler.recipe.yaml_nodes import ListNode, MapNode

#: JMESPath nodes of which only the first child reads from the data that the whole reads from.
_PATHS = frozenset(
    {"subexpression", "index_expression", "filter_projection", "projection", "value_projection", "flatten", "pipe"}
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crawler.recipe.compile_rules import RuleCompiler
    from crawler.recipe.contract import ItemContract
    from crawler.recipe.diagnostics import Path, Report
    from crawler.recipe.model import Recipe, RuleNode
    from crawler.recipe.yaml_nodes import Node


class FieldCheck:
    """The fields of one recipe. `root` is the checked tree."""

    def __init__(self, root: MapNode, report: Report) -> None:
        self.root = root
        self.report = report
        self.pages = {name: node for name, node, _ in checked.maps(root, "pages")}

    def run(self) -> None:
        """Report every field that one side names and the other does not."""
        for name, node, _ in checked.maps(self.root, "items"):
            self._fields_of_item(name, node)
            self._checks(name, node)
        for name, node in self.pages.items():
            self._fields_of_page(name, node)
            self._properties(name, node)
            self._appended(name, node)
        self._exports()
        self._tests()

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
        if paginate is not None and "append" in paginate and "each" in node:
            message = "`append` joins later pages to one row, and `each` makes many"
            where = ("pages", name, "paginate", "append")
            self.report.add(paginate.by_key["append"].mark, where, message, "delete `append`, or `each`")
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

    def _checks(self, item: str, node: MapNode) -> None:
        """The fields that `checks` read from the row."""
        known = checked.names(node, "fields")
        for path, check in checked.members(node.get("checks"), ("items", item, "checks")):
            found = checked.scalar(check, "jmespath") if isinstance(check, MapNode) else None
            if found is None or not known or self.report.touches((*path, "jmespath")):
                continue
            for name in fields_read(str(found.value)):
                if name not in known:
                    hint = did_you_mean(name, known) or f"the item has {one_of(known)}"
                    self.report.add(found.mark, (*path, "jmespath"), f"the item has no field '{name}'", hint)

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


def fields_read(expression: str) -> list[str]:
    """The fields that a JMESPath expression reads from the row itself, in order; none if it does not compile."""
    try:
        tree = jmespath.compile(expression).parsed
    except (JMESPathError, RecursionError):
        return []
    found: dict[str, None] = {}
    nodes = [tree]
    while nodes:
        node = nodes.pop(0)
        if node["type"] == "field":
            found[node["value"]] = None
        elif node["type"] in _PATHS:
            nodes.append(node["children"][0])  # the rest reads from what the first part gives
        elif node["type"] != "expref":
            nodes.extend(node["children"])
    return list(found)


def _rows(node: Node, path: Path) -> Iterator[tuple[Path, MapNode]]:
    """The rows that a field is, or whose alternatives it is."""
    if isinstance(node, ListNode):
        for index, member in enumerate(node.items):
            yield from _rows(member, (*path, index))
    elif isinstance(node, MapNode) and "fields" in node:
        yield path, node


def check_values(recipe: Recipe, rules: RuleCompiler, report: Report) -> None:
    """Report rules that can never give what the contract wants: a list for one value, a constant of another type."""
    for page in recipe.pages.values():
        contract = recipe.items.get(page.item or "")
        if contract is None or page.rows is None:
            continue
        for field, rule in page.rows.fields.items():
            if field in contract.fields and not _check_kind(field, contract.fields[field].type, rule, rules, report):
                _check_written(field, contract, rule, rules, report)


def _check_kind(field: str, type_: str, rule: RuleNode, rules: RuleCompiler, report: Report) -> bool:
    """Whether a list is given for one value, or the other way round; reported."""
    if type_ == "array":
        message = f"'{field}' is an array, but this gives one value"
        hint = "add all: true for every match, or change the type"
        misfits = list(rules.misfits(rule, wanted="list"))
    else:
        message = f"'{field}' is of type {type_}, but this gives a list"
        hint = "delete all: true, join it (process: [{join: ', '}]), or make the type array"
        misfits = list(rules.misfits(rule, wanted="one"))
    for mark, path in misfits:
        report.add(mark, path, message, hint)
    return bool(misfits)


def _check_written(field: str, contract: ItemContract, rule: RuleNode, rules: RuleCompiler, report: Report) -> None:
    """Constants, defaults and the values of `map` that the contract would refuse on every page."""
    if contract.fields[field].type == "array":
        return
    for value, mark, path in rules.written(rule):
        if report.touches(path):  # an unquoted template was read as a map, say: that is what is wrong
            continue
        try:
            contract.accepts[field](value, "https://example.com/")
        except Broken as broken:
            spec = contract.fields[field]
            words = [word for word in spec.enum or () if isinstance(word, str)]
            hint = did_you_mean(value, words) if isinstance(value, str) else None
            message = f"'{field}' can never be {shown(value)}: {broken.message}"
            report.add(mark, path, message, hint or "change it, or the contract of the field")
