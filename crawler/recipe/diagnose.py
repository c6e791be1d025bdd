"""Why a field is missing on a page: which part of its selector still matches.

Runs one page as a crawl would and then asks, for each rule that found nothing, how far its selector gets. Also runs a
single rule outside any recipe. Pure, as the engine is; how the answer looks is the command line's business.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from crawler.errors import PageError, RecipeError
from crawler.recipe.documents import parse_document
from crawler.recipe.extract import judged_context
from crawler.recipe.hints import hints
from crawler.recipe.loader import load_recipe_text
from crawler.recipe.model import AnyOf, PageInput, PageRequest, QuerySource, Rows, Take, UnionOf
from crawler.recipe.queries import QueryError
from crawler.recipe.rules import Got, PageContext, RowScope
from crawler.recipe.source_text import source_text
from crawler.recipe.whole_page import no_answer, whole_page
from crawler.recipe.yaml_writer import flow, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from crawler.recipe.documents import Scope
    from crawler.recipe.model import Condition, FieldTrace, Page, PageResult, ParseKind, Recipe, RowSelector, RuleNode
    from crawler.recipe.whole_page import Answer


@dataclass(frozen=True, kw_only=True, slots=True)
class Miss:
    """A selector that matched nothing: as written, and the longest part of it that does match."""

    source: str
    prefix: str = ""  # empty: not even its first part matches
    prefix_matches: int = 0
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One field over all rows of a page."""

    path: str
    first: FieldTrace  # of the first row that has it, else of the first row
    rows: int
    filled: int
    alternatives: int  # number of alternatives that the rule has; 1 for a plain rule
    misses: tuple[Miss, ...] = ()  # of the alternatives before the one that won, or of all


@dataclass(frozen=True, kw_only=True, slots=True)
class Diagnosis:
    """What one page gave, and why not more. Exactly one of `result` and `error` is set."""

    page: str
    kind: str  # html, json, xml, text, csv, jsonl
    encoding: str
    result: PageResult | None = None
    error: PageError | None = None
    findings: tuple[Finding, ...] = ()
    #: `each`, `follow`, `paginate.next` that matched nothing, by where they stand in the recipe.
    misses: Mapping[str, tuple[Miss, ...]] = field(default_factory=dict)
    #: Where else on the page missing fields may be, a sentence each.
    hints: tuple[str, ...] = ()


def diagnose(recipe: Recipe, page_input: PageInput, *, answer: Answer = no_answer) -> Diagnosis:
    """Run one page and explain what is missing. `answer` gives what comes of follow-up requests.

    Raises:
        PageError: the page's type cannot be told, or its bytes cannot be parsed as that type at all.
    """
    context = judged_context(recipe, page_input)
    page = context.page
    try:
        result = whole_page(recipe, page_input, answer, trace=True)
    except PageError as error:
        return Diagnosis(
            page=page.name,
            kind=context.document.kind,
            encoding=context.document.encoding,
            error=error,
            misses=dict(_page_misses(page, context, None)),
        )
    findings = tuple(_findings(page, context, result))
    missing = [finding.path for finding in findings if not finding.filled]
    return Diagnosis(
        page=page.name,
        kind=context.document.kind,
        encoding=context.document.encoding,
        result=result,
        findings=findings,
        misses=dict(_page_misses(page, context, result)),
        hints=tuple(hints(page, context.document, page_input.url, missing)),
    )


# --- fields ----------------------------------------------------------------------------------------------------------


def _findings(page: Page, context: PageContext, result: PageResult) -> Iterator[Finding]:
    if page.rows is None:
        return
    by_path: dict[str, list[FieldTrace]] = {}
    for trace in result.traces:
        by_path.setdefault(trace.path, []).append(trace)
    scope = _first_row(context, page.rows.each, context.document.root)
    row = None if scope is None else RowScope(scope)
    if row is not None:
        context.fields(page.rows, row)  # templates and `from` of the rules below see the row as a crawl does
    yield from _row_findings(page.rows, context, row, by_path, "")


def _row_findings(
    rows: Rows, context: PageContext, at: RowScope | None, by_path: Mapping[str, list[FieldTrace]], prefix: str
) -> Iterator[Finding]:
    for name, rule in rows.fields.items():
        path = prefix + name
        traces = by_path.get(path)
        if not traces:
            continue
        filled = [trace for trace in traces if trace.winner is not None]
        first = filled[0] if filled else traces[0]
        yield Finding(
            path=path,
            first=first,
            rows=len(traces),
            filled=len(filled),
            alternatives=len(rule.members) if isinstance(rule, AnyOf) else 1,
            misses=() if at is None else tuple(_rule_misses(rule, context, at, first.winner)),
        )
        if isinstance(rule, Rows) and at is not None:
            inner = _first_row(context, rule.each, at.scope)
            inside = None if inner is None else RowScope(inner, at.item, path=f"{path}[].")
            if inside is not None:
                context.fields(rule, inside)
            yield from _row_findings(rule, context, inside, by_path, f"{path}[].")


def _first_row(context: PageContext, each: RowSelector | None, scope: Scope) -> Scope | None:
    if each is None:
        return scope
    try:
        scopes = context.row_scopes(each, RowScope(scope))
    except (PageError, QueryError):
        return None
    return scopes[0] if scopes and not isinstance(scopes, str) else None


# --- misses ----------------------------------------------------------------------------------------------------------


