"""`crawlery crawl`: a recipe against a site, with live progress, rows in a file and a summary."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import replace

from crawler import faults
from crawler.cli import console, exits
from crawler.cli.crawling import run_spider
from crawler.cli.groups import CommandFailed, RecipeRefused, pairs
from crawler.cli.outputs import (
    TEXT_FORMATS,
    TYPED_FORMATS,
    check_output,
    check_writable,
    is_compressed,
    output_format,
)
from crawler.cli.recipes import RecipeName, recipe_path
from crawler.config import read_config
from crawler.errors import ConfigError, RecipeError
from crawler.fleet import fleet_settings
from crawler.jobs.model import check_job_id
from crawler.recipe.diagnostics import did_you_mean
from crawler.recipe.extract import start_requests
from crawler.recipe.loader import load_recipe
from crawler.spiders.loader import RecipeSpiderLoader, spider_of
from crawler.spiders.runner import project_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scrapy import Spider
    from scrapy.settings import Settings

    from crawler.cli.crawling import Finished
    from crawler.recipe.model import Export, Recipe

#: What `--sample` stops at.
SAMPLE_REQUESTS = 15
SAMPLE_ROWS = 5
#: Deepest pages first, one after another: a sample wants rows, not the list of all lists.
SAMPLE_SETTINGS = {
    "REQUESTS_LIMIT": SAMPLE_REQUESTS,
    "ITEMS_LIMIT": SAMPLE_ROWS,
    "DEPTH_PRIORITY": -1,
    "CONCURRENT_REQUESTS_PER_DOMAIN": 1,
}
_EPILOG = """\b
Exit status
  0    done; also if single linked pages were gone (404, 410)
  2    wrong input, option or recipe, or a file that cannot be written
  3    a list page was lost, so rows may be missing
  4    too few rows, too many rejected rows, or none at all
  130  stopped by Ctrl-C; the rows so far are kept

