"""`crawlery recipe preview`: one page, run by the control API, which fetches it from where its crawls would."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from crawler.cli import console
from crawler.cli.api_target import api_target, opened, print_json, with_api, with_json
from crawler.cli.groups import CommandFailed, pairs
from crawler.cli.pages import UNKNOWN_URL, is_url
from crawler.cli.recipes import RecipeName, is_path, load

if TYPE_CHECKING:
    from rich.console import Console

    from crawler.client.client import Client
    from crawler.client.model import RecipePreview

#: By the ending of a file: what it holds; anything else is HTML.
_KINDS: Final = {".json": "application/json", ".xml": "application/xml", ".txt": "text/plain"}


@click.command()
@click.argument("name", type=RecipeName(), metavar="NAME|FILE")
@click.argument("target", metavar="URL|FILE")
@click.option("--page", metavar="TYPE", help="Page type; by default found by `match`.")
@click.option("--url", help="Where a saved page came from; links are resolved against it.")
@click.option("--input", "-i", "inputs", multiple=True, metavar="NAME=VALUE", help="An input of the recipe.")
@with_api
@with_json
def preview(
    name: str, target: str, *, page: str | None, url: str | None, inputs: tuple[str, ...], api_url: str | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Let the control API run one page of a recipe, and show what it gives and what is missing.

    NAME is a recipe that the API has; a path, such as ./shop.yaml, hands over the file. The API fetches URL from where
    its crawls would, and obeys robots.txt; a saved page is handed over. `crawlery recipe try` does the same here.
    """
    given = pairs(inputs, "--input")
    order: dict[str, Any] = {"page": page, "url": target}
    if not is_url(target):
        order |= _saved(Path(target), url)
    elif url is not None:
        raise CommandFailed("--url is for files: it says where a saved page came from")
    with opened(api_target(api_url)) as client:
        found = client.recipes.preview(**order, **_recipe(client, name, given))
    if as_json:
        print_json(found)
    else:
        print_preview(console.out(), found)
    if found.error:
        raise CommandFailed(console.safe(found.error))


def _saved(path: Path, url: str | None) -> dict[str, Any]:
    try:
        body = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        hint = "; a URL begins with http:// or https://" if not path.exists() else ""
        raise CommandFailed(f"{path}: {(error.strerror or str(error)).lower()}{hint}") from error
    if url is None:
        console.note(f"the page's own URL is not known, {UNKNOWN_URL} is assumed; --url says it")
    return {"body": body, "url": url or UNKNOWN_URL, "content_type": _KINDS.get(path.suffix, "text/html")}


def _recipe(client: Client, name: str, given: dict[str, str]) -> dict[str, Any]:
    """The recipe and its inputs, with their types."""
    if is_path(name):
        recipe = load(name)
        return {"recipe_text": recipe.resolved, "inputs": recipe.inputs.from_text(given)}
    if not given:
        return {"recipe": name}
    schema = client.recipes.get(name.partition("@")[0]).inputs.get("properties", {})
    numbers = {"integer": int, "number": float}
    try:
        values = {key: numbers.get(schema.get(key, {}).get("type"), str)(value) for key, value in given.items()}
    except ValueError as error:
        raise CommandFailed(f"--input: {error}") from error
    return {"recipe": name, "inputs": values}


def print_preview(to: Console, found: RecipePreview) -> None:
    """What one page gives: its fields, links, next page, refused rows."""
    console.line(to, (console.safe(found.url), "bold"))
    console.line(to, f"status {found.status}, {found.size_bytes:,} bytes, {found.kind}, {found.encoding}")
    rows = console.plural(found.rows_found, "row")
    rejected = f", {found.rejects_found:,} rejected" if found.rejects_found else ""
    console.line(to, "page type ", (found.page, "bold"), f": {found.outcome}, {rows}{rejected}")
    left = max((len(field["path"]) for field in found.fields), default=0)
    first = found.rows[0] if found.rows else {}
    for field in found.fields:
        value = first.get(field["path"], field["value"])
        console.line(to, (f"  {field['path']:<{left}}  ", "bold"), console.shown(value),
                     (f"  {console.safe(field['source'])}", "dim"))  # fmt: skip
        _print_selectors(to, " " * (left + 4), field["selectors"])
    for links in found.links:
        console.line(to, ("follow ", "bold"), f"{console.plural(links['found'], 'link')} to {links['page']}")
    if found.next is not None:
        console.line(to, ("next   ", "bold"), console.safe(found.next))
    for place in found.misses:
        console.line(to, (place["path"], "bold"))
        _print_selectors(to, "  ", place["selectors"])
    for one in found.rejects:
        console.line(to, ("rejected ", "bold red"), console.safe("; ".join(one["reasons"])))
    if found.cause:
        console.line(to, (console.safe(found.cause), "yellow"))
    for note in found.notes:
        console.line(to, ("note ", "bold yellow"), console.safe(note))


def _print_selectors(to: Console, indent: str, selectors: list[dict[str, Any]]) -> None:
    for one in selectors:
        further = f"; `{one['part']}` matches {one['matches']}" if one["part"] else ""
        told = one["note"] or f"matches nothing{further}"
        console.line(to, (console.safe(f"{indent}{one['selector']}: {told}"), "yellow"))
