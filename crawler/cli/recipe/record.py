"""`crawlery recipe record`: saves a page and writes a test with what it gives now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from crawler.cli import console
from crawler.cli.groups import CommandFailed, pairs
from crawler.cli.pages import get_page
from crawler.cli.recipe.tests import print_verdicts
from crawler.cli.recipe.try_page import note_answers, print_diagnosis, print_page
from crawler.cli.recipes import RecipeName, load
from crawler.errors import PageError, RecipeError
from crawler.recipe.check import run_test
from crawler.recipe.diagnose import diagnose
from crawler.recipe.loader import load_recipe_text
from crawler.recipe.recording import snapshot_name, test_entry
from crawler.recipe.whole_page import no_answer
from crawler.recipe.yaml_writer import EditRefused, with_test

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from crawler.cli.pages import GottenPage
    from crawler.recipe.model import PageResult, Recipe


@click.command()
@click.argument("name", type=RecipeName())
@click.argument("target", metavar="URL|FILE")
@click.option("--page", metavar="TYPE", help="Page type; by default found by `match`, or the one that finds most.")
@click.option("--url", help="Where a saved page came from.")
@click.option("--snapshot", metavar="FILE", help="Name of the saved page; by default made from the URL.")
@click.option("--input", "-i", "inputs", multiple=True, metavar="NAME=VALUE", help="An input of the recipe.")
@click.option("--force", is_flag=True, help="Overwrite a saved page, and record rejected rows and error pages too.")
def record(
    name: str,
    target: str,
    *,
    page: str | None,
    url: str | None,
    snapshot: str | None,
    inputs: tuple[str, ...],
    force: bool,
) -> None:
    """Save a page beside the recipe and write a test with what it gives now.

    The page goes to NAME/ beside NAME.yaml, the test to the end of `tests`; comments in the recipe stay.
    Look at what is recorded: a test keeps wrong values as faithfully as right ones.
    """
    recipe = load(name)
    if recipe.path is None or recipe.snapshot_dir is None:
        raise AssertionError("a loaded recipe has a path")
    given = pairs(inputs, "--input")
    gotten = get_page(recipe, target, inputs=recipe.inputs.from_text(given), page=page, url=url)
    to = console.out()
    print_page(to, gotten)
    try:
        diagnosis = diagnose(recipe, gotten.input, answer=gotten.answers or no_answer)
    except PageError as error:
        raise CommandFailed(f"{type(error).__name__}: {error}; nothing was recorded") from error
    print_diagnosis(to, recipe, diagnosis)
    note_answers(gotten)
    if diagnosis.result is None:
        raise CommandFailed(f"{type(diagnosis.error).__name__}: {diagnosis.error}; nothing was recorded")
    if not force:
        _refuse_doubtful(gotten, diagnosis.result)
    file = recipe.snapshot_dir / (snapshot or snapshot_name(gotten.input.url, gotten.page, diagnosis.kind))
    if file.parent.resolve() != recipe.snapshot_dir.resolve():
        raise CommandFailed(f"--snapshot {snapshot}: saved pages lie directly in {recipe.snapshot_dir}/")
    if file.exists() and not force:
        raise CommandFailed(f"{file} exists; --force overwrites it, --snapshot FILE gives it another name")
    used = {key: gotten.input.inputs[key] for key in given}
    entry = test_entry(recipe, gotten.input, diagnosis.result, snapshot=file.name, inputs=used)
    answers = _answer_files(file, gotten)
    if answers:
        expect = entry.pop("expect")
        entry |= {"answers": {url: path.name for url, path in answers.items()}, "expect": expect}
    bodies = {file: gotten.input.body}
    bodies |= {path: gotten.answers.given[url].body for url, path in answers.items() if gotten.answers is not None}
    _write(recipe, file, bodies, entry)


def _answer_files(file: Path, gotten: GottenPage) -> dict[str, Path]:
    """Where the answers to follow-up requests are saved, by their URL."""
    given = gotten.answers.given if gotten.answers is not None else {}
    ending = {
        url: ".json" if "json" in answer.headers.get("content-type", "") else ".html" for url, answer in given.items()
    }
    return {
        url: file.with_name(f"{file.stem}-answer-{number}{ending[url]}") for number, url in enumerate(given, start=1)
    }


def _refuse_doubtful(gotten: GottenPage, result: PageResult) -> None:
    if gotten.input.status >= 400:
        raise CommandFailed(f"status {gotten.input.status}: nothing was recorded; --force records it all the same")
    if result.rejects:
        raise CommandFailed("the page's row is rejected: nothing was recorded; mend the recipe, or --force")
    if result.outcome == "empty":
        raise CommandFailed("the page gives nothing: nothing was recorded; mend the recipe, or --force")


def _write(recipe: Recipe, file: Path, bodies: Mapping[Path, bytes], entry: dict[str, Any]) -> None:
    """The pages, then the recipe; none of them if the new text is no recipe or its test would fail at once."""
    if recipe.path is None:
        raise AssertionError("a loaded recipe has a path")
    text = recipe.path.read_text(encoding="utf-8")
    try:
        changed = with_test(text, entry)
    except EditRefused as error:
        raise CommandFailed(f"{recipe.path}: {error}; nothing was recorded") from error
    before = {path: path.read_bytes() if path.exists() else None for path in bodies}
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        for path, body in bodies.items():
            path.write_bytes(body)
        try:
            # The loader wants to see the saved pages that a recipe names, so the pages come first.
            after = load_recipe_text(changed, name=str(recipe.path), path=recipe.path)
            verdict = run_test(after, next(test for test in after.tests if test.snapshot == file.name))
        except RecipeError:
            _restore(before)
            raise
        if not verdict.passed:
            _restore(before)
            print_verdicts(console.err(), after, (verdict,))
            raise CommandFailed("the saved page does not give what was just recorded; nothing was kept")
        replace_text(recipe.path, changed)
    except OSError as error:
        raise CommandFailed(f"{error.filename}: {error.strerror}") from error
    console.line(console.out(), ("recorded ", "bold green"), f"{file} and a test in {recipe.path}")


def _restore(before: Mapping[Path, bytes | None]) -> None:
    for file, body in before.items():
        if body is None:
            file.unlink()
        else:
            file.write_bytes(body)


def replace_text(path: Path, text: str) -> None:
    """Write a file at once: who reads it meanwhile sees the old or the new text, never half of it."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(text, encoding="utf-8", newline="")
    fresh.chmod(path.stat().st_mode if path.exists() else 0o644)
    fresh.replace(path)
