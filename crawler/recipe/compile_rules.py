"""Compiles rules and rows: from checked nodes to `model.RuleNode`.

Here a string becomes a selector in the language of its place, `from` is held against the page sources, steps against
what comes to them, and fields are put into the order in which their templates need each other. Names that other parts
of the recipe define (inputs, carried values) are only collected; `crosscheck` resolves them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from msgspec.structs import replace

from crawler.recipe import checked
from crawler.recipe.cells import cells_of
from crawler.recipe.compile_follow_ups import follow_up, later_fields
from crawler.recipe.compile_sources import Place, SourceCompiler
from crawler.recipe.compile_texts import Language, TextCompiler, Use
from crawler.recipe.css_tree import TypeName
from crawler.recipe.diagnostics import Path, did_you_mean, nearest, one_of
from crawler.recipe.model import (
    AnyOf,
    Condition,
    ConstSource,
    NodeSource,
    ParseKind,
    PrecedingSource,
    QuerySource,
    Rows,
    RowSelector,
    RuleNode,
    Source,
    Take,
    TemplateSource,
    UnionOf,
)
from crawler.recipe.queries import CssQuery, JmesQuery
from crawler.recipe.steps import Step, chain_gives, check_chain
from crawler.recipe.template import Template, is_template
from crawler.recipe.values import MISSING, Value
from crawler.recipe.yaml_nodes import ListNode, MapNode, Scalar, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crawler.recipe.yaml_nodes import Mark, Node

Shaped: TypeAlias = Literal["one", "list", "unknown"]

_TREE_KINDS = ("html", "xml")

#: A field asks alone, or as one of its alternatives.
_ALTERNATIVES_DEEP = 2

#: Elements that never have text, and the attribute that is meant instead.
_TEXTLESS = {"img": "src", "input": "value", "meta": "content"}


class RuleCompiler:
    """Compiles the rules of one recipe; every method gives None after it has reported why."""

    def __init__(self, texts: TextCompiler) -> None:
        self.texts = texts
        self.report = texts.report
        self._sources = SourceCompiler(texts, self.rule)
        self._places: dict[int, tuple[Mark, Path]] = {}

    # --- rules ---

    def rule(self, node: Node | None, path: Path, place: Place) -> RuleNode | None:
        """Any rule: text, a map, or a list of alternatives."""
        compiled: RuleNode | None = None
        if isinstance(node, Scalar):
            compiled = self._text(node, path, place)
        elif isinstance(node, ListNode):
            members = self._members(node, path, place)
            self._early_defaults(node, path, processed=False)
            compiled = AnyOf(members=members) if members is not None else None
        elif isinstance(node, MapNode):
            compiled = self._map(node, path, place)
        if compiled is not None and node is not None:
            self._places[id(compiled)] = (node.mark, path)
            if isinstance(compiled, Take) and place.kind != "xml":
                self._textless(compiled, node, path)
        return compiled

    def condition(self, node: Node | None, path: Path, place: Place) -> Condition | None:
        """`when`, `while`, `drop_if`."""
        compiled = self.rule(node, path, replace(place, asks=0))
        if isinstance(compiled, Take) and compiled.as_ == "count" and not compiled.process and node is not None:
            message = "a count always holds: 0 is a value"
            self.report.add(node.mark, path, message, "write the selector alone: it holds if what matches has text")
        return Condition(rule=compiled) if compiled is not None else None

    def _members(self, node: Node | None, path: Path, place: Place) -> tuple[RuleNode, ...] | None:
        place = replace(place, asks=max(0, place.asks - 1))
        compiled = [self.rule(member, where, place) for where, member in checked.members(node, path)]
        good = tuple(member for member in compiled if member is not None)
        return good if good and len(good) == len(compiled) else None

    def _early_defaults(self, node: Node | None, path: Path, *, processed: bool) -> None:
        """Report a `default` of an alternative that ends the search before the others, or comes before steps."""
        members = list(checked.members(node, path))
        for index, (where, member) in enumerate(members):
            found = member.by_key.get("default") if isinstance(member, MapNode) else None
            if found is None or (index == len(members) - 1 and not processed):
                continue
            last = index == len(members) - 1
            message = "a default is used unprocessed" if last else "with this default nothing behind it is ever tried"
            hint = "put `default` beside `any`: {any: [...], default: ...}"
            self.report.add(found.mark, (*where, "default"), message, hint)

    def _text(self, node: Scalar, path: Path, place: Place) -> Take | None:
        text = str(node.value)
        if is_template(text):
            template = self.texts.template(node, path, place.scopes)
            return Take(source=TemplateSource(template=template)) if template is not None else None
        is_tree = place.language == "css" and place.kind != "xml"
        if is_tree and (self.texts.swallowed_comment(node, path) or self.texts.no_element(node, path)):
            return None
        query = self.texts.query(place.language, node, path, row=place.row)
        return Take(source=QuerySource(query=query)) if query is not None else None

    def _map(self, node: MapNode, path: Path, place: Place) -> RuleNode | None:
        if "each" in node or "fields" in node:
            return self.rows(node, path, place)
        when, good = self._when(node, path, place)
        if "any" in node or "union" in node:
            return self._group(node, path, place, when=when, good=good)
        request, reads, asked = follow_up(node, path, place, self.texts)
        source = self._sources.source(node, path, reads) if asked else None
        remove = self._remove(node, path)
        every = bool(checked.boolean(node, "all"))
        as_ = checked.text(node, "as") or "text"
        if every and as_ == "count":
            message = "`as: count` counts every match already"
            self.report.add(node.by_key["all"].mark, (*path, "all"), message, "delete `all`")
        starts = "list" if every and as_ != "count" else _starts(source, as_)
        process = self._process(node, path, starts)
        default = self._default(node, path, place)
        if source is None or process is None or remove is None or not good or default is None:
            return None
        self._useless(node, path, source, as_)
        return Take(
            source=source,
            from_=checked.text(node, "from"),
            as_=as_,  # type: ignore[arg-type] # the shape of `as` lets only its words through
            remove=remove,
            all=every,
            process=process,
            when=when,
            default=default[0],
            request=request,
        )

    def _group(
        self, node: MapNode, path: Path, place: Place, *, when: Condition | None, good: bool
    ) -> AnyOf | UnionOf | None:
        key = "any" if "any" in node else "union"
        members = self._members(node.get(key), (*path, key), place if key == "any" else replace(place, asks=0))
        if key == "any":
            self._early_defaults(node.get(key), (*path, key), processed="process" in node)
        every = bool(checked.boolean(node, "all"))
        starts: Shaped = "list"
        if key == "any":
            kinds = {gives(member, many=every) for member in members or ()}
            starts = kinds.pop() if len(kinds) == 1 else "unknown"
        process = self._process(node, path, starts)
        default = self._default(node, path, place)
        if members is None or process is None or not good or default is None:
            return None
        if key == "any":
            return AnyOf(members=members, all=every, process=process, when=when, default=default[0])
        return UnionOf(members=members, process=process, when=when, default=default[0])

    def _textless(self, take: Take, node: Node, path: Path) -> None:
        """Report a rule that reads the text of an element that has none: `img.photo`."""
        query = take.source.query if isinstance(take.source, QuerySource) else None
        if take.as_ != "text" or not isinstance(query, CssQuery):
            return
        for part in query.parts:
            names = [one.name.lower() for one in part.selector.compounds[-1].simples if isinstance(one, TypeName)]
            attribute = _TEXTLESS.get(names[0]) if names and part.kind == "element" else None
            if attribute is not None:
                hint = f"write {query.text.strip()}::attr({attribute})" if len(query.parts) == 1 else None
                message = f"an <{names[0]}> has no text, so this never gives a value"
                self.report.add(node.mark, path, message, hint or f"read an attribute: ::attr({attribute})")

    def _useless(self, node: MapNode, path: Path, source: Source, as_: str) -> None:
        """Report modifiers that can change nothing: what does nothing was meant to do something."""
        found: dict[str, tuple[str, str]] = {}
        if as_ == "count" and "process" not in node:
            found["default"] = ("a count is never missing: without a match it is 0", "delete `default`")
        query = source.query if isinstance(source, QuerySource) else None
        kinds = {part.kind for part in query.parts} if isinstance(query, CssQuery) else {"element"}
        if "element" not in kinds:
            if as_ == "html":
                found["as"] = ("`::text` and `::attr()` give no element, and so no HTML", "delete `as`, or them")
            if "texts" not in kinds:
                hint = "to leave the text of other elements out, write `remove` without `::text`"
                found["remove"] = ("there are no elements inside text and attributes", hint)
        for key, (message, hint) in found.items():
            if key in node:
                self.report.add(node.by_key[key].mark, (*path, key), message, hint)

    # --- parts of a rule ---

    def _when(self, node: MapNode, path: Path, place: Place) -> tuple[Condition | None, bool]:
        if "when" not in node:
            return None, True
        when = self.condition(node.get("when"), (*path, "when"), place)
        return when, when is not None

    def _process(self, node: MapNode, path: Path, starts: Shaped) -> tuple[Step, ...] | None:
        found = self.texts.steps(node.get("process"), (*path, "process"))
        if found is None:
            return None
        steps = tuple(step for step, _, _ in found)
        wrong = check_chain(steps, starts=starts)
        if wrong is not None:
            _, mark, where = found[wrong[0]]
            self.report.add(mark, where, wrong[1])
            return None
        return steps

    def _remove(self, node: MapNode, path: Path) -> tuple[CssQuery, ...] | None:
        found = []
        for where, member in checked.scalars(node, "remove", path):
            found.append(self.texts.css(member, where, row=True))
        good = tuple(query for query in found if query is not None)
        return good if len(good) == len(found) else None

    def _default(self, node: MapNode, path: Path, place: Place) -> tuple[Value] | None:
        """The default in a tuple (it may be anything), MISSING without one; None after reporting."""
        found = node.get("default")
        if found is None:
            return (MISSING,)
        where = (*path, "default")
        if isinstance(found, Scalar) and isinstance(found.value, str) and is_template(found.value):
            template = self.texts.template(found, where, place.scopes)
            return None if template is None else (template,)
        return (plain(found),)

    # --- rows ---

    def each(self, node: Node | None, path: Path, place: Place) -> tuple[RowSelector, Place] | None:
        """`each`, and the place inside its rows."""
        if isinstance(node, Scalar):
            take = self._text(node, path, place)
            if take is not None and isinstance(take.source, TemplateSource):
                self.report.add(node.mark, path, "`each` is a selector, not a template")
                return None
            parse = None
        elif isinstance(node, MapNode):
            compiled = self._map(node, path, replace(place, asks=0))
            take = compiled if isinstance(compiled, Take) else None
            parse = checked.text(node, "parse")
        else:
            return None
        if take is None or not isinstance(take.source, QuerySource | NodeSource):
            return None
        query = take.source.query if isinstance(take.source, QuerySource) else None
        if parse in _TREE_KINDS and not isinstance(query, JmesQuery):
            take = replace(take, as_="html")
        if take.remove and parse is None and not take.process and isinstance(node, MapNode):
            hint = "put `remove` on the rules inside, or add parse: html"
            self.report.add(node.by_key["remove"].mark, (*path, "remove"), "rows keep what is inside them", hint)
        self._places[id(take)] = (node.mark, path)
        language, kind = self._inside(take, parse, place)
        # The shape of `parse` lets only the kinds of documents through.
        return RowSelector(take=take, parse=parse), place.inside(language=language, kind=kind)  # type: ignore[arg-type]

    def _inside(self, take: Take, parse: str | None, place: Place) -> tuple[Language, ParseKind | None]:
        if parse is not None:
            # As above.
            return ("css", parse) if parse in _TREE_KINDS else ("jmespath", "json")  # type: ignore[return-value]
        query = take.source.query if isinstance(take.source, QuerySource) else None
        if (
            query is None
            or isinstance(query, JmesQuery)
            or take.process
            or (isinstance(query, CssQuery) and any(part.kind != "element" for part in query.parts))
        ):
            return "jmespath", "json"
        return "css", place.kind if take.from_ is None else "html"

    def rows(self, node: MapNode, path: Path, place: Place) -> Rows | None:
        """A field that is rows of its own, or the rows of a page (`each`, `fields`)."""
        depth = place.scopes.depth + 1
        when, good = self._when(node, path, place)
        selector, inside = None, place
        if "each" in node:
            found = self.each(node.get("each"), (*path, "each"), place)
            if found is None:
                return None  # which language the rows speak is unknown: errors in them would be guesses
            selector, inside = found
        names = place.scopes.names | {"item", "row"}
        inside = replace(inside, asks=_ALTERNATIVES_DEEP if depth == 1 else 0)
        inside = replace(inside, scopes=replace(place.scopes, names=names, depth=depth))
        drop_if = None
        if "drop_if" in node and depth > 1:
            # It is asked before the row's fields are read, so there is no `row.` yet.
            before = replace(inside, scopes=replace(inside.scopes, names=names - {"row"}))
            drop_if = self.condition(node.get("drop_if"), (*path, "drop_if"), before)
            good = good and drop_if is not None
        if "fields" not in node:
            return None  # said by its shape
        fields = self._fields(node, path, inside)
        cartesian = checked.text(checked.mapping(node, "else"), "cartesian")
        if fields is None or not good:
            return None
        later = later_fields(fields, path, self.texts.uses, self.report) if depth == 1 else frozenset[str]()
        return Rows(
            each=selector,
            fields=fields,
            drop_if=drop_if,
            when=when,
            cartesian=cartesian,
            later=later,
            cells=cells_of(fields, later),
        )

    def _fields(self, node: MapNode, path: Path, place: Place) -> dict[str, RuleNode] | None:
        entries = list(checked.entries(node, "fields"))
        known = checked.names(node, "fields")
        depth = place.scopes.depth
        compiled: dict[str, RuleNode] = {}
        needs: dict[str, dict[str, Use]] = {}
        marks = {entry.key: entry.mark for entry in entries}
        siblings: list[Use] = []
        for entry in entries:
            where = (*path, "fields", entry.key)
            before = len(self.texts.uses)
            rule = self.rule(entry.node, where, place)
            if rule is not None:
                compiled[entry.key] = rule
            uses = [use for use in self.texts.uses[before:] if _reads_row(use, depth)]
            self._known_fields(uses, node, path)
            needs[entry.key] = {use.name: use for use in uses if use.name in marks}
            sibling = self._cartesian(entry.node, where, known, entry.key)
            if sibling is not None and sibling.name in marks:
                needs[entry.key][sibling.name] = sibling
            if sibling is not None:
                siblings.append(sibling)
        for use in siblings:
            if use.name in compiled and not _lists_options(compiled[use.name]):
                message = f"'{use.name}' does not list options"
                self.report.add(use.mark, use.path, message, "make it rows with the fields `name` and `values`")
        ordered = self._ordered(needs)
        if ordered is None or len(compiled) != len(known):
            return None
        return {name: compiled[name] for name in ordered}

    def _known_fields(self, uses: Iterable[Use], node: MapNode, path: Path) -> None:
        """Report templates that refer to no field of the row; in a nested row also the field that was perhaps meant.

        (The fields of an outermost row are held against the item's contract, which tells which end is misspelt.)
        """
        fields = checked.mapping(node, "fields")
        known = [] if fields is None else list(fields.by_key)
        for use in uses:
            if use.name in known:
                continue
            what = "row" if use.scope == "row" else "item"
            hint = did_you_mean(use.name, known) or f"the {what} has {one_of(known)}"
            self.report.add(use.mark, use.path, f"`{use.scope}.{use.name}`: there is no field '{use.name}'", hint)
            if fields is None or use.scope != "row" or use.depth == 1:
                continue
            for name in nearest(use.name, known):
                message = f"a template in this row refers to '{use.name}'"
                mark = fields.by_key[name].mark
                self.report.add(mark, (*path, "fields", name), message, did_you_mean(name, [use.name]))

    def _cartesian(self, node: Node, path: Path, known: list[str], own: str) -> Use | None:
        otherwise = checked.mapping(node, "else") if isinstance(node, MapNode) else None
        found = checked.scalar(otherwise, "cartesian")
        if found is None:
            return None
        name = str(found.value)
        where = (*path, "else", "cartesian")
        if name not in known or name == own:
            others = [other for other in known if other != own]
            hint = did_you_mean(name, others) or f"the fields beside it are {one_of(others)}"
            self.report.add(found.mark, where, f"there is no field '{name}' beside '{own}'", hint)
            return None
        return Use(scope="row", name=name, mark=found.mark, path=where, page=None, depth=0)

    def _ordered(self, needs: Mapping[str, Mapping[str, Use]]) -> list[str] | None:
        """Fields in file order, each after those it refers to; None after reporting a cycle."""
        done: dict[str, None] = {}
        open_: list[str] = []

        def visit(name: str) -> bool:
            if name in done:
                return True
            if name in open_:
                cycle = [*open_[open_.index(name) :], name]
                use = needs[open_[-1]][name]
                self.report.add(use.mark, use.path, f"fields refer to each other in a circle: {' -> '.join(cycle)}")
                return False
            open_.append(name)
            good = not [other for other in needs[name] if not visit(other)]
            open_.pop()
            done[name] = None
            return good

        circular = [name for name in needs if not visit(name)]
        return None if circular else list(done)

    # --- what a rule gives, for the contract ---

    def misfits(self, rule: RuleNode, *, wanted: Shaped) -> Iterable[tuple[Mark, Path]]:
        """Places of the rule's parts that give a list where one value is wanted, or the other way round."""
        if isinstance(rule, AnyOf) and not rule.process and not rule.all:
            for member in rule.members:
                yield from self.misfits(member, wanted=wanted)
        elif gives(rule) not in {"unknown", wanted} and id(rule) in self._places:
            yield self._places[id(rule)]

    def written(self, rule: RuleNode) -> Iterable[tuple[Value, Mark, Path]]:
        """Values that stand in the recipe and reach the field as they are: constants, defaults, those of `map`."""
        if isinstance(rule, Rows):
            return
        mark, path = self._places[id(rule)]
        if rule.default is not MISSING and not isinstance(rule.default, Template):
            yield rule.default, mark, (*path, "default")
        if rule.process and rule.process[-1].name == "map":
            where = (*path, "process", len(rule.process) - 1)
            yield from ((value, mark, where) for value in _mapped(rule.process[-1].argument))
        elif isinstance(rule, AnyOf) and not rule.process:
            for member in rule.members:
                yield from self.written(member)
        elif isinstance(rule, Take) and isinstance(rule.source, ConstSource) and not rule.process:
            yield rule.source.value, mark, path


def _mapped(argument: Any) -> list[Value]:
    """The values that a step `map` may give."""
    options = argument if isinstance(argument, dict) else {}
    if not isinstance(options.get("values"), dict):
        return list(options.values())
    return [*options["values"].values(), *([options["else"]] if "else" in options else [])]


def _reads_row(use: Use, depth: int) -> bool:
    """Whether a use below fields at `depth` refers to one of those fields."""
    if use.scope == "item":
        return depth == 1
    return use.scope == "row" and use.depth == depth


def _lists_options(rule: RuleNode) -> bool:
    """Whether a field may hold `[{name, values}, ..]`, which `cartesian` combines."""
    if isinstance(rule, Rows):
        return {"name", "values"} <= rule.fields.keys()
    if isinstance(rule, AnyOf | UnionOf):
        return any(_lists_options(member) for member in rule.members)
    return gives(rule) != "one" and not (
        isinstance(rule.source, QuerySource) and not isinstance(rule.source.query, JmesQuery)
    )


def _starts(source: Source | None, as_: str) -> Shaped:
    """What a source gives without `all`."""
    if as_ == "count" or source is None:
        return "one"
    if isinstance(source, ConstSource):
        return "list" if isinstance(source.value, list) else "one"
    if isinstance(source, TemplateSource):
        return "unknown" if source.template.whole else "one"
    if isinstance(source, PrecedingSource):
        return gives(source.value)
    if isinstance(source, QuerySource) and isinstance(source.query, JmesQuery):
        return "unknown"
    return "one"


def gives(rule: RuleNode, *, many: bool = False) -> Shaped:
    """Whether a rule gives one value or a list, as far as the recipe alone can tell."""
    if isinstance(rule, Rows):
        return "list"
    if isinstance(rule, UnionOf):
        return chain_gives(rule.process, starts="list")
    if isinstance(rule, AnyOf):
        kinds: set[Any] = {gives(member, many=many or rule.all) for member in rule.members}
        starts: Shaped = kinds.pop() if len(kinds) == 1 else "unknown"
        return chain_gives(rule.process, starts=starts)
    every = (rule.all or many) and rule.as_ != "count"
    return chain_gives(rule.process, starts="list" if every else _starts(rule.source, rule.as_))
