"""Turns what a page gives now into a test of the recipe: the other direction of `check`.

Pure: the page is there already, and who saves it is the command line's business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from crawler.recipe.check import PAGE_KEYS, links_by_page
from crawler.recipe.model import AnyOf, Rows, UnionOf
from crawler.recipe.values import Value, is_missing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from crawler.recipe.model import PageInput, PageResult, Recipe, RuleNode
    from crawler.recipe.steps import Step

#: Longer lists are recorded by their number and first member.
_MAX_RECORDED = 12
#: Endings of saved pages by what they are parsed as.
_SUFFIXES = {"html": ".html", "json": ".json", "xml": ".xml", "text": ".txt", "csv": ".csv", "jsonl": ".jsonl"}
_MAX_NAME = 60


def snapshot_name(url: str, page: str, kind: str) -> str:
    """A file name for a page: its type and the end of its URL, `book-a-light-in-the-attic_1000.html`."""
    parts = urlsplit(url)
    segments = [segment for segment in parts.path.split("/") if segment]
    if segments and segments[-1].rpartition(".")[0] == "index":
        segments.pop()
    last = segments[-1].rpartition(".")[0] or segments[-1] if segments else ""
    words = "-".join(filter(None, (page, last, parts.query)))
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in words.lower())
    while "--" in plain:
        plain = plain.replace("--", "-")
    return plain.strip("-")[:_MAX_NAME].rstrip("-") + _SUFFIXES[kind]


def test_entry(
    recipe: Recipe, page_input: PageInput, result: PageResult, *, snapshot: str, inputs: Mapping[str, Any]
) -> dict[str, Any]:
    """One entry of `tests` for a page and what it gave. `inputs` are those worth writing down."""
    entry: dict[str, Any] = {"page": result.page, "snapshot": snapshot, "url": page_input.url}
    if inputs:
        entry["inputs"] = dict(inputs)
    if page_input.request.carried:
        entry["carried"] = dict(page_input.request.carried)
    if page_input.status != 200:
        entry["status"] = page_input.status
    # The header decides how bytes become text and, without `parse`, which parser reads them.
    content_type = page_input.headers.get("content-type", "")
    if content_type and ("charset" in content_type.lower() or recipe.pages[result.page].parse is None):
        entry["content_type"] = content_type
    rows, answered_at = recipe.pages[result.page].rows, page_input.answered_at
    if answered_at is not None and rows is not None and any(_tells_from_a_day(step) for step in _steps(rows)):
        entry["date"] = answered_at.isoformat()
    entry["expect"] = expectation(recipe, result)
    return entry


def _steps(rule: RuleNode) -> Iterator[Step]:
    if isinstance(rule, Rows):
        for member in rule.fields.values():
            yield from _steps(member)
        return
    yield from rule.process
    for member in rule.members if isinstance(rule, AnyOf | UnionOf) else ():
        yield from _steps(member)


def _tells_from_a_day(step: Step) -> bool:
    return step.name == "date" and isinstance(step.argument, dict) and step.argument.get("relative") is True


def expectation(recipe: Recipe, result: PageResult) -> dict[str, Any]:
    """What a test of this page would expect: everything it gave now, in the form of `expect`."""
    page = recipe.pages[result.page]
    expect: dict[str, Any] = {}
    if result.outcome != "ok":
        expect["outcome"] = result.outcome
    if page.rows is not None and (page.rows.each is not None or len(result.rows) != 1):
        values = [_recorded(row.values) for row in result.rows]
        expect["rows"] = {"count": len(values)}
        if values:
            expect["rows"] |= {"first": values[0], "last": values[-1]}
    elif page.rows is not None:
        expect |= {name: _recorded(value) for name, value in result.rows[0].values.items() if name not in PAGE_KEYS}
    if result.rejects:
        expect["rejects"] = len(result.rejects)
    links = links_by_page(recipe, result)
    wanted = [follow.page for follow in page.follow if follow.page is not None]
    if page.follow:
        expect["follow"] = {name: len(links.get(name, [])) for name in dict.fromkeys([*wanted, *links])}
    if page.paginate is not None:
        expect["next"] = None if result.next is None else result.next.url
    return expect


def _recorded(value: Value) -> Value:
    if is_missing(value):
        return None
    if isinstance(value, list):
        if len(value) > _MAX_RECORDED or any(isinstance(member, dict) for member in value):
            return {"count": len(value), "first": _recorded(value[0]), "last": _recorded(value[-1])}
        return [_recorded(member) for member in value]
    if isinstance(value, dict):
        return {key: _recorded(member) for key, member in value.items()}
    return value