def _page_misses(page: Page, context: PageContext, result: PageResult | None) -> Iterator[tuple[str, tuple[Miss, ...]]]:
    root = RowScope(context.document.root)
    if page.rows is not None and page.rows.each is not None and (result is None or not result.rows + result.rejects):
        yield "each", tuple(_rule_misses(page.rows.each.take, context, root, None))
    for number, follow in enumerate(page.follow):
        at = root
        if follow.each is not None:
            scope = _first_row(context, follow.each, root.scope)
            if scope is None:
                yield f"follow[{number}].each", tuple(_rule_misses(follow.each.take, context, root, None))
                continue
            at = RowScope(scope)
        yield f"follow[{number}].links", tuple(_rule_misses(follow.links, context, at, None))
    if page.paginate is not None and page.paginate.link is not None:
        yield f"paginate.{page.paginate.kind}", tuple(_rule_misses(page.paginate.link, context, root, None))


def _rule_misses(rule: RuleNode, context: PageContext, at: RowScope, winner: int | None) -> Iterator[Miss]:
    """Misses of the alternatives that were tried before `winner`, or of all of them."""
    if isinstance(rule, AnyOf | UnionOf):
        tried = rule.members if winner is None or isinstance(rule, UnionOf) else rule.members[:winner]
        for member in tried:
            yield from _rule_misses(member, context, at, None)
    elif isinstance(rule, Rows):
        if rule.each is not None and _first_row(context, rule.each, at.scope) is None:
            yield from _rule_misses(rule.each.take, context, at, None)
    else:
        miss = None if winner is not None else _miss(rule, context, at)
        if miss is not None:
            yield miss


def _miss(take: Take, context: PageContext, at: RowScope) -> Miss | None:
    """Why this take found nothing; None if it did find something (a step may have failed later)."""
    if take.request is not None or not isinstance(take.source, QuerySource):
        return None
    if take.when is not None and not _holds(context, take.when, at):
        return Miss(source=source_text(take), note="its `when` does not hold")
    query = take.source.query
    scope = at.scope if take.from_ is None else context.source(take.from_, at)
    if scope is None:
        return Miss(source=source_text(take), note=f"the page has no source `{take.from_}`")
    try:
        if scope.values(query, as_="html" if take.as_ == "html" else "text", remove=take.remove):
            return None
        prefix, matches = scope.longest_prefix(query)
    except (QueryError, PageError) as error:
        return Miss(source=source_text(take), note=str(error))
    return Miss(source=source_text(take), prefix=prefix, prefix_matches=matches)


def _holds(context: PageContext, condition: Condition, at: RowScope) -> bool:
    try:
        return context.condition(condition, at)
    except PageError:
        return False


# --- a rule on its own -----------------------------------------------------------------------------------------------

_RULE_RECIPE = """\
schema_version: 1
name: rule
version: "1.0.0"
start: [{{urls: "https://rule.invalid/", page: page}}]
pages:
  page:
    parse: {kind}
    item: item
    fields:
{rule}
items:
  item: {{version: 1, fields: {{value: {{type: {type}}}}}}}
"""


class RuleRefused(PageError):
    """A rule on its own that cannot be used; the message is what is wrong and the hint."""


def evaluate_rule(rule: Any, page_input: PageInput, *, kind: ParseKind | None = None) -> Got:
    """Evaluate one rule on a page, as a recipe would.

    Args:
        rule: what stands behind a field's name in a recipe: as plain data, or as its YAML text.
        page_input: the page.
        kind: how it is parsed (html, json, xml, text, csv, jsonl); None = as a recipe would by default.

    Raises:
        RuleRefused: the rule cannot be used.
        PageError: the page cannot be parsed, or is another kind than the rule is for.
    """
    document = parse_document(
        page_input.body,
        kind=kind,
        url=page_input.url,
        content_type=page_input.headers.get("content-type"),
    )
    page = _rule_recipe(document.kind, rule).pages["page"]
    if page.rows is None:
        raise AssertionError("the page of _RULE_RECIPE has fields")
    context = PageContext(page=page, input=page_input, document=document)
    return context.evaluate(page.rows.fields["value"], RowScope(document.root), "value")


def _rule_recipe(kind: str, rule: Any) -> Recipe:
    """A recipe with the rule as its only field. Whether the rule gives one value or a list, the loader finds out."""
    errors: list[RecipeError] = []
    for spec in ("string", "array"):
        text = _RULE_RECIPE.format(kind=kind, rule=_as_field(rule), type=spec)
        try:
            return load_recipe_text(text, name="rule")
        except RecipeError as error:
            errors.append(error)
    fewest = min(errors, key=lambda error: len(error.problems))
    raise RuleRefused("; ".join(_without_place(fewest))) from fewest


def _as_field(rule: Any) -> str:
    """The rule as the field `value` of a recipe. Text that is no map or list in YAML is a selector."""
    if not isinstance(rule, str):
        return f"      value: {flow(rule)}"
    text = textwrap.dedent(rule).strip()
    key = text.partition(":")[0]
    in_flow = text[:1] + text[-1:] in ("{}", "[]") and not text.startswith("{{")
    in_block = text.startswith("- ") or (key.isidentifier() and text[len(key) : len(key) + 2] in (": ", ":\n"))
    if not in_flow and not in_block:
        return f"      value: {quoted(text)}"
    return "      value:\n" + textwrap.indent(text, " " * 8)


def _without_place(error: RecipeError) -> Iterator[str]:
    """Problems without file and line, which name a recipe that the person never wrote."""
    for problem in error.problems:
        path = problem.path.removeprefix("pages.page.fields.value").lstrip(".")
        message = f"{path}: {problem.message}" if path else problem.message
        yield f"{message} ({problem.hint})" if problem.hint else message


def rule_page(url: str, body: bytes, *, status: int = 200, headers: Mapping[str, str] | None = None) -> PageInput:
    """A page input for `evaluate_rule`: what a response is to a rule without a recipe."""
    request = PageRequest(url=url, page=None)
    return PageInput(request=request, url=url, body=body, status=status, headers=dict(headers or {}))
