"""Compiles the parts that concern a run as a whole: inputs, contracts, limits, exports and tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from crawler.recipe import checked
from crawler.recipe.compile_texts import Scopes, TextCompiler
from crawler.recipe.contract import ContractError, ItemContract, build_contract
from crawler.recipe.inputs import InputSchema, build_inputs
from crawler.recipe.model import Export, Limits, RecipeTest
from crawler.recipe.quantities import seconds
from crawler.recipe.yaml_nodes import ListNode, MapNode, Scalar, plain

if TYPE_CHECKING:
    from crawler.recipe.diagnostics import Path, Report
    from crawler.recipe.template import ValueTemplate
    from crawler.recipe.yaml_nodes import Mark, Node


def compile_inputs(node: MapNode | None, texts: TextCompiler) -> InputSchema | None:
    """The inputs; None after reporting what is wrong with them."""
    if node is None:
        return InputSchema()
    _patterns(node, ("inputs",), texts)
    try:
        return build_inputs(_whole(node))
    except ContractError as error:
        _report(error, node, ("inputs",), texts.report)
    return None


def compile_items(root: MapNode, texts: TextCompiler) -> dict[str, ItemContract]:
    """The contracts; those with problems are reported and left out."""
    found = {}
    for name, node, _ in checked.maps(root, "items"):
        path: Path = ("items", name)
        _patterns(node, path, texts)
        if "fields" not in node:
            continue  # said by its shape
        try:
            found[name] = build_contract(name, _whole(node))
        except ContractError as error:
            _report(error, node, path, texts.report)
    return found


def _whole(node: MapNode) -> dict[str, Any]:
    return cast("dict[str, Any]", plain(node))


def _patterns(node: Node, path: Path, texts: TextCompiler) -> None:
    """Report two backslashes in any `pattern` below."""
    if isinstance(node, ListNode):
        for index, member in enumerate(node.items):
            _patterns(member, (*path, index), texts)
    if isinstance(node, MapNode):
        for entry in node:
            if entry.key == "pattern" and isinstance(entry.node, Scalar):
                texts.doubled_backslash(entry.node, (*path, "pattern"))
            elif entry.key not in {"default", "enum"}:
                _patterns(entry.node, (*path, entry.key), texts)


def _report(error: ContractError, node: MapNode, path: Path, report: Report) -> None:
    for one in (error, *error.also):
        where = (*path, *one.path)
        if not report.touches(where):
            report.add(_place(node, one.path), where, one.message, one.hint)


def _place(node: Node, path: Path) -> Mark:
    """The deepest place that the path leads to: the key where the last step is one, else the value."""
    mark = node.mark
    for part in path:
        if isinstance(node, MapNode) and str(part) in node:
            entry = node.by_key[str(part)]
            node = entry.node
            mark = node.mark if isinstance(node, Scalar) else entry.mark
        elif isinstance(node, ListNode) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
            mark = node.mark
        else:
            break
    return mark


def compile_limits(node: MapNode | None, texts: TextCompiler) -> Limits:
    """`limits`."""
    if node is None:
        return Limits()
    delay, duration = checked.text(node, "delay"), checked.text(node, "duration")
    return Limits(
        obey_robots=checked.boolean(node, "obey_robots"),
        delay_s=None if delay is None else seconds(delay),
        concurrency_per_domain=checked.integer(node, "concurrency_per_domain"),
        autothrottle=checked.boolean(node, "autothrottle"),
        depth=checked.integer(node, "depth"),
        requests=_count(node, "requests", texts),
        items=_count(node, "items", texts),
        duration_s=None if duration is None else seconds(duration),
        stop_after_errors=checked.integer(node, "stop_after_errors"),
        blocked_in_a_row=checked.integer(node, "blocked_in_a_row"),
    )


def _count(node: MapNode, key: str, texts: TextCompiler) -> ValueTemplate | None:
    found = node.get(key)
    return None if found is None else texts.value(found, ("limits", key), Scopes())


def compile_exports(root: MapNode, report: Report) -> tuple[Export, ...]:
    """`exports`; two of one name would write one file."""
    compiled: list[Export] = []
    for path, node in checked.members(root.get("exports"), ("exports",)):
        if not isinstance(node, MapNode):
            continue
        name, item, format_ = (checked.text(node, key) for key in ("name", "item", "format"))
        if name is None or item is None or format_ is None:
            continue
        if any((other.name, other.format) == (name, format_) for other in compiled):
            message = f"a second export writes the file {name}.{format_}"
            report.add(node.by_key["name"].mark, (*path, "name"), message, "give it another name")
        join = {
            column: text
            for column, options, _ in checked.maps(node, "columns")
            if (text := checked.text(options, "join")) is not None
        }
        compression = checked.scalar(node, "compression")
        if compression is not None and format_ == "parquet":
            report.add(
                compression.mark, (*path, "compression"), "Parquet is compressed as it is, with zstd", "delete it"
            )
        export = Export(
            name=name,
            item=item,
            format=format_,  # type: ignore[arg-type] # its shape has let only these through
            join=join,
            raw=bool(checked.boolean(node, "raw")),
            profile=checked.text(node, "profile") or "plain@1",
            gzip=compression is not None,
            changes=checked.text(node, "changes") or "",  # type: ignore[arg-type] # ditto
        )
        compiled.append(export)
    return tuple(compiled)


def compile_tests(root: MapNode) -> tuple[RecipeTest, ...]:
    """`tests`, with numbers as JSON has them."""
    compiled = []
    for _, node in checked.members(root.get("tests"), ("tests",)):
        if not isinstance(node, MapNode):
            continue
        page, snapshot, url = (checked.text(node, key) for key in ("page", "snapshot", "url"))
        expect = node.get("expect")
        if page is None or snapshot is None or url is None or not isinstance(expect, MapNode):
            continue
        status = checked.integer(node, "status")
        compiled.append(
            RecipeTest(
                page=page,
                snapshot=snapshot,
                url=url,
                expect=_whole(expect),
                inputs=_values(node, "inputs"),
                carried=_values(node, "carried"),
                status=200 if status is None else status,
                content_type=checked.text(node, "content_type"),
                date=checked.text(node, "date"),
                answers={url: checked.text(checked.mapping(node, "answers"), url) or "" for url in _urls(node)},
                line=node.mark.line,
            )
        )
    return tuple(compiled)


def _urls(node: MapNode) -> list[str]:
    return [entry.key for entry in checked.entries(node, "answers")]


def _values(node: MapNode, key: str) -> dict[str, Any]:
    return {entry.key: plain(entry.node) for entry in checked.entries(node, key)}
