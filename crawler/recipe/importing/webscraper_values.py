"""Selectors of Web Scraper that give values: text, images, attributes, tables, groups."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from crawler.recipe.importing.foreign_css import with_attribute
from crawler.recipe.importing.foreign_nodes import field_name, maps_of
from crawler.recipe.importing.foreign_regex import NotTranslated, translated

if TYPE_CHECKING:
    from crawler.recipe.diagnostics import Path
    from crawler.recipe.importing.foreign_nodes import Part
    from crawler.recipe.yaml_nodes import Mark

VALUES: Final = frozenset(
    {
        "SelectorText", "SelectorHTML", "SelectorImage", "SelectorElementAttribute", "SelectorTable", "SelectorGroup",
        "SelectorGrouped", "SelectorElementStyle", "SelectorPageURL", "SelectorLink", "SelectorPopupLink",
    }
)  # fmt: skip
_LISTS: Final = frozenset({"SelectorGroup", "SelectorGrouped"})
_TEXT: Final = {"type": "string"}
_URI: Final = {"type": "string", "format": "uri"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """A field of a row: its rule and its contract.

    `many` says that it holds several values. If each of them was a row there, `each` selects the rows and `row` has
    the fields that are read inside them.
    """

    name: str
    rule: Any
    spec: dict[str, Any]
    at: Mark
    path: Path
    many: bool = False
    each: Any = None
    row: list[Field] | None = None

    def on_page(self, source: str) -> Field:
        """The same, read from the page while rows are made: `source` is the page as a source."""
        rule = {"css": self.rule} if isinstance(self.rule, str) else dict(self.rule)
        return self if "css" not in rule else replace(self, rule={"from": source, **rule})


def is_multiple(one: Field) -> bool:
    """Whether each of its values was a row there."""
    return one.row is not None


def value_fields(part: Part, name: str, kind: str, css: str) -> list[Field]:
    """The fields that a selector becomes, named after its id."""
    if kind not in VALUES:
        return []
    if kind == "SelectorTable":
        return _table(part, name, css)
    many = part.flag("multiple")
    if kind in ("SelectorLink", "SelectorPopupLink"):
        return [
            _field(part, name, css, _TEXT, many=many),
            _field(part, f"{name}-href", with_attribute(css, "href"), _URI, many=many),
        ]
    if kind == "SelectorPageURL":
        return [Field(name=_name(name), rule={"response": "url"}, spec=_URI, at=part.node.mark, path=part.path)]
    spec: dict[str, Any] = _TEXT
    attribute = part.text("extractAttribute") or part.text("attributeName")
    if kind == "SelectorImage":
        css, spec = with_attribute(css, "src"), _URI
    elif attribute and kind in ("SelectorElementAttribute", *_LISTS):
        css = with_attribute(css, attribute)
        spec = _URI if attribute in ("href", "src") else _TEXT
    elif kind == "SelectorElementStyle":
        css = with_attribute(css, "style")
    return [
        _field(part, name, css, spec, many=many or kind in _LISTS, html=kind == "SelectorHTML", rows=kind not in _LISTS)
    ]


def _name(text: str) -> str:
    return field_name(text, set())


def _field(
    part: Part, name: str, css: str, spec: dict[str, Any], *, many: bool, html: bool = False, rows: bool = True
) -> Field:
    process = _regex(part)
    modifiers: dict[str, Any] = ({"as": "html"} if html else {}) | ({"process": process} if process else {})
    one: Any = {"css": css, **modifiers} if modifiers else css
    made = Field(name=_name(name), rule=one, spec=dict(spec), at=part.node.mark, path=part.path)
    if not many:
        return made
    rule = {"css": css, "all": True, **modifiers}
    element, _, attribute = css.partition("::attr(")
    inside = ":scope" + (f"::attr({attribute}" if attribute else "")
    row = replace(made, rule={"css": inside, **modifiers} if modifiers else inside)
    array = {"type": "array", "items": dict(spec)}
    alone = rows and "," not in css
    return replace(made, rule=rule, spec=array, many=True, each=element, row=[row] if alone else None)


def _regex(part: Part) -> list[Any]:
    entry, pattern = part.entry("regex"), part.text("regex")
    if entry is None or not pattern:
        return []
    try:
        return [{"regex": translated(pattern, groups=False)}]
    except NotTranslated as error:
        message = f"the pattern is none here: {error}; the value is taken whole"
        part.found.add("decide", entry.mark, (*part.path, "regex"), message, error.hint)
        return []


def _table(part: Part, name: str, css: str) -> list[Field]:
    """The columns of a table by their headings, one row for each of its rows."""
    rows = (part.text("tableDataRowSelector") or "").strip() or "tbody tr"
    taken: set[str] = set()
    fields = []
    for path, column in maps_of(part.node.get("columns"), (*part.path, "columns")):
        own = replace_part(part, column, path)
        header = own.text("header")
        if header and own.text("extract") != "false":
            title = field_name(own.text("name") or header, taken)
            cell = {"table": {"header": header}}
            fields.append(Field(name=title, rule=cell, spec=dict(_TEXT), at=column.mark, path=path))
    if not fields:
        message = "the table has no columns to read"
        part.found.add("decide", part.node.mark, (*part.path, "columns"), message, "name them: {table: {header: ..}}")
        return []
    each = f"{css} {rows}"
    rule: dict[str, Any] = {"each": each, "fields": {one.name: one.rule for one in fields}}
    properties = {one.name: one.spec for one in fields}
    spec = {"type": "array", "items": {"type": "object", "properties": properties}}
    return [
        Field(
            name=_name(name), rule=rule, spec=spec, at=part.node.mark, path=part.path, many=True, each=each, row=fields
        )
    ]


def replace_part(part: Part, node: Any, path: Path) -> Part:
    """The part of another map of the same file."""
    return replace(part, node=node, path=path)