With --job the rows lie in the store, and `crawlery job rows` writes them. A worker does not judge the rows of all:
there is no 4, and 3 says that it has lost a list page itself.
"""
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


@click.command(epilog=_EPILOG)
@click.argument("name", type=RecipeName())
@click.option(
    "--input", "-i", "inputs", multiple=True, metavar="NAME=VALUE", help="An input of the recipe; may be repeated."
)
@click.option(
    "--output",
    "-o",
    metavar="FILE",
    help="File for the rows, .csv, .tsv, .jsonl or .parquet; overwritten; or s3://BUCKET/KEY.",
)
@click.option("--export", metavar="NAME", help="Which of the recipe's exports -o writes; the first by default.")
@click.option("--summary", type=click.Path(path_type=Path), help="File for the summary as JSON; overwritten.")
@click.option("--sample", is_flag=True, help=f"Only {SAMPLE_REQUESTS} pages or {SAMPLE_ROWS} rows; show the rows.")
@click.option("--full", is_flag=True, help="Also read pages whole that an incremental recipe would skip.")
@click.option("--set", "-s", "overrides", multiple=True, metavar="NAME=VALUE", help="A Scrapy setting for this crawl.")
@click.option("--job", "job_id", metavar="ID", help="Share this job with other processes; the first one makes it.")
@click.option("--redis-url", metavar="URL", help="Where jobs are shared: redis://HOST:PORT/DB.  [env: REDIS_URL]")
@click.option("--log-level", type=click.Choice(_LEVELS, case_sensitive=False), help="WARNING, or INFO with --log-file.")
@click.option("--log-file", type=click.Path(path_type=Path, dir_okay=False), help="Write the log there.")
@click.pass_context
def crawl(
    ctx: click.Context,
    name: str,
    *,
    inputs: tuple[str, ...],
    output: str | None,
    export: str | None,
    summary: Path | None,
    sample: bool,
    full: bool,
    overrides: tuple[str, ...],
    job_id: str | None,
    redis_url: str | None,
    log_level: str | None,
    log_file: Path | None,
) -> None:
    """Crawl a site with the recipe NAME (or the file NAME.yaml) and write its rows.

    With --job several processes, on one machine or many, crawl one job together.
    """
    faults.be("worker")
    settings = project_settings()
    arguments = pairs(inputs, "--input")
    spider, recipe = find_spider(name, settings)
    if recipe is not None:
        start_requests(recipe, recipe.inputs.from_text(arguments))
    apply_overrides(settings, pairs(overrides, "--set"))
    arguments |= share(settings, job_id, redis_url)
    if fleet_settings(settings) is not None:
        refuse_alone(job_id, output=output, sample=sample)
    if output is not None:
        settings.set("FEEDS", feeds(output, recipe, export), priority="cmdline")
    elif export is not None:
        raise click.UsageError("--export needs --output")
    if full:
        settings.set("INCREMENTAL_FULL", True, priority="cmdline")
    if summary is not None:
        check_writable(summary, "--summary")
        settings.set("SUMMARY_FILE", str(summary), priority="cmdline")
    if log_file is not None:
        check_writable(log_file, "--log-file")
    if sample:
        settings.setdict(SAMPLE_SETTINGS, priority="cmdline")
        if recipe is not None:
            spider = spider_of(
                replace(recipe, quality=None, incremental=None, exports=() if output is None else recipe.exports)
            )
    level = log_level or ("INFO" if log_file is not None else "WARNING")
    try:
        finished = run_spider(
            spider,
            arguments,
            settings,
            to=console.err(),
            log_level=logging.getLevelNamesMapping()[level.upper()],
            log_file=log_file,
            keep_rows=SAMPLE_ROWS if sample else 0,
        )
    except ConfigError as error:
        # It speaks as Scrapy's commands do; here the options have names of their own.
        raise CommandFailed(str(error).replace("-a job=", "--job ").replace("-s REDIS_URL=", "--redis-url ")) from error
    ctx.exit(report(finished, sample=sample))


def share(settings: Settings, job_id: str | None, redis_url: str | None) -> dict[str, str]:
    """Settings and arguments of a crawl that shares a job. The environment names a store only for `--job`.

    Raises:
        InvalidJob: `job_id` is no id.
        ConfigError: LEASE_TTL cannot be used.
        CommandFailed: nothing says where the store is.
    """
    if redis_url:
        settings.set("REDIS_URL", redis_url, priority="cmdline")
    if job_id is None:
        return {}
    check_job_id(job_id)
    if fleet_settings(settings) is None:
        url = read_config().redis_url
        if not url:
            raise CommandFailed(
                f"--job {job_id}: --redis-url redis://HOST:PORT/DB, or REDIS_URL, says where it is shared"
            )
        settings.set("REDIS_URL", url, priority="cmdline")
    return {"job": job_id}


def refuse_alone(job_id: str | None, *, output: str | None, sample: bool) -> None:
    """What only a crawl of one's own can do.

    Raises:
        CommandFailed: it is asked for.
    """
    if output is not None:
        rows = f"crawlery job rows {job_id or 'JOB'} -o {output}"
        raise CommandFailed(f"--output {output}: a worker has only its part of the rows; `{rows}` writes them all")
    if sample:
        raise CommandFailed("--sample would end the job for all its workers; leave out --job and --redis-url")


def find_spider(name: str, settings: Settings) -> tuple[type[Spider], Recipe | None]:
    """The spider of a recipe given by name or path, or an ordinary spider of that name.

    Raises:
        CommandFailed: there is neither.
        RecipeRefused: the recipe is wrong.
    """
    try:
        path = recipe_path(name)
    except CommandFailed:
        loader = RecipeSpiderLoader(settings)
        if name not in loader.list():
            raise
        return loader.load(name), None
    try:
        recipe = load_recipe(path)
    except RecipeError as error:
        raise RecipeRefused(error) from error
    return spider_of(recipe), recipe


def feeds(output: str | Path, recipe: Recipe | None, export: str | None) -> dict[str, dict[str, Any]]:
    """FEEDS for `-o`: of a file, or of an object in S3, which is asked about when the crawl is prepared.

    Raises:
        CommandFailed: the ending says no format, there is no such export, or the file cannot be written.
    """
    scheme, is_uri, _ = str(output).partition("://")
    if is_uri and scheme != "s3":
        raise CommandFailed(f"--output {output}: a file, or s3://BUCKET/KEY")
    fmt = output_format(output, TEXT_FORMATS if recipe is None else TYPED_FORMATS)
    if "%" in str(output):
        raise CommandFailed(f"--output {output}: % has a meaning of its own in names of feeds; leave it out")
    options: dict[str, Any] = {"format": fmt, "overwrite": True}
    kwargs: dict[str, Any] = {"gzip": True} if is_compressed(output) else {}
    if recipe is not None:
        chosen = chosen_export(recipe, export)
        if chosen is not None:
            kwargs["export"] = chosen.name
    elif export is not None:
        raise CommandFailed("--export is for recipes; this is an ordinary spider")
    if kwargs:
        options["item_export_kwargs"] = kwargs
    if is_uri:
        return {str(output): options}
    check_output(Path(output))
    return {str(Path(output).absolute()): options}


def chosen_export(recipe: Recipe, name: str | None) -> Export | None:
    """The export that `-o` writes; None if the recipe declares none.

    Raises:
        CommandFailed: there is none of that name.
    """
    known = {export.name: export for export in recipe.exports}
    if name is not None and name not in known:
        raise CommandFailed(f"--export {name}: {recipe.name} has {', '.join(known) or 'no exports'}")
    chosen = known[name] if name is not None else next(iter(known.values()), None)
    if len(recipe.items) > 1 and name is None:
        item = chosen.item if chosen is not None else next(iter(recipe.items))
        others = ", ".join(other for other in recipe.items if other != item)
        console.note(f"one file holds one item type: -o gets {item!r} rows, not {others}; --export NAME chooses")
    return chosen


def apply_overrides(settings: Settings, overrides: Mapping[str, str]) -> None:
    """Settings of `-s`, checked as far as their defaults tell what they may be.

    Raises:
        CommandFailed: the value is of the wrong kind.
    """
    for name, value in overrides.items():
        if name not in settings:
            hint = did_you_mean(name, [str(known) for known in settings])
            console.note(f"-s {name}: no setting that is known here; {hint or 'some extension may read it'}")
        default = settings.get(name)
        kind = next((kind for kind in (bool, int, float) if isinstance(default, kind)), None)
        try:
            if kind is bool:
                settings.set(name, value, priority="cmdline")
                settings.getbool(name)
            elif kind is not None:
                float(value)
        except ValueError as error:
            wanted = "True or False" if kind is bool else "a number"
            raise CommandFailed(f"-s {name}={value}: must be {wanted}") from error
        settings.set(name, value, priority="cmdline")


def report(finished: Finished, *, sample: bool) -> int:
    """Print how a crawl ended; its exit status."""
    if finished.summary is None:
        console.line(console.err(), ("stopped at once: no summary, and the last rows may be missing", "bold red"))
        return exits.INTERRUPTED
    to = console.out()
    if sample:
        print_sample(finished.rows)
    for number, text in enumerate(finished.summary.text().splitlines()):
        console.line(to, (console.safe(text), "bold" if number == 0 else ""))
    if sample and finished.summary.outcome != "cancelled":
        return exits.OK if finished.rows else exits.QUALITY_FAILED
    return finished.summary.exit_code


def print_sample(rows: Sequence[Mapping[str, Any]]) -> None:
    """The first rows of each kind, as a table where it fits."""
    by_fields: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        by_fields.setdefault(tuple(row), []).append(row)
    for names, alike in by_fields.items():
        console.print_rows(console.out(), names, [[row[name] for name in names] for row in alike])
