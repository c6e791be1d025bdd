"""Compiles follow-up requests: where they may stand, how their answers are read, and which fields must wait for them.

A field waits if it asks itself, or if a template of it refers to one that does. When the answer comes the page is gone,
so what waits may read nothing of it; that is found here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from msgspec.structs import replace

from crawler.recipe import checked
from crawler.recipe.compile_requests import RequestCompiler
from crawler.recipe.follow_ups import asks
from crawler.recipe.model import AnyOf, ConstSource, FollowUp, ParseKind, Take, TemplateSource

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crawler.recipe.compile_sources import Place
    from crawler.recipe.compile_texts import TextCompiler, Use
    from crawler.recipe.diagnostics import Path, Report
    from crawler.recipe.model import RuleNode
    from crawler.recipe.yaml_nodes import MapNode


def follow_up(node: MapNode, path: Path, place: Place, texts: TextCompiler) -> tuple[FollowUp | None, Place, bool]:
    """The request of a rule's map, the place that its source reads from, and whether all of that is right."""
    written = checked.mapping(node, "request")
    if "request" not in node:
        return None, place, True
    entry, where = node.by_key["request"], (*path, "request")
    if not place.asks:
        message = "a follow-up request completes a page's row, so it cannot stand here"
        hint = "put it on a field of the page's `fields`, alone or as one of its alternatives"
        texts.report.add(entry.mark, where, message, hint)
        return None, place, False
    if "from" in node:
        message = "`from` reads a part of the page, and `request` another page"
        texts.report.add(node.by_key["from"].mark, (*path, "from"), message, "keep `from` or `request`")
        return None, place, False
    if written is None:
        return None, place, False  # said by its shape
    spec = RequestCompiler(texts).request(written, where, place.scopes, relative=True)
    is_json = "jmespath" in node
    kind = cast("ParseKind | None", checked.text(written, "parse")) or ("json" if is_json else None)
    reads = replace(
        place,
        language="jmespath" if kind in {"json", "text"} else "css",
        kind=kind,
        page_kind=kind,
        row=False,
        sources={},
    )
    return (FollowUp(spec=spec, parse=kind) if spec is not None else None), reads, spec is not None


def later_fields(fields: Mapping[str, RuleNode], path: Path, uses: Iterable[Use], report: Report) -> frozenset[str]:
    """The fields of a page's row that wait for follow-up requests, those that read the page as well reported.

    Args:
        fields: in the order in which they are evaluated.
        path: of the map that has them.
        uses: what all templates refer to.
        report: for what cannot wait.
    """
    asking = {name for name, rule in fields.items() if asks(rule)}
    if not asking:
        return frozenset()
    start = (*path, "fields")
    below: dict[str, list[Use]] = {}
    for use in uses:
        if use.path[: len(start)] == start and (use.scope == "item" or (use.scope, use.depth) == ("row", 1)):
            below.setdefault(str(use.path[len(start)]), []).append(use)
    later = set(asking)
    for name, rule in fields.items():
        for use in below.get(name, ()):
            if use.name not in later:
                continue
            later.add(name)
            if not _may_wait(rule, use.path[len(start) + 1 :]):
                message = f"'{use.name}' comes with a follow-up request, and by then the page cannot be read any more"
                hint = "refer to it in a template of its own, in a `request` or in the default of one"
                report.add(use.mark, use.path, message, hint)
    return frozenset(later)


def _may_wait(rule: RuleNode, inside: Path) -> bool:
    """Whether the template at this place of a rule is filled in after the page has been left."""
    if not asks(rule):
        return _reads_no_page(rule)
    if "request" in inside or inside == ("default",):
        return True
    indices = [part for part in inside if isinstance(part, int)]
    member = rule.members[indices[0]] if isinstance(rule, AnyOf) and indices else None
    return inside[-1:] == ("default",) and isinstance(member, Take) and member.request is not None


def _reads_no_page(rule: RuleNode) -> bool:
    if isinstance(rule, AnyOf):
        return rule.when is None and all(map(_reads_no_page, rule.members))
    return isinstance(rule, Take) and rule.when is None and isinstance(rule.source, TemplateSource | ConstSource)
