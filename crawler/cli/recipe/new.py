"""`crawlery recipe new`: looks at a site and writes a first recipe, with saved pages and tests that pass."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click
from msgspec.structs import replace
from rich.text import Text

from crawler.cli import console
from crawler.cli.fetch import fetcher_for
from crawler.cli.groups import CommandFailed
from crawler.cli.recipe.extending import extended
from crawler.cli.recipe.extending import show as show_extended
from crawler.cli.recipe.survey import Survey, Surveyor, survey
from crawler.cli.recipes import recipes_dirs
from crawler.errors import PageError
from crawler.recipe.check import run_tests
from crawler.recipe.extract import extract_page
from crawler.recipe.loader import load_recipe
from crawler.recipe.parents import built_in_names
from crawler.recipe.propose import Draft, FieldDraft, item_fields, recipe_text
from crawler.recipe.propose_item import field_name
from crawler.recipe.recording import snapshot_name, test_entry
from crawler.recipe.values import MISSING
from crawler.recipe.yaml_writer import flow, with_test

if TYPE_CHECKING:
    from crawler.cli.recipe.extending import Extended
    from crawler.recipe.model import PageResult, Recipe
    from crawler.recipe.propose import Sample

#: Times that fields which the contract refuses are taken out and the recipe is tried again.
_ROUNDS = 4


@click.command()
@click.argument("url")
@click.option("--name", help="Name of the recipe; by default made from the host.")
@click.option(
    "--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="Where the YAML goes; recipes/NAME.yaml."
)
@click.option("--force", is_flag=True, help="Overwrite a recipe of that name.")
@click.option("--extends", metavar="PARENT", help=f"Leave to a parent what it can: {', '.join(built_in_names())}.")
def new(url: str, name: str | None, output: Path | None, *, force: bool, extends: str | None) -> None:
    """Look at a site and write a first recipe for it.

    URL is a page that lists things, such as a category; a page of one thing and a home page do too. Fetches about
    five pages, proposes links, next page and fields with the values found, and writes the recipe with these pages as
    its tests. With --extends the recipe says where the site is, and the parent the rest.
    """
    chosen = name or (output.stem if output is not None else name_of(url))
    if field_name(chosen.replace("-", "_")) != chosen.replace("-", "_"):
        raise CommandFailed(f"--name {chosen}: a recipe's name has lower-case letters, digits, - and _ only")
    target = output or recipes_dirs()[0] / f"{chosen}.yaml"
    if target.exists() and not force:
        raise CommandFailed(f"{target} exists; --name gives another name, --force overwrites it")
    if target.stem != chosen:
        raise CommandFailed(f"{target}: the file of the recipe {chosen!r} must be called {chosen}.yaml")
    surveyor = Surveyor(fetcher_for(url))
    if extends is not None:
        made = extended(surveyor, target, parent=extends, url=url)
        recipe = write_extended(target, made)
        show_extended(made)
        _say_written(target, recipe)
        return
    found = survey(surveyor, url)
    draft = draft_of(chosen, found, url)
    recipe, used = write(target, found, draft)
    show(found, used)
    _name_sitemaps(surveyor, used)
    _say_written(target, recipe)


def _name_sitemaps(surveyor: Surveyor, draft: Draft) -> None:
    """Says that a crawl could begin with the sitemaps of the site; what they list nobody has looked at."""
    if draft.listing is None or not any(list(robots.sitemaps) for robots in surveyor.robots.values()):
        return
    start = '{sitemap: "{{ inputs.site }}/robots.txt", page: ' + draft.item + "}"
    console.note(f"robots.txt names sitemaps; start: [{start}], with `allow`, would begin with what they list")


def _say_written(target: Path, recipe: Recipe) -> None:
    verdicts = run_tests(recipe)
    tests = console.plural(len(verdicts), "test")
    to = console.out()
    console.line(to, "")
    console.line(to, ("wrote ", "bold green"), f"{target} and {tests} on saved pages in {target.with_suffix('')}/")
    console.line(to, f"next: crawlery crawl {_call(target, recipe.name)} --sample")


def _call(target: Path, name: str) -> str:
    return name if target.parent in recipes_dirs() else str(target)


def name_of(url: str) -> str:
    """A recipe's name from a host: `shop.example.com` is `shop-example`."""
    host = (urlsplit(url).hostname or "").removeprefix("www.")
    labels = host.split(".")
    if labels[-1].isdecimal():
        return "site"
    words = "-".join(labels[:-1] or labels)
    return field_name(words).replace("_", "-") or "site"


def draft_of(name: str, found: Survey, url: str) -> Draft:
    """What to write, from what was found."""
    if found.rows is not None:
        fields = tuple(
            FieldDraft(name=one.name, rules=(one.rule,), spec=one.spec, values=(one.sample,), origins=("page",))
            for one in found.rows.fields
        )
        full = frozenset(one.name for one in found.rows.fields[:1] if one.filled == found.rows.count)
        return Draft(
            name=name, url=url, item="row", rows=found.rows, rows_next=found.rows_next, fields=fields, required=full
        )
    fields, told = item_fields(found.items)
    if not fields:
        raise CommandFailed(f"{found.items[0].input.url}: found nothing that could be a field")
    priced = any(one.name == "price" for one in fields)
    item = "product" if priced or told.type.startswith("Product") else "article"
    always = {one.name for one in fields if one.name in ("name", "price") and MISSING not in one.values}
    return Draft(
        name=name,
        url=found_url(found, url),
        item=item,
        categories=found.categories,
        listing=found.listing,
        sources=told.sources,
        fields=fields,
        required=frozenset(always),
    )


