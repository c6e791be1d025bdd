"""`crawlery recipe try`: one page, each field with where its value came from, or how far its selector gets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from rich.text import Text

from crawler.cli import console
from crawler.cli.groups import CommandFailed, pairs
from crawler.cli.pages import get_page
from crawler.cli.recipes import RecipeName, load
from crawler.errors import PageError
from crawler.recipe.check import links_by_page
from crawler.recipe.diagnose import diagnose
from crawler.recipe.values import is_missing
from crawler.recipe.whole_page import no_answer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from crawler.cli.pages import GottenPage
    from crawler.recipe.diagnose import Diagnosis, Finding, Miss
    from crawler.recipe.model import PageResult, Recipe

#: Rejected rows shown with their reasons.
_MAX_REJECTS = 5


@click.command("try")
@click.argument("name", type=RecipeName())
@click.argument("target", metavar="URL|FILE")
@click.option("--page", metavar="TYPE", help="Page type; by default found by `match`, or the one that finds most.")
@click.option("--url", help="Where a saved page came from; links are resolved against it.")
@click.option("--input", "-i", "inputs", multiple=True, metavar="NAME=VALUE", help="An input of the recipe.")
def try_page(name: str, target: str, *, page: str | None, url: str | None, inputs: tuple[str, ...]) -> None:
    """Run one page of a recipe and show where each field came from.

    For a field that is missing it shows the longest part of its selector that matches.
    """
    recipe = load(name)
    resolved = recipe.inputs.from_text(pairs(inputs, "--input"))
    gotten = get_page(recipe, target, inputs=resolved, page=page, url=url)
    to = console.out()
    print_page(to, gotten)
    try:
        diagnosis = diagnose(recipe, gotten.input, answer=gotten.answers or no_answer)
    except PageError as error:
        raise CommandFailed(f"{type(error).__name__}: {error}") from error
    print_diagnosis(to, recipe, diagnosis)
    note_answers(gotten)
    if diagnosis.error is not None:
        raise CommandFailed(f"{type(diagnosis.error).__name__}: {diagnosis.error}")


def note_answers(gotten: GottenPage) -> None:
    """Says how many follow-up requests were made, and not made."""
    answers = gotten.answers
    if answers is not None and answers.given:
        console.note(f"{console.plural(len(answers.given), 'follow-up request')} answered")
    if answers is not None and answers.left_out:
        console.note(f"{answers.left_out:,} more follow-up requests were not made; their fields are missing here")


def print_page(to: Console, gotten: GottenPage) -> None:
    """What was looked at: status, size, page type."""
    page = gotten.input
    console.line(to, (console.safe(page.url), "bold"))
    facts = [f"{len(page.body):,} bytes"]
    if gotten.fetched is not None:
        facts.insert(0, f"status {page.status}")
        facts.append(console.safe(gotten.fetched.content_type or "no Content-Type"))
        facts.append(f"{gotten.fetched.elapsed_s * 1000:.0f} ms")
        if page.url != page.request.url:
            facts.append("redirected")
    console.line(to, ", ".join(facts))
    console.line(to, "page type ", (gotten.page, "bold"), f" ({gotten.why})")


def print_diagnosis(to: Console, recipe: Recipe, diagnosis: Diagnosis) -> None:
    """Fields, links, next page and rejects of one page."""
    result = diagnosis.result
    if result is not None:
        counted = [console.plural(len(result.rows), "row")]
        if result.rejects:
            counted.append(f"{len(result.rejects)} rejected")
        if result.outcome != "ok":
            counted.append(result.outcome)
        item = recipe.pages[diagnosis.page].item
        if item is not None or result.outcome != "ok":
            console.line(to, f"{diagnosis.kind}, {diagnosis.encoding}: {', '.join(counted)}")
        else:
            console.line(to, f"{diagnosis.kind}, {diagnosis.encoding}")
    if diagnosis.findings:
        to.print()
        values = {} if result is None or not result.rows else result.rows[0].values
        left = max(len(finding.path) for finding in diagnosis.findings)
        for finding in diagnosis.findings:
            _print_finding(to, finding, values.get(finding.path, finding.first.value), left)
    for hint in diagnosis.hints:
        console.line(to, ("hint ", "bold yellow"), console.safe(hint))
    if result is not None:
        _print_links(to, recipe, diagnosis, result)
        _print_rejects(to, result)
        if result.cause is not None:
            console.line(to, (console.safe(result.cause.sentence()), "yellow"))
    elif diagnosis.misses:
        for where, misses in diagnosis.misses.items():
            _print_misses(to, where, misses)


def _print_finding(to: Console, finding: Finding, value: object, left: int) -> None:
    first = finding.first
    missing = is_missing(value)
    style = "red" if missing else "default"
    _cut(to, Text.assemble((f"  {finding.path:<{left}}  ", "bold"), (console.shown(value), style)))
    about = console.shown(first.source, 60) if first.source not in ("", "each") else ""
    if finding.alternatives > 1 and first.winner is not None and first.source != "default":
        about = f"alternative {first.winner + 1} of {finding.alternatives}, {about}"
    facts = [about] if about and not (missing and finding.misses) else []
    if first.matches != 1 and not missing and first.source != "default":
        facts.append(console.plural(first.matches, "match", "matches"))
    if finding.rows > 1:
        facts.append(f"in {finding.filled} of {finding.rows} rows")
    if first.failure is not None:
        facts.append(console.safe(first.failure))
    elif missing and first.matches and not finding.misses:
        facts.append(f"{console.plural(first.matches, 'match', 'matches')}, of which the steps leave nothing")
    indent = " " * (left + 4)
    if facts:
        _cut(to, Text(f"{indent}{'; '.join(facts)}", "dim"))
    for miss in finding.misses:
        console.line(to, (f"{indent}{_miss_sentence(miss)}", "yellow" if missing else "dim"))


def _cut(to: Console, text: Text) -> None:
    to.print(text, no_wrap=True, overflow="ellipsis")


def _miss_sentence(miss: Miss) -> str:
    source = console.safe(miss.source)
    if miss.note:
        return f"{source}: {console.safe(miss.note)}"
    if not miss.prefix:
        return f"{source} matches nothing"
    return f"{source} matches nothing; `{console.safe(miss.prefix)}` matches {miss.prefix_matches}"


def _print_misses(to: Console, where: str, misses: Iterable[Miss]) -> None:
    for miss in misses:
        console.line(to, (where, "bold"), f"  {_miss_sentence(miss)}")


def _print_links(to: Console, recipe: Recipe, diagnosis: Diagnosis, result: PageResult) -> None:
    page = recipe.pages[diagnosis.page]
    links = links_by_page(recipe, result)
    wanted = [follow.page for follow in page.follow if follow.page is not None]
    if page.follow or page.paginate is not None:
        to.print()
    for name in dict.fromkeys([*wanted, *links]):
        urls = links.get(name, [])
        console.line(to, ("follow ", "bold"), f"{console.plural(len(urls), 'link')} to {name}", *_first(urls))
    for where, misses in diagnosis.misses.items():
        if not where.startswith("paginate"):
            _print_misses(to, where, misses)
    if page.paginate is not None:
        following = "-" if result.next is None else console.safe(result.next.url)
        why = f" ({result.chain_end})" if result.next is None and result.chain_end else ""
        console.line(to, ("next   ", "bold"), following, why)
        if result.next is None:
            for where, misses in diagnosis.misses.items():
                if where.startswith("paginate"):
                    _print_misses(to, where, misses)


def _first(urls: list[str]) -> tuple[str, ...]:
    return tuple(f"\n         {console.safe(url)}" for url in urls[:3])


def _print_rejects(to: Console, result: PageResult) -> None:
    if not result.rejects:
        return
    to.print()
    for reject in result.rejects[:_MAX_REJECTS]:
        console.line(to, ("rejected", "bold red"), f" {reject.item}")
        for reason in reject.reasons:
            console.line(to, f"  {reason.field} {console.safe(reason.message)} ({reason.rule})")
    if len(result.rejects) > _MAX_REJECTS:
        console.line(to, (f"and {len(result.rejects) - _MAX_REJECTS} more rejected", "red"))
