"""`crawlery recipe explain`: what a recipe does, in words, from the compiled plan rather than from its text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from crawler.cli import console
from crawler.cli.groups import CommandFailed
from crawler.cli.recipes import RecipeName, load
from crawler.errors import InputError, PageError
from crawler.recipe.check import SnapshotUnreadable, snapshot_input
from crawler.recipe.costs import engines_of_page, page_cost
from crawler.recipe.model import AnyOf, Rows, Take, TemplateSource, UnionOf
from crawler.recipe.session_plan import FormLogin, RequestLogin
from crawler.recipe.source_text import source_text
from crawler.recipe.template import Template
from crawler.recipe.values import MISSING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from crawler.recipe.contract import FieldSpec, ItemContract
    from crawler.recipe.incremental import Incremental
    from crawler.recipe.model import (
        Condition,
        Follow,
        Page,
        Paginate,
        Recipe,
        RequestSpec,
        RowSelector,
        RuleNode,
        Sitemap,
    )
    from crawler.recipe.session_plan import Session
    from crawler.recipe.steps import Step

_STEP = "  "
_SECOND_TREE = "xpath on lxml"


@click.command()
@click.argument("name", type=RecipeName())
@click.option("--cost", is_flag=True, help="Run its saved pages and show what each rule costs, by which engine.")
def explain(name: str, *, cost: bool) -> None:
    """Say in words what a recipe does: where it starts, what it follows, where each field comes from."""
    recipe = load(name)
    to = console.out()
    if cost:
        print_costs(to, recipe)
        return
    for text in explanation(recipe):
        heading = bool(text) and not text.startswith(" ")
        console.line(to, (console.safe(text), "bold" if heading else ""))


def print_costs(to: Console, recipe: Recipe) -> None:
    """What each saved page costs, rule by rule, in microseconds of processor time on this machine."""
    if not recipe.tests:
        raise CommandFailed(f"{recipe.name} has no saved pages; `crawlery recipe record` saves one")
    for test in recipe.tests:
        try:
            cost = page_cost(recipe, snapshot_input(recipe, test))
        except (PageError, InputError, SnapshotUnreadable) as error:
            console.line(to, (f"{test.snapshot}: ", "bold"), console.safe(str(error)))
            continue
        about = f"{test.page}, {cost.size_bytes:,} bytes, {console.plural(cost.rows, 'row')}"
        console.line(
            to, (console.safe(test.snapshot), "bold"), f" ({about}): {cost.whole_us:,.0f} us of processor time"
        )
        lines = [("decoded, guarded, parsed", cost.parse_us, "")]
        if cost.second_tree_us is not None:
            moved = "differs: every rule reads it" if cost.moved else ""
            lines.append(("lxml's tree for xpath", cost.second_tree_us, moved))
        lines.extend((field.name, field.us, ", ".join(field.engines)) for field in cost.fields)
        lines.append(("contract", cost.contract_us, ""))
        left = max(len(what) for what, _, _ in lines)
        for what, us, note in lines:
            console.line(to, f"{_STEP}{what:<{left}} {us:>9,.0f} us{'  ' if note else ''}{note}")


def explanation(recipe: Recipe) -> Iterator[str]:
    """The lines of the explanation; headings begin at the margin."""
    yield f"{recipe.name} {recipe.version}" + (f": {recipe.description}" if recipe.description else "")
    if recipe.inputs.names:
        yield from ("", "Inputs", *_inputs(recipe))
    if recipe.session is not None:
        yield from ("", "Logs in", *_session(recipe.session))
    yield from ("", "Starts at", *_starts(recipe))
    for page in recipe.pages.values():
        yield from ("", *_page(page))
    for contract in recipe.items.values():
        yield from ("", *_contract(contract))
    about = [*_limits(recipe), *_incremental(recipe.incremental), *_quality(recipe), *_files(recipe)]
    if about:
        yield from ("", "Run", *about)


def _inputs(recipe: Recipe) -> Iterator[str]:
    schema = recipe.inputs.json_schema()
    required = set(schema.get("required", ()))
    for name, about in schema.get("properties", {}).items():
        kind = " ".join(filter(None, (str(about.get("type", "any value")), about.get("format"))))
        default = f", default {console.shown(about['default'], 80)}" if "default" in about else ""
        yield f"{_STEP}{name}: {kind}{', required' if name in required else ''}{default}"


def _session(session: Session) -> Iterator[str]:
    way = session.way
    if isinstance(way, FormLogin):
        form = "the first form that asks for a password" if way.form is None else f"the form {way.form.text}"
        yield f"{_STEP}with {form} of {way.url.text}, of which it fills in {', '.join(way.data)}"
    elif isinstance(way, RequestLogin):
        token = " and shows the token that comes back" if way.token is not None else ""
        yield f"{_STEP}by {_request(way.request)}{token}"
    elif way.kind == "basic":
        yield f"{_STEP}by showing a name and a password with every request"
    else:
        yield f"{_STEP}by showing the secret {way.secret} with every request ({way.kind})"
    domains = ", ".join(template.text for template in session.domains)
    yield f"{_STEP}as whom it asks {domains or 'the hosts it starts at'}"


def _starts(recipe: Recipe) -> Iterator[str]:
    for start in recipe.start:
        kind = f" as {start.page}" if start.page else ", its page type by match"
        for number, request in enumerate(start.requests):
            otherwise = f"{_STEP}or, if that does not answer, " if start.mirrors and number else ""
            yield f"{_STEP}{otherwise}{_request(request)}{kind}"
        if start.sitemap is not None:
            yield from _sitemap(start.sitemap, kind)
        for name, values in start.for_each.items():
            yield f"{_STEP * 2}once for each {name} in {_plain(values)}"


def _sitemap(sitemap: Sitemap, kind: str) -> Iterator[str]:
    for url in sitemap.urls:
        yield f"{_STEP}what the sitemap {url.text} lists{kind}"
    if sitemap.allow:
        yield f"{_STEP * 2}only URLs that match {' or '.join(pattern.pattern for pattern in sitemap.allow)}"
    if sitemap.deny:
        yield f"{_STEP * 2}no URL that matches {' or '.join(pattern.pattern for pattern in sitemap.deny)}"
    if sitemap.last_run:
        yield f"{_STEP * 2}only what has changed since the last run"
    if sitemap.modified_since is not None:
        yield f"{_STEP * 2}only what has changed since {sitemap.modified_since.text}"
    if sitemap.alternate_links:
        yield f"{_STEP * 2}also the same pages in other languages"


def _request(request: RequestSpec) -> str:
    body = " with a JSON body" if request.json_body is not None else " with a form" if request.form is not None else ""
    query = f"?{'&'.join(request.query)}" if request.query else ""
    return f"{request.method} {request.url.text}{query}{body}"


# --- pages -----------------------------------------------------------------------------------------------------------


def _page(page: Page) -> Iterator[str]:
    kind = page.parse or "html, json or xml by Content-Type"
    yield f"Page {page.name} ({kind})"
    if not page.session:
        yield f"{_STEP}asked for by nobody who is logged in"
    elif page.valid_if is not None:
        yield f"{_STEP}nobody is logged in, and it comes back, unless {_condition(page.valid_if)}"
    if page.match:
        yield f"{_STEP}only at URLs that match {' or '.join(pattern.pattern for pattern in page.match)}"
    for condition in page.blocked_if:
        yield f"{_STEP}keeps crawlers out if {_condition(condition)}"
    if page.drop_if is not None:
        yield f"{_STEP}left out if {_condition(page.drop_if)}"
    engines = engines_of_page(page)
    for engine, names in engines.items():
        second = ": the page is parsed once more, when the first of them is reached" if engine == _SECOND_TREE else ""
        yield f"{_STEP}{engine} reads {', '.join(names)}{second}"
    for source in page.sources.values():
        parsed = f", parsed as {source.parse}" if source.parse else ""
        yield f"{_STEP}source {source.name}: {rule_text(source.rule)}{parsed}"
    for follow in page.follow:
        yield from _follow(follow)
    if page.paginate is not None:
        yield f"{_STEP}{_paginate(page.paginate)}"
    if page.rows is not None:
        many = f"one {page.item} for each {_each(page.rows.each)}" if page.rows.each is not None else f"one {page.item}"
        yield f"{_STEP}gives {many}"
        yield from _fields(page.rows, _STEP * 2)


def _follow(follow: Follow) -> Iterator[str]:
    inside = f" inside each {_each(follow.each)}" if follow.each is not None else ""
    target = follow.page or "the page type that matches"
    yield f"{_STEP}follows {rule_text(follow.links)}{inside} to {target}"
    if follow.allow:
        yield f"{_STEP * 2}only URLs that match {' or '.join(pattern.pattern for pattern in follow.allow)}"
    if follow.deny:
        yield f"{_STEP * 2}no URL that matches {' or '.join(pattern.pattern for pattern in follow.deny)}"
    for name, rule in follow.carry.items():
        yield f"{_STEP * 2}takes along {name}: {rule_text(rule)}"
    if follow.when is not None:
        yield f"{_STEP * 2}if {_condition(follow.when)}"


def _paginate(paginate: Paginate) -> str:
    link = rule_text(paginate.link) if paginate.link is not None else ""
    how = {
        "next": f"goes on at {link}",
        "param": f"goes on with {paginate.param} = {paginate.start}, {paginate.start + paginate.step}, ...",
        "offset": f"goes on with {paginate.param} = {paginate.start}, {paginate.start + paginate.step}, ...",
        "cursor": f"goes on with {paginate.param} = {link}",
    }[paginate.kind]
    wanted = f", while {_condition(paginate.while_)}" if paginate.while_ is not None else ""
    total = f", up to {rule_text(paginate.total)} rows" if paginate.total is not None else ""
    joined = f", joining {', '.join(paginate.append)} into one row" if paginate.append else ""
    return f"{how}{wanted}{total}, at most {paginate.max_pages:,} pages{joined}"


def _fields(rows: Rows, blank: str) -> Iterator[str]:
    if rows.drop_if is not None:
        yield f"{blank}a row is left out if {_condition(rows.drop_if)}"
    for name, rule in rows.fields.items():
        if isinstance(rule, Rows):
            each = _each(rule.each) if rule.each is not None else "the row"
            yield f"{blank}{name}: a list, one for each {each}"
            yield from _fields(rule, blank + _STEP)
            if rule.cartesian is not None:
                yield f"{blank}{_STEP}without a match: every combination of the options in {rule.cartesian}"
        elif isinstance(rule, AnyOf) and len(rule.members) > 1:
            yield f"{blank}{name}: the first of{_after(rule)}"
            for number, member in enumerate(rule.members, start=1):
                yield f"{blank}{_STEP}{number}. {rule_text(member)}"
        else:
            yield f"{blank}{name}: {rule_text(rule)}"


# --- rules -----------------------------------------------------------------------------------------------------------


def rule_text(rule: RuleNode) -> str:
    """A rule in words: `css: h1, all, then strip; else "x"`."""
    if isinstance(rule, Take):
        return f"{_take(rule)}{_after(rule)}"
    if isinstance(rule, AnyOf):
        return " | ".join(map(rule_text, rule.members)) + _after(rule)
    if isinstance(rule, UnionOf):
        return " together with ".join(map(rule_text, rule.members)) + _after(rule)
    return f"rows of {_each(rule.each)}" if rule.each is not None else "a map"


def _take(take: Take) -> str:
    source = take.source
    text = source.template.text if isinstance(source, TemplateSource) else source_text(take)
    how = {"html": " as html", "count": " (number of matches)", "text": ""}[take.as_]
    without = f" without {', '.join(query.text for query in take.remove)}" if take.remove else ""
    where = f" in the answer to {take.request.spec.method} {take.request.spec.url.text}" if take.request else ""
    return f"{text}{how}{without}{', every match' if take.all else ''}{where}"


def _after(rule: Take | AnyOf | UnionOf) -> str:
    steps = f", then {_steps(rule.process)}" if rule.process else ""
    when = f", only if {_condition(rule.when)}" if rule.when is not None else ""
    default = rule.default.text if isinstance(rule.default, Template) else rule.default
    otherwise = "" if rule.default is MISSING else f"; else {console.shown(default, 60)}"
    return f"{steps}{when}{otherwise}"


def _steps(steps: Sequence[Step]) -> str:
    return ", ".join(
        step.name if step.argument is MISSING else f"{step.name} {console.shown(step.argument, 80)}" for step in steps
    )


def _condition(condition: Condition) -> str:
    return rule_text(condition.rule)


def _each(each: RowSelector | None) -> str:
    if each is None:
        return "the page"
    return f"{rule_text(each.take)}{f' parsed as {each.parse}' if each.parse else ''}"


def _plain(value: Any) -> str:
    return str(getattr(value, "text", None) or console.shown(getattr(value, "value", value), 80))


# --- contract and run ------------------------------------------------------------------------------------------------


def _contract(contract: ItemContract) -> Iterator[str]:
    key = f", identified by {' and '.join(contract.key)}" if contract.key else ""
    yield f"Item {contract.name} (version {contract.version}{key})"
    for name, spec in contract.fields.items():
        yield f"{_STEP}{name}: {_spec(spec)}"
    for check in contract.checks:
        yield f"{_STEP}must hold: {check.text}"


def _spec(spec: FieldSpec) -> str:
    members = f" of {_spec(spec.items)}" if spec.items is not None else ""
    facts = [f"{spec.type}{members}" + (f" ({spec.format})" if spec.format else "")]
    facts += [word for word in ("required", "unique") if getattr(spec, word)]
    bounds = ("minimum", "maximum", "min_length", "max_length", "min_items", "max_items", "pattern")
    facts += [f"{name.replace('_', ' ')} {value}" for name in bounds if (value := getattr(spec, name)) is not None]
    if spec.enum is not None:
        facts.append(f"one of {', '.join(map(str, spec.enum))}")
    return ", ".join(facts)


def _limits(recipe: Recipe) -> Iterator[str]:
    limits = recipe.limits
    facts = {
        "robots.txt": None if limits.obey_robots is None else "obeyed" if limits.obey_robots else "not obeyed",
        "wait between requests": None if limits.delay_s is None else f"{limits.delay_s:g} s",
        "requests at once per site": limits.concurrency_per_domain,
        "depth": limits.depth,
        "requests at most": None if limits.requests is None else _plain(limits.requests),
        "rows at most": None if limits.items is None else _plain(limits.items),
        "time at most": None if limits.duration_s is None else f"{limits.duration_s:g} s",
        "ends after errors": limits.stop_after_errors,
        "pauses after answers that keep it out": limits.blocked_in_a_row,
    }
    yield from (f"{_STEP}{name}: {value}" for name, value in facts.items() if value is not None)


def _incremental(plan: Incremental | None) -> Iterator[str]:
    """What it takes over from earlier runs."""
    if plan is None:
        return
    words = {"sitemap_lastmod": "their sitemap's lastmod", "etag": "their ETag", "last_modified": "their Last-Modified"}
    told = [word for name, word in words.items() if name in plan.skip_unchanged]
    if told:
        yield f"{_STEP}reads only pages that have changed since the last run, by {' or '.join(told)}"
    fields = f"by {', '.join(sorted(plan.only))}" if plan.only else ""
    fields = f"whatever {', '.join(sorted(plan.ignore))} is" if plan.ignore else fields
    rows = {
        "all": "all rows that were read",
        "new": "rows that are new",
        "changed": "rows that are new or have changed",
    }
    yield f"{_STEP}writes {rows[plan.emit]}{', ' if fields else ''}{fields}"
    yield f"{_STEP}calls a row gone after {plan.gone_after} whole runs without it"


def _quality(recipe: Recipe) -> Iterator[str]:
    quality = recipe.quality
    if quality is None:
        yield f"{_STEP}good if it has at least 1 row"
        return
    if quality.items_minimum is not None:
        yield f"{_STEP}good with at least {console.plural(quality.items_minimum, 'row')}"
    if quality.items_maximum is not None:
        yield f"{_STEP}good with at most {console.plural(quality.items_maximum, 'row')}"
    if quality.rejected_maximum is not None:
        yield f"{_STEP}good with at most {quality.rejected_maximum:,} rejected"
    if quality.rejected_maximum_share is not None:
        yield f"{_STEP}good with at most {quality.rejected_maximum_share:.2%} of the rows rejected"
    for bound in quality.coverage:
        yield f"{_STEP}good with {bound.name} in at least {bound.minimum_share:.2%}"
    if quality.http_errors_maximum is not None:
        yield f"{_STEP}good with at most {console.plural(quality.http_errors_maximum, 'page')} that came to an error"
    if quality.http_errors_maximum_share is not None:
        yield f"{_STEP}good with at most {quality.http_errors_maximum_share:.2%} of the pages come to an error"
    if quality.bands is not None:
        yield f"{_STEP}good if it is as the last {quality.bands.window} whole runs were"


def _files(recipe: Recipe) -> Iterator[str]:
    for export in recipe.exports:
        yield f"{_STEP}writes {export.item} rows to {export.file}"
    if recipe.tests:
        yield f"{_STEP}proved by {console.plural(len(recipe.tests), 'test')} on saved pages"