def found_url(found: Survey, url: str) -> str:
    """Where the crawl begins: the page after its redirects."""
    for sample in (found.categories_page, found.listing_page, *found.items):
        if sample is not None:
            return sample.input.url
    return url


# --- writing ---------------------------------------------------------------------------------------------------------


def write(target: Path, found: Survey, draft: Draft) -> tuple[Recipe, Draft]:
    """Write recipe and pages, once the recipe has passed its own tests in a place of its own.

    Raises:
        CommandFailed: the folder cannot be written, or no recipe came out that passes.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".new-", dir=target.parent) as folder:
            recipe, used = _passing(Path(folder) / target.name, found, draft)
            pages = target.with_suffix("")
            if pages.exists():
                shutil.rmtree(pages)
            if recipe.snapshot_dir is not None and recipe.snapshot_dir.exists():
                recipe.snapshot_dir.replace(pages)
            (Path(folder) / target.name).replace(target)
    except OSError as error:
        raise CommandFailed(f"{error.filename or target}: {error.strerror}") from error
    return load_recipe(target), used


def write_extended(target: Path, made: Extended) -> Recipe:
    """Write a recipe that extends a parent, and its pages.

    Raises:
        CommandFailed: the folder cannot be written.
    """
    pages = target.with_suffix("")
    try:
        pages.parent.mkdir(parents=True, exist_ok=True)
        if pages.exists():
            shutil.rmtree(pages)
        for name, body in made.snapshots.items():
            pages.mkdir(exist_ok=True)
            (pages / name).write_bytes(body)
        target.write_text(made.text, encoding="utf-8")
    except OSError as error:
        raise CommandFailed(f"{error.filename or target}: {error.strerror}") from error
    return load_recipe(target)


def _passing(path: Path, found: Survey, draft: Draft) -> tuple[Recipe, Draft]:
    """The recipe at `path`, without the fields that its contract refused on the samples."""
    for _ in range(_ROUNDS):
        path.write_text(recipe_text(draft), encoding="utf-8")
        recipe = load_recipe(path)
        refused = {field for page, sample in found.pages() for field in refused_fields(recipe, page, sample)}
        if not refused:
            return _with_tests(path, recipe, found), draft
        draft = replace(draft, fields=tuple(one for one in draft.fields if one.name not in refused))
    raise CommandFailed("no recipe came out whose rows keep their own contract; write it by hand")


def _with_tests(path: Path, recipe: Recipe, found: Survey) -> Recipe:
    text = path.read_text(encoding="utf-8")
    folder = path.with_suffix("")
    folder.mkdir(exist_ok=True)
    for page, sample in found.pages():
        result = result_of(recipe, page, sample)
        snapshot = snapshot_name(sample.input.url, result.page, "html")
        (folder / snapshot).write_bytes(sample.input.body)
        text = with_test(text, test_entry(recipe, sample.input, result, snapshot=snapshot, inputs={}))
    path.write_text(text, encoding="utf-8")
    return load_recipe(path)


def result_of(recipe: Recipe, page: str, sample: Sample) -> PageResult:
    """What the recipe gives on a page that was looked at; `page` empty means its item page."""
    name = page or next(one.name for one in recipe.pages.values() if one.item is not None)
    request = replace(sample.input.request, page=name)
    return extract_page(recipe, replace(sample.input, request=request, inputs=recipe.inputs.resolve({})))


def refused_fields(recipe: Recipe, page: str, sample: Sample) -> set[str]:
    """Fields because of which the contract refuses the sample's row."""
    try:
        result = result_of(recipe, page, sample)
    except PageError as error:
        raise CommandFailed(f"{sample.input.url}: {error}") from error
    return {reason.field.split("[")[0].split(".")[0] for reject in result.rejects for reason in reject.reasons}


# --- showing ---------------------------------------------------------------------------------------------------------


def show(found: Survey, draft: Draft) -> None:
    """What was found, with values, as it went into the recipe."""
    to = console.out()
    if draft.categories is not None:
        console.line(to, ("categories  ", "bold"), f"{draft.categories.links}  ({draft.categories.count} links)")
    if draft.listing is not None:
        console.line(to, ("items       ", "bold"), f"{draft.listing.links}  ({draft.listing.count} links)")
        if draft.listing.below:
            console.line(to, ("and below   ", "bold"), draft.listing.below)
    if draft.rows is not None:
        console.line(to, ("rows        ", "bold"), f"{draft.rows.each}  ({draft.rows.count} rows)")
    following = draft.rows_next if draft.rows is not None else draft.listing.next if draft.listing is not None else None
    if draft.rows is not None or draft.listing is not None:
        shown = "none seen" if following is None else f"{flow(following.paginate)}  ({console.safe(following.url)})"
        console.line(to, ("next page   ", "bold"), shown)
    console.line(to, "")
    left = max((len(one.name) for one in draft.fields), default=0)
    for one in draft.fields:
        values = [value for value in one.values if value is not MISSING]
        seen = f"in {len(values)} of {len(found.items)}" if len(found.items) > 1 and draft.rows is None else ""
        shown = console.shown(values[0], 48) if values else ""
        to.print(
            Text.assemble((f"  {one.name:<{left}}  ", "bold"), shown, (f"  {' | '.join(one.origins)} {seen}", "dim")),
            no_wrap=True,
            overflow="ellipsis",
        )
